"""The Python side of the keyset tests under a service: tink with its own clients of AWS KMS and Vault.

In: one JSON request on standard input. Out: a keyset in base64, or the MAC of the data in hex, on standard output.
"""

import base64
import json
import sys

from tink import (
    json_proto_keyset_format,
    mac,
    proto_keyset_format,
    secret_key_access,
)
from tink.proto import common_pb2, hmac_pb2, tink_pb2

TYPE_URL = "type.googleapis.com/google.crypto.tink.HmacKey"


def kek_of(request):
    uri = request["Uri"]
    if uri.startswith("aws-kms://"):
        import boto3
        from tink.integration import awskms

        client = boto3.client(
            "kms",
            region_name=uri.split(":")[4],
            endpoint_url=request["Endpoint"],
            aws_access_key_id=request["AccessKeyId"],
            aws_secret_access_key=request["SecretAccessKey"],
        )
        return awskms.new_client(boto3_client=client, key_uri=uri).get_aead(uri)
    import hvac
    from tink.integration import hcvault

    address, path = uri.removeprefix("hcvault://").split("/", 1)
    client = hvac.Client(
        url="https://" + address, token=request["Token"], verify=request["CaFile"]
    )
    return hcvault.new_aead(path, client)


def chosen_key(value):
    """A handle of one HMAC-SHA256 key with RAW prefix and these bytes."""
    params = hmac_pb2.HmacParams(hash=common_pb2.SHA256, tag_size=32)
    key = hmac_pb2.HmacKey(params=params, key_value=value)
    keyset = tink_pb2.Keyset(primary_key_id=4711)
    entry = keyset.key.add(
        status=tink_pb2.ENABLED, key_id=4711, output_prefix_type=tink_pb2.RAW
    )
    entry.key_data.type_url = TYPE_URL
    entry.key_data.value = key.SerializeToString()
    entry.key_data.key_material_type = tink_pb2.KeyData.SYMMETRIC
    serialized = keyset.SerializeToString()
    return proto_keyset_format.parse(serialized, secret_key_access.TOKEN)


def main():
    request = json.load(sys.stdin)
    mac.register()
    kek = kek_of(request)
    as_json = request["Form"] == "json"
    keyset_format = json_proto_keyset_format if as_json else proto_keyset_format
    if request["Act"] == "write":
        handle = chosen_key(bytes.fromhex(request["Key"]))
        written = keyset_format.serialize_encrypted(handle, kek, b"")
        written = written.encode() if as_json else written
        print(base64.b64encode(written).decode(), end="")
        return
    keyset = base64.b64decode(request["Keyset"])
    keyset = keyset.decode() if as_json else keyset
    handle = keyset_format.parse_encrypted(keyset, kek, b"")
    tag = handle.primitive(mac.Mac).compute_mac(request["Data"].encode())
    print(tag.hex(), end="")


main()
