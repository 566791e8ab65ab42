# Key files as the seed, tpmcopy and tpm2genkey write them, byte by byte, made anew for one TPM. In: its address, and a folder.
# Out: the files, and a list of them as JSON on standard output. Written from their formats and from nothing of hardkey.
# Use: seed_files.py ADDRESS FOLDER

import base64
import hmac
import json
import os
import struct
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import seed_tpm as tpm
from seed_tpm import sha256, sized, unsized

KEY = b'AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
DAY = b'20150830'
PASSWORD = b'seed-password-1'
LOADABLE, IMPORTABLE, OLD_LOADABLE = '2.23.133.10.1.3', '2.23.133.10.1.4', '2.23.133.10.2'
# PCR 23 of the SHA-256 bank, extended once by zeros.
PCR_SELECTION = bytes.fromhex('00000001000b03000080')
PCR_DIGEST = sha256(sha256(bytes(64)))

# -- policies: TPM 2.0 Library, Part 3, 23; known answers in the notes on the seed ------------------------------------


def extend(digest, code, *parts):
    return sha256(digest, struct.pack('>I', code), *parts)


ZERO = bytes(32)
AUTH_VALUE = extend(ZERO, 0x16B)
PCR = extend(ZERO, 0x17F, PCR_SELECTION, PCR_DIGEST)


def duplication_select(parent_name):
    return extend(ZERO, 0x188, parent_name, b'\x00')


def either(first, second):
    return extend(ZERO, 0x171, first, second)


# -- DER and PEM ------------------------------------------------------------------------------------------------------


def der(tag, content):
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, 'big')
    return bytes([tag, 0x80 | len(length)]) + length + content


def integer(value):
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, 'big'))


def object_identifier(text):
    first, second, *rest = [int(part) for part in text.split('.')]
    content = b''
    for part in [40 * first + second, *rest]:
        septets = [part & 0x7F]
        while part > 0x7F:
            part >>= 7
            septets.append(0x80 | part & 0x7F)
        content += bytes(reversed(septets))
    return der(0x06, content)


def octets(content):
    return der(0x04, content)


def key_file(kind, parent, public, private, empty_auth=False, policy=None, secret=None):
    """As go-tpm-keyfiles encodes it: an emptyAuth that is false is left out."""
    content = object_identifier(kind)
    if empty_auth:
        content += der(0xA0, der(0x01, b'\xff'))
    if policy:
        steps = [der(0x30, der(0xA0, integer(code)) + der(0xA1, octets(data))) for code, data in policy]
        content += der(0xA1, der(0x30, b''.join(steps)))
    if secret is not None:
        content += der(0xA2, octets(secret))
    content += integer(parent) + octets(public) + octets(private)
    lines = base64.encodebytes(der(0x30, content)).decode().replace('\n', '')
    rows = [lines[at : at + 64] for at in range(0, len(lines), 64)]
    return '\n'.join(['-----BEGIN TSS2 PRIVATE KEY-----', *rows, '-----END TSS2 PRIVATE KEY-----', ''])


# -- the outer wrapper of a duplicate: TPM 2.0 Library, Part 1, 23.3 --------------------------------------------------


def kdfa(key, label, context, bits):
    data = struct.pack('>I', 1) + label + b'\x00' + context + struct.pack('>I', bits)
    return hmac.digest(key, data, 'sha256')[: bits // 8]


def kdfe(z, label, own_x, parent_x):
    return sha256(struct.pack('>I', 1), z, label, b'\x00', own_x, parent_x)


def seed_for(parent):
    """The seed, and how it travels to this parent: the content of TPM2B_ENCRYPTED_SECRET."""
    kind = struct.unpack('>H', parent[:2])[0]
    _, at = unsized(parent, 8)
    if kind == 0x0001:
        modulus, _ = unsized(parent, at + 6 + 2 + 2 + 4)
        key = rsa_keys.RSAPublicNumbers(65537, int.from_bytes(modulus, 'big')).public_key()
        seed = os.urandom(16)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b'DUPLICATE\x00')
        return seed, key.encrypt(seed, oaep)
    x, at = unsized(parent, at + 6 + 2 + 2 + 2)
    y, _ = unsized(parent, at)
    curve = ec.SECP256R1()
    theirs = ec.EllipticCurvePublicNumbers(int.from_bytes(x, 'big'), int.from_bytes(y, 'big'), curve).public_key()
    own = ec.generate_private_key(curve)
    numbers = own.public_key().public_numbers()
    own_x, own_y = (value.to_bytes(32, 'big') for value in (numbers.x, numbers.y))
    z = own.exchange(ec.ECDH(), theirs)
    return kdfe(z, b'DUPLICATE', own_x, x.rjust(32, b'\x00')), sized(own_x) + sized(own_y)


def cfb(key, plain):
    """AES-128-CFB with an IV of zeros, block by block."""
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    out = bytes(16)
    for at in range(0, len(plain), 16):
        mask = block.update(out[-16:])
        out += bytes(a ^ b for a, b in zip(plain[at : at + 16], mask))
    return out[16:]


def wrapped(parent, public, sensitive):
    """The content of TPM2B_PRIVATE and of TPM2B_ENCRYPTED_SECRET."""
    seed, secret = seed_for(parent)
    name = tpm.name_of(public)
    encrypted = cfb(kdfa(seed, b'STORAGE', name, 128), sized(sensitive))
    tag = hmac.digest(kdfa(seed, b'INTEGRITY', b'', 256), encrypted + name, 'sha256')
    return sized(tag) + encrypted, secret


# -- the makers -------------------------------------------------------------------------------------------------------


class Folder:
    def __init__(self, path):
        self.path = path
        self.list = []

    def add(self, name, content, **facts):
        mode = 'w' if isinstance(content, str) else 'wb'
        with open(os.path.join(self.path, name), mode) as file:
            file.write(content)
        self.list.append({'name': name, **facts})


def object_of(policy=b'', auth=b'', attributes=None):
    seed = os.urandom(32)
    if attributes is None:
        attributes = tpm.IMPORTED_POLICY if policy else tpm.IMPORTED
    return tpm.hmac_public(attributes, sha256(seed, KEY), policy), tpm.hmac_sensitive(seed, KEY, auth)


def write_seed(device, folder):
    """What the seed's own program and its READMEs make, below H-2."""
    handle, _ = device.parent('h2')
    public, sensitive = object_of()
    # Neither wrapper: the duplicate is TPM2B_SENSITIVE in clear.
    private = device.import_key('h2', handle, public, sized(sensitive))
    folder.add('seed.pem', key_file(LOADABLE, 0x80000000, sized(public), private, empty_auth=True), parent='h2')
    folder.add('old-oid.pem', key_file(OLD_LOADABLE, 0x40000001, sized(public), private), parent='h2')
    folder.add('pair.pub', sized(public), parent='h2')
    folder.add('pair.priv', private, parent='h2')
    created = device.create_key(handle, KEY)
    folder.add('readme.pem', key_file(LOADABLE, 0x80000000, *created), parent='h2')
    device.flush(handle)
    for name in ('old-rsa', 'old-ecc'):
        handle, _ = device.parent(name)
        created = device.create_key(handle, KEY)
        folder.add(f'{name}.pem', key_file(LOADABLE, 0x80000000, *created), parent=name)
        device.flush(handle)


def write_genkey(device, folder):
    """What tpm2genkey writes with its policy syntax: steps in the order in which they run."""
    handle, _ = device.parent('h2')
    steps = [(0x17F, sized(PCR_DIGEST) + PCR_SELECTION), (0x16B, b'')]
    kinds = {
        'genkey-pcr': (PCR, b'', steps[:1], 'pcr'),
        'genkey-password': (AUTH_VALUE, PASSWORD, steps[1:], 'password'),
        'genkey-pcr-password': (extend(PCR, 0x16B), PASSWORD, steps, 'pcr+password'),
    }
    for name, (policy, auth, list_, use) in kinds.items():
        public, sensitive = object_of(policy, auth)
        private = device.import_key('h2', handle, public, sized(sensitive))
        content = key_file(LOADABLE, 0x40000001, sized(public), private, empty_auth=not auth, policy=list_)
        folder.add(f'{name}.pem', content, parent='h2', use=use)
        bare = key_file(LOADABLE, 0x40000001, sized(public), private, empty_auth=not auth)
        folder.add(f'{name}-bare.pem', bare, parent='h2', use=use)
        listed = [{'CommandCode': code, 'CommandPolicy': base64.b64encode(data).decode()} for code, data in list_]
        folder.add(f'{name}.json', json.dumps({'policy': listed}), parent='h2', use=use)
    device.flush(handle)


# tpmcopy's own words, the first with its slip; proto3 leaves out what is zero.
PARENT_WORDS = {
    'ecc-ek': {},
    'rsa-ek': {'parentKeyType': 'EndorsementRSA'},
    'h2': {'parentKeyType': 'H2'},
    'ecc-srk': {'parentKeyType': 'ECCSRK'},
    'rsa-srk': {'parentKeyType': 'RSASRK'},
}


def write_copy(device, folder):
    """What tpmcopy makes: `duplicate` (an importable key in JSON) and `import` (a loadable key), under each parent."""
    for name, word in PARENT_WORDS.items():
        handle, parent = device.parent(name)
        parent_name = tpm.name_of(parent)
        second = duplication_select(parent_name)
        uses = {
            'plain': (b'', b'', None),
            'password': (either(AUTH_VALUE, second), PASSWORD, (0x16B, b'', AUTH_VALUE)),
            'pcr': (either(PCR, second), b'', (0x17F, sized(PCR_DIGEST) + PCR_SELECTION, PCR)),
        }
        for use, (policy, auth, branch) in uses.items():
            public, sensitive = object_of(policy, auth)
            duplicate, secret = wrapped(parent, public, sensitive)
            digests = [] if branch is None else [branch[2], second]
            syntax = branch and [
                branch[:2],
                (0x188, sized(b'') + sized(parent_name) + b'\x00'),
                (0x171, struct.pack('>I', len(digests)) + b''.join(map(sized, digests))),
            ]
            facts = {'parent': name, 'use': 'none' if use == 'plain' else use}
            for label, list_ in (('', None), ('-syntax', syntax)):
                if label and not list_:
                    continue
                pem = key_file(IMPORTABLE, 0x40000140, sized(public), sized(duplicate), not auth, list_, sized(secret))
                folder.add(f'copy-{name}-{use}{label}-importable.pem', pem, **facts)
                message = {'name': 'aws', 'version': 1, 'type': 'HMAC', **word, 'key': pem}
                message['parentName'] = parent_name.hex()
                folder.add(f'copy-{name}-{use}{label}.json', json.dumps(message), **facts)
                private = device.import_key(name, handle, public, duplicate, secret)
                number = handle if name.endswith('-ek') else 0x40000001
                loadable = key_file(LOADABLE, number, sized(public), private, not auth, list_)
                folder.add(f'copy-{name}-{use}{label}.pem', loadable, **facts)
        device.flush(handle)


if __name__ == '__main__':
    folder = Folder(sys.argv[2])
    for maker in (write_seed, write_genkey, write_copy):
        maker(tpm.Tpm(sys.argv[1]), folder)
    print(json.dumps(folder.list))
