"""Signs requests with botocore, the second implementation. In: a JSON list of requests on stdin. Out: a JSON list of
what each signature must be: {authorization, payloadHeader} for the header form, {url} for the query form."""

import base64
import datetime
import json
import sys

import botocore.auth as auth
from botocore.awsrequest import AWSRequest, HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials


class FixedDateTime(datetime.datetime):
    moment = None

    @classmethod
    def utcnow(cls):
        return cls.moment


def set_clock(time):
    FixedDateTime.moment = datetime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.000Z")
    if hasattr(auth, "get_current_datetime"):
        auth.get_current_datetime = lambda: FixedDateTime.moment
    else:
        auth.datetime.datetime = FixedDateTime


def sign(asked):
    set_clock(asked["time"])
    request = AWSRequest(method=asked["method"], url=asked["url"], data=base64.b64decode(asked["body"]))
    request.headers = HTTPHeaders.from_pairs([tuple(pair) for pair in asked["headers"]])
    signs_payload = not asked["unsignedPayload"]
    request.context["payload_signing_enabled"] = signs_payload
    request.context["client_config"] = Config(s3={"payload_signing_enabled": signs_payload})
    credentials = Credentials(asked["accessKeyId"], asked["secretAccessKey"], asked["sessionToken"])
    is_s3 = asked["service"] == "s3"
    if asked["expiresIn"] is None:
        signer = (auth.S3SigV4Auth if is_s3 else auth.SigV4Auth)(credentials, asked["service"], asked["region"])
        signer.add_auth(request)
        return {
            "authorization": request.headers["Authorization"],
            "payloadHeader": request.headers.get("X-Amz-Content-SHA256"),
        }
    query_signer = auth.S3SigV4QueryAuth if is_s3 else auth.SigV4QueryAuth
    query_signer(credentials, asked["service"], asked["region"], asked["expiresIn"]).add_auth(request)
    return {"url": request.url}


json.dump([sign(asked) for asked in json.load(sys.stdin)], sys.stdout)
