"""Login tokens as AWS's own tools write them. In: what to sign and the credentials, as JSON on stdin. Out: the token."""

import json
import sys

from botocore.credentials import CredentialProvider, Credentials


def cache(asked, credentials):
    import botocore.session
    from botocore.model import ServiceId
    from botocore.signers import RequestSigner

    events = botocore.session.get_session().get_component("event_emitter")
    service, region = asked["service"], asked["region"]
    signer = RequestSigner(ServiceId(service), region, service, "v4", credentials, events)
    request = {"method": "GET", "url": asked["url"], "body": {}, "headers": {}, "context": {}}
    url = signer.generate_presigned_url(request, operation_name="connect", expires_in=900, region_name=region)
    return url.split("://", 1)[1]


def msk(asked, credentials):
    from aws_msk_iam_sasl_signer import MSKAuthTokenProvider

    class Given(CredentialProvider):
        def load(self):
            return credentials

    return MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(asked["region"], Given())[0]


asked = json.load(sys.stdin)
given = Credentials(asked["accessKeyId"], asked["secretAccessKey"], asked.get("sessionToken"))
sys.stdout.write({"cache": cache, "msk": msk}[asked["kind"]](asked, given))
