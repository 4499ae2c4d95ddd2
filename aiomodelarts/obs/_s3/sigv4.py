"""The signature of an S3 request in its fourth version, with the payload left out of it, as OBS documents it.

obstore signs what it sends by itself; this is for the requests that it cannot put into words: keys that end with a
slash, and listings in the form that every kind of OBS bucket knows.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping

from ..._wire.message import Request
from ..._wire.signing import canonical_query
from ...credentials import AccessKey

_UNSIGNED = "UNSIGNED-PAYLOAD"
_SIGNED = ("host", "x-amz-")


def signed(request: Request, keys: AccessKey, region: str, at: float) -> Request:
    """The request as it may be sent now.

    Args:
        request: complete; its path is percent-encoded once, as it is sent.
        keys: the pair; a security token is sent and signed too.
        region: part of the scope of the signature.
        at: time of signing, seconds since the epoch.
    """
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    headers = {**request.headers, "Host": request.host, "x-amz-date": date, "x-amz-content-sha256": _UNSIGNED}
    if keys.security_token is not None:
        headers["x-amz-security-token"] = keys.security_token
    taking_part = {name.lower(): value.strip() for name, value in headers.items() if name.lower().startswith(_SIGNED)}
    names = ";".join(sorted(taking_part))
    canonical = "\n".join(
        [
            request.method,
            request.path,
            canonical_query(request.query),
            *[f"{name}:{taking_part[name]}" for name in sorted(taking_part)],
            "",
            names,
            _UNSIGNED,
        ]
    )
    scope = f"{date[:8]}/{region}/s3/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_signing_key(keys.secret_key, scope), to_sign.encode(), "sha256").hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return _with(request, headers)


def _signing_key(secret_key: str, scope: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _with(request: Request, headers: Mapping[str, str]) -> Request:
    return Request(request.method, request.origin, request.path, request.query, headers, request.body)
