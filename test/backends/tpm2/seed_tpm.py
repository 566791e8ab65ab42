# A TPM as the older tools of this family use it: raw commands over a socket, empty passwords, everything in clear.
# In: the address of a software TPM. Out: its answers. Written from TPM 2.0 Library, Parts 2 and 3, and from nothing of
# hardkey, so that both can be compared. Python's standard library alone.

import hashlib
import os
import socket
import struct

OWNER, ENDORSEMENT, NULL, PASSWORD = 0x40000001, 0x4000000B, 0x40000007, 0x40000009
EK_POLICY = bytes.fromhex('837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa')
AES_128_CFB = struct.pack('>HHH', 0x0006, 128, 0x0043)
NO_SCHEME = struct.pack('>H', 0x0010)

# Attributes of objects. Part 2, 8.3.
STORAGE, STORAGE_EK, STORAGE_OLD = 0x00030472, 0x000300B2, 0x00030072
IMPORTED, IMPORTED_POLICY, CREATED = 0x00040040, 0x00040000, 0x00040052


def sha256(*parts):
    return hashlib.sha256(b''.join(parts)).digest()


def sized(content):
    return struct.pack('>H', len(content)) + content


def unsized(data, at=0):
    """A sized buffer at this place, and the place behind it."""
    length = struct.unpack_from('>H', data, at)[0]
    return data[at + 2 : at + 2 + length], at + 2 + length


def rsa(attributes, policy, unique):
    area = struct.pack('>HHI', 0x0001, 0x000B, attributes) + sized(policy)
    return area + AES_128_CFB + NO_SCHEME + struct.pack('>HI', 2048, 0) + sized(unique)


def ecc(attributes, policy, coordinate):
    area = struct.pack('>HHI', 0x0023, 0x000B, attributes) + sized(policy)
    return area + AES_128_CFB + NO_SCHEME + struct.pack('>H', 0x0003) + NO_SCHEME + sized(coordinate) * 2


# Each parent with its hierarchy; Part 2, 12.2.4 TPMT_PUBLIC.
PARENTS = {
    'h2': (OWNER, ecc(STORAGE, b'', b'')),
    'rsa-ek': (ENDORSEMENT, rsa(STORAGE_EK, EK_POLICY, bytes(256))),
    'ecc-ek': (ENDORSEMENT, ecc(STORAGE_EK, EK_POLICY, bytes(32))),
    'rsa-srk': (OWNER, rsa(STORAGE, b'', bytes(256))),
    'ecc-srk': (OWNER, ecc(STORAGE, b'', bytes(32))),
    'old-rsa': (OWNER, rsa(STORAGE_OLD, b'', b'')),
    'old-ecc': (OWNER, ecc(STORAGE_OLD, b'', b'')),
}


def hmac_public(attributes, unique, policy=b''):
    """TPMT_PUBLIC of an HMAC-SHA256 key."""
    area = struct.pack('>HHI', 0x0008, 0x000B, attributes) + sized(policy)
    return area + struct.pack('>HH', 0x0005, 0x000B) + sized(unique)


def hmac_sensitive(seed, key, auth=b''):
    """TPMT_SENSITIVE of the same. Part 2, 12.3.2.4."""
    return struct.pack('>H', 0x0008) + sized(auth) + sized(seed) + sized(key)


def name_of(public):
    return struct.pack('>H', 0x000B) + sha256(public)


def password(value=b''):
    return struct.pack('>I', PASSWORD) + sized(b'') + b'\x00' + sized(value)


class TpmError(Exception):
    pass


class Tpm:
    """One connection. `address`: a path, or HOST:PORT."""

    def __init__(self, address):
        if address.startswith('/'):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address)
        else:
            host, port = address.rsplit(':', 1)
            self.socket = socket.create_connection((host, int(port)))

    def call(self, code, handles=(), auths=(), parameters=b''):
        """The parameters of the answer, behind its handle where it has one, and that handle."""
        area = b''.join(auths)
        body = b''.join(struct.pack('>I', handle) for handle in handles)
        body += (struct.pack('>I', len(area)) + area if auths else b'') + parameters
        head = struct.pack('>HII', 0x8002 if auths else 0x8001, 10 + len(body), code)
        for _ in range(10):
            tag, status, answer = self._exchange(head + body)
            # TPM_RC_RETRY, Part 2, 6.6.3.
            if status != 0x922:
                break
        if status != 0:
            raise TpmError(f'command 0x{code:x} answers 0x{status:x}')
        handle = None
        if code in (0x131, 0x157, 0x167, 0x176, 0x15B):
            handle, answer = struct.unpack('>I', answer[:4])[0], answer[4:]
        if tag == 0x8002:
            answer = answer[4 : 4 + struct.unpack('>I', answer[:4])[0]]
        return handle, answer

    def _exchange(self, command):
        self.socket.sendall(command)
        tag, size, status = struct.unpack('>HII', self._read(10))
        return tag, status, self._read(size - 10)

    def _read(self, count):
        data = b''
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise TpmError('the TPM closed the connection')
            data += piece
        return data

    def parent(self, name):
        """TPM2_CreatePrimary, Part 3, 24.1: the handle and TPMT_PUBLIC."""
        hierarchy, template = PARENTS[name]
        parameters = sized(sized(b'') + sized(b'')) + sized(template) + sized(b'') + struct.pack('>I', 0)
        handle, answer = self.call(0x131, (hierarchy,), (password(),), parameters)
        return handle, unsized(answer)[0]

    def flush(self, handle):
        self.call(0x165, parameters=struct.pack('>I', handle))

    def policy_session(self):
        """TPM2_StartAuthSession, Part 3, 11.1: not salted, not bound."""
        kind = b'\x01' + NO_SCHEME + struct.pack('>H', 0x000B)
        return self.call(0x176, (NULL, NULL), (), sized(os.urandom(32)) + sized(b'') + kind)[0]

    def parent_auth(self, name):
        """What an endorsement key wants is PolicySecret, Part 3, 23.4; the others an empty password."""
        if not name.endswith('-ek'):
            return None, password()
        session = self.policy_session()
        empty = sized(b'') * 3 + struct.pack('>i', 0)
        self.call(0x151, (ENDORSEMENT, session), (password(),), empty)
        # The session ends with the command that it authorizes.
        return session, struct.pack('>I', session) + sized(os.urandom(32)) + b'\x00' + sized(b'')

    def import_key(self, name, handle, public, duplicate, seed=b''):
        """TPM2_Import, Part 3, 13.3, without an inner wrapper: TPM2B_PRIVATE, with its length."""
        _, auth = self.parent_auth(name)
        parameters = sized(b'') + sized(public) + sized(duplicate) + sized(seed) + NO_SCHEME
        _, answer = self.call(0x156, (handle,), (auth,), parameters)
        return sized(unsized(answer)[0])

    def create_key(self, handle, key, attributes=CREATED, policy=b''):
        """TPM2_Create with the caller's data, Part 3, 12.1: TPM2B_PUBLIC and TPM2B_PRIVATE."""
        public = hmac_public(attributes, b'', policy)
        parameters = sized(sized(b'') + sized(key)) + sized(public) + sized(b'') + struct.pack('>I', 0)
        _, answer = self.call(0x153, (handle,), (password(),), parameters)
        private, at = unsized(answer)
        return sized(unsized(answer, at)[0]), sized(private)

    def load(self, name, handle, public, private):
        _, auth = self.parent_auth(name)
        return self.call(0x157, (handle,), (auth,), private + public)[0]

    def hmac(self, handle, data, auth):
        """TPM2_HMAC, Part 3, 15.4, in clear."""
        _, answer = self.call(0x155, (handle,), (auth,), sized(data) + struct.pack('>H', 0x000B))
        return unsized(answer)[0]
