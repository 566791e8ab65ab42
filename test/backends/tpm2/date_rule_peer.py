# Somebody who has the office key's approval of one day and speaks to the TPM directly, without hardkey. In: the address of a
# software TPM, a persistent key with a date rule, the office key, the day it approved and the day that is asked for. Out: the
# HMAC in hexadecimal digits, or what the TPM answered. TPM 2.0 Library, Part 3, 23.3 TPM2_PolicySigned.
#
#   date_rule_peer.py ADDRESS HANDLE OFFICE_PEM APPROVED ASKED

import struct
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

import seed_tpm as tpm
from seed_tpm import sha256, sized, unsized

HMAC = 0x155
# As tpm2_loadexternal makes it: userWithAuth, decrypt, sign.
EXTERNAL = 0x00060040


def parameters(data):
    # hashAlg NULL: the hash of the key.
    return sized(data) + struct.pack('>H', 0x0010)


def approve(office, key_name, day):
    """TPMT_SIGNATURE over aHash, with cpHashA of TPM2_HMAC, no nonce and no expiration."""
    cp_hash = sha256(struct.pack('>I', HMAC), key_name, parameters(day))
    r, s = decode_dss_signature(office.sign(struct.pack('>i', 0) + cp_hash, ec.ECDSA(hashes.SHA256())))
    signature = struct.pack('>HH', 0x0018, 0x000B) + sized(r.to_bytes(32, 'big')) + sized(s.to_bytes(32, 'big'))
    return cp_hash, signature


def main(address, handle, pem, approved, asked):
    device, handle = tpm.Tpm(address), int(handle, 16)
    with open(pem, 'rb') as file:
        office = serialization.load_pem_private_key(file.read(), None)
    point = office.public_key().public_numbers()
    unique = sized(point.x.to_bytes(32, 'big')) + sized(point.y.to_bytes(32, 'big'))
    nothing = struct.pack('>H', 0x0010)
    area = struct.pack('>HHI', 0x0023, 0x000B, EXTERNAL) + sized(b'') + nothing * 2 + struct.pack('>H', 3) + nothing + unique
    key_name = tpm.name_of(unsized(device.call(0x173, (handle,))[1])[0])
    cp_hash, signature = approve(office, key_name, approved.encode())
    # TPM2_LoadExternal, Part 3, 12.3: the public area alone, in the null hierarchy.
    external, _ = device.call(0x167, (), (), sized(b'') + sized(area) + struct.pack('>I', tpm.NULL))
    session = device.policy_session()
    try:
        rule = sized(b'') + sized(cp_hash) + sized(b'') + struct.pack('>i', 0) + signature
        device.call(0x160, (external, session), (), rule)
        auth = struct.pack('>I', session) + sized(bytes(32)) + b'\x01' + sized(b'')
        _, answer = device.call(HMAC, (handle,), (auth,), parameters(asked.encode()))
        print(unsized(answer)[0].hex())
    except tpm.TpmError as error:
        print(error)
    finally:
        device.flush(session)
        device.flush(external)


if __name__ == '__main__':
    main(*sys.argv[1:])
