# Reads a key file as aws-tpm-process-credential does, loads it and prints the HMAC of the day: what hardkey writes must pass.
# In: the address of a software TPM, a file, and what the key wants. Out: the HMAC in hexadecimal digits. The second form
# prints Name and TPMT_PUBLIC of a parent that the TPM makes; the third makes a key by TPM2_Create below H-2, with attributes
# and a policy in hexadecimal digits, as FILE.pub and FILE.priv; the fourth does what tpmcopy's import does with its JSON, and
# prints the HMAC of the day. Nothing of hardkey is in here.
#
#   seed_use.py use ADDRESS FILE none|password:TEXT|pcr|pcr+password:TEXT
#   seed_use.py name ADDRESS PARENT
#   seed_use.py create ADDRESS FILE ATTRIBUTES POLICY
#   seed_use.py copy ADDRESS FILE

import base64
import json
import os
import struct
import sys

import seed_tpm as tpm
from seed_files import DAY, IMPORTABLE, KEY, LOADABLE, PARENT_WORDS, PCR_SELECTION, der, object_identifier
from seed_tpm import sized, unsized


def der_read(data, at):
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, at = int.from_bytes(data[at : at + count], 'big'), at + count
    if at + length > len(data):
        raise ValueError('the DER is cut')
    return tag, data[at : at + length], at + length


def key_file_read(text, wanted=LOADABLE):
    """go-tpm-keyfiles: one block, the optional fields in order, then parent and both areas. Gives parent, public, private,
    and of an importable key the secret."""
    lines = text.strip().split('\n')
    if lines[0] != '-----BEGIN TSS2 PRIVATE KEY-----' or lines[-1] != '-----END TSS2 PRIVATE KEY-----':
        raise ValueError('not one TSS2 PRIVATE KEY')
    content = der_read(base64.b64decode(''.join(lines[1:-1]), validate=True), 0)[1]
    tag, kind, at = der_read(content, 0)
    if tag != 0x06 or der(tag, kind) != object_identifier(wanted):
        raise ValueError('not a key of this type')
    fields, last, secret = [], -1, None
    while at < len(content):
        tag, value, at = der_read(content, at)
        if tag & 0xE0 == 0xA0:
            if tag <= last or fields:
                raise ValueError('optional fields are out of order')
            last = tag
            secret = der_read(value, 0)[1] if tag == 0xA2 else secret
        else:
            fields.append((tag, value))
    if [tag for tag, _ in fields] != [0x02, 0x04, 0x04]:
        raise ValueError('parent, pubkey and privkey are expected')
    for _, area in fields[1:]:
        if unsized(area)[1] != len(area):
            raise ValueError('an area does not have the length that it says')
    areas = (value for _, value in fields[1:])
    return (int.from_bytes(fields[0][1], 'big'), *areas, *([] if wanted == LOADABLE else [secret]))


def use_key(device, file, use):
    """Loads it below H-2, whatever parent it names but a persistent one, and asks for the HMAC of the day."""
    kind, _, text = use.partition(':')
    with open(file) as opened:
        parent, public, private = key_file_read(opened.read())
    handle = parent if parent >> 24 == 0x81 else device.parent('h2')[0]
    loaded = device.load('h2', handle, public, private)
    if kind.startswith('pcr'):
        session = device.policy_session()
        device.call(0x17F, (session,), (), sized(b'') + PCR_SELECTION)
        if kind == 'pcr+password':
            # TPM2_PolicyPassword, Part 3, 23.18: the same digest as PolicyAuthValue.
            device.call(0x18C, (session,))
        auth = struct.pack('>I', session) + sized(os.urandom(32)) + b'\x00' + sized(text.encode())
    else:
        auth = tpm.password(text.encode())
    print(device.hmac(loaded, DAY, auth).hex())
    device.flush(loaded)
    if handle != parent:
        device.flush(handle)


def import_copy(device, file):
    """tpmcopy --mode=import: the parent by its kind and Name, TPM2_Import, TPM2_Load."""
    with open(file) as opened:
        message = json.load(opened)
    if message.keys() - {'name', 'version', 'type', 'parentKeyType', 'key', 'parentName'}:
        raise ValueError('protojson knows no such member')
    if message['version'] != 1 or message['type'] != 'HMAC':
        raise ValueError('not an HMAC key')
    words = {word.get('parentKeyType'): name for name, word in PARENT_WORDS.items()}
    name = words[message.get('parentKeyType')]
    _, public, duplicate, secret = key_file_read(message['key'], IMPORTABLE)
    handle, parent = device.parent(name)
    if tpm.name_of(parent).hex() != message['parentName']:
        raise ValueError('wrapped for another parent')
    private = device.import_key(name, handle, unsized(public)[0], unsized(duplicate)[0], unsized(secret)[0])
    loaded = device.load(name, handle, public, private)
    print(device.hmac(loaded, DAY, tpm.password(b'')).hex())
    device.flush(loaded)
    device.flush(handle)


def main(words):
    device = tpm.Tpm(words[1])
    if words[0] == 'use':
        use_key(device, words[2], words[3])
    elif words[0] == 'copy':
        import_copy(device, words[2])
    elif words[0] == 'create':
        handle, _ = device.parent('h2')
        areas = device.create_key(handle, KEY, int(words[3], 16), bytes.fromhex(words[4]))
        device.flush(handle)
        for ending, area in zip(('pub', 'priv'), areas):
            with open(f'{words[2]}.{ending}', 'wb') as file:
                file.write(area)
    else:
        handle, public = device.parent(words[2])
        device.flush(handle)
        print(tpm.name_of(public).hex(), public.hex())


if __name__ == '__main__':
    main(sys.argv[1:])
