"""SDK-HMAC-SHA256: the signature by access key and secret key, as a pure function of the request and the time.

The twelve steps and the test vectors are those of the vendor's signing guide; the vendor's own signer is the judge in
``tests/property/test_signing.py``.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote

from .message import Request

ALGORITHM = "SDK-HMAC-SHA256"
DATE_HEADER = "X-Sdk-Date"
TOKEN_HEADER = "X-Security-Token"  # noqa: S105  (the name of a header)
PAYLOAD_HEADER = "X-Sdk-Content-Sha256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_UNRESERVED = re.compile(r"[A-Za-z0-9._~/-]*")


def encode(text: str) -> str:
    """Percent-encoded UTF-8 that leaves letters, digits, hyphen, underscore, dot and tilde alone."""
    return quote(text, safe="~")


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """The query as it is signed, which is also how it has to be sent."""
    return "&".join([f"{encode(name)}={encode(value)}" for name, value in sorted(pairs)])


def canonical_path(path: str) -> str:
    """The path as it is signed; the appended slash is never sent."""
    if _UNRESERVED.fullmatch(path) is None:
        path = "/".join([encode(segment) for segment in unquote(path).split("/")])
    return path if path.endswith("/") else path + "/"


def sdk_date(at: float) -> str:
    """The date header for ``at`` seconds since the epoch."""
    return time.strftime(_DATE_FORMAT, time.gmtime(at))


def signature(request: Request, signed: Mapping[str, str], date: str, secret_key: str) -> str:
    """The signature of a request.

    Args:
        request: method, path, query and body count; its headers do not.
        signed: the headers that take part, names in lower case, ``host`` and the date among them.
        date: the value of the date header.
        secret_key: the key itself; none is derived.
    """
    names = sorted(signed)
    canonical = "\n".join(
        [
            request.method.upper(),
            canonical_path(request.path),
            canonical_query(request.query),
            *[f"{name}:{signed[name].strip()}" for name in names],
            "",
            ";".join(names),
            _payload_hash(request.body, signed.get(PAYLOAD_HEADER.lower())),
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{ALGORITHM}\n{date}\n{digest}"
    return hmac.digest(secret_key.encode(), to_sign.encode(), "sha256").hex()


def sign(
    request: Request, access_key: str, secret_key: str, at: float, security_token: str | None = None
) -> dict[str, str]:
    """The headers that a signed request is sent with: its own, and those of the signature.

    Args:
        request: complete, with the body bytes fixed.
        access_key: public half of the key pair.
        secret_key: secret half.
        at: time of signing, seconds since the epoch. A date header that the request carries already is kept.
        security_token: for temporary keys; it is signed too.
    """
    headers = dict(request.headers)
    lower = {name.lower() for name in headers}
    if DATE_HEADER.lower() not in lower:
        headers[DATE_HEADER] = sdk_date(at)
    if "host" not in lower:
        headers["Host"] = request.host
    if security_token is not None:
        headers[TOKEN_HEADER] = security_token
    signed = {name.lower(): value for name, value in headers.items() if "_" not in name}
    content_type = signed.get("content-type", "")
    if content_type and not content_type.startswith(("application/json", "application/bson")):
        headers[PAYLOAD_HEADER] = signed[PAYLOAD_HEADER.lower()] = UNSIGNED_PAYLOAD
    value = signature(request, signed, signed[DATE_HEADER.lower()], secret_key)
    names = ";".join(sorted(signed))
    headers["Authorization"] = f"{ALGORITHM} Access={access_key}, SignedHeaders={names}, Signature={value}"
    return headers


def _payload_hash(body: bytes, declared: str | None) -> str:
    if not body:
        return _EMPTY_SHA256
    return declared or hashlib.sha256(body).hexdigest()
