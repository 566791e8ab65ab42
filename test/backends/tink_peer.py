"""The other side of the Tink tests: Python's hashlib.scrypt and PyPI's tink, asked by JSON on stdin.

open      a wrapped keyset file and data -> the MAC of the data, in hexadecimal
write     a key -> a wrapped keyset file with that HMAC-SHA256 key, prefix RAW
decrypt   ciphertext and associated data -> the serialized keyset, in hexadecimal
generate  a kind of key that is not ours -> a wrapped keyset file with a fresh one
"""

import base64
import hashlib
import json
import os
import sys

import tink
from tink import aead, cleartext_keyset_handle, json_proto_keyset_format, mac
from tink.proto import aes_gcm_pb2, common_pb2, hmac_pb2, tink_pb2

COST = {"N": 2**14, "r": 8, "p": 1}
TYPE = "type.googleapis.com/google.crypto.tink."


def keyset_of(type_name, value, prefix=tink_pb2.RAW):
    data = tink_pb2.KeyData(
        type_url=TYPE + type_name,
        value=value.SerializeToString(),
        key_material_type=tink_pb2.KeyData.SYMMETRIC,
    )
    key = tink_pb2.Keyset.Key(key_data=data, status=tink_pb2.ENABLED, key_id=4711, output_prefix_type=prefix)
    keyset = tink_pb2.Keyset(primary_key_id=4711, key=[key])
    reader = tink.BinaryKeysetReader(keyset.SerializeToString())
    return cleartext_keyset_handle.read(reader)


def hmac_key(key, hash_type=common_pb2.SHA256, tag_size=32):
    return hmac_pb2.HmacKey(params=hmac_pb2.HmacParams(hash=hash_type, tag_size=tag_size), key_value=key)


def aead_of(passphrase, salt, cost):
    memory = 128 * cost["r"] * (cost["N"] + cost["p"] + 2)
    kek = hashlib.scrypt(passphrase.encode(), salt=salt, n=cost["N"], r=cost["r"], p=cost["p"], dklen=32, maxmem=memory)
    return keyset_of("AesGcmKey", aes_gcm_pb2.AesGcmKey(key_value=kek)).primitive(aead.Aead)


def wrapped(handle, passphrase):
    salt = os.urandom(16)
    encrypted = json_proto_keyset_format.serialize_encrypted(handle, aead_of(passphrase, salt, COST), b"")
    kdf = {"name": "scrypt", **COST, "salt": base64.b64encode(salt).decode()}
    return json.dumps({"version": 1, "kdf": kdf, "keyset": json.loads(encrypted)})


def kek_of(passphrase, kdf):
    return aead_of(passphrase, base64.b64decode(kdf["salt"]), kdf)


def opened(file, passphrase):
    kek = kek_of(passphrase, file["kdf"])
    return json_proto_keyset_format.parse_encrypted(json.dumps(file["keyset"]), kek, b"")


def generated(kind):
    fresh = os.urandom(32)
    if kind == "TINK prefix":
        return keyset_of("HmacKey", hmac_key(fresh), tink_pb2.TINK)
    if kind == "16-byte tag":
        return keyset_of("HmacKey", hmac_key(fresh, tag_size=16))
    if kind == "SHA1":
        return keyset_of("HmacKey", hmac_key(fresh, common_pb2.SHA1, 20))
    return keyset_of("AesGcmKey", aes_gcm_pb2.AesGcmKey(key_value=fresh))


def main():
    request = json.load(sys.stdin)
    aead.register()
    mac.register()
    passphrase = request["passphrase"]
    if request["act"] == "open":
        handle = opened(json.loads(request["file"]), passphrase)
        answer = handle.primitive(mac.Mac).compute_mac(request["data"].encode()).hex()
    elif request["act"] == "write":
        answer = wrapped(keyset_of("HmacKey", hmac_key(bytes.fromhex(request["key"]))), passphrase)
    elif request["act"] == "decrypt":
        kek = kek_of(passphrase, request["kdf"])
        answer = kek.decrypt(bytes.fromhex(request["bytes"]), bytes.fromhex(request["data"])).hex()
    elif request["act"] == "generate":
        answer = wrapped(generated(request["kind"]), passphrase)
    else:
        raise ValueError(request["act"])
    sys.stdout.write(answer)


main()
