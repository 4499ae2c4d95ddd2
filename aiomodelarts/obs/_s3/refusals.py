"""Which error a refusal of the storage is, whichever way it was told."""

import re
from email.utils import parsedate_to_datetime

from ..._redact import scrub
from ..._wire.message import Response
from ..errors import (
    BucketNotFound,
    ClockSkewed,
    ContentDamaged,
    KeysExpired,
    ObsChanged,
    ObsError,
    ObsNotAllowed,
    ObsNotFound,
    ObsRefused,
    ObsTrouble,
)
from ..path import ObsPath

_MOST_SKEW_S = 15 * 60
_CLOCK = "this machine's clock is off, so the storage refuses what it signs; set the clock and run it again"
_BUCKET = "there is no bucket of this name"
_KEYS = "these keys may not do this, or the bucket belongs to somebody else"
_OVER = "the temporary keys are over"
_DAMAGED = "the content was damaged on its way, and the storage refused it"
_CODES: dict[str, tuple[type[ObsError], str]] = {
    "NoSuchKey": (ObsNotFound, "there is no such object"),
    "NoSuchBucket": (BucketNotFound, _BUCKET),
    "AccessDenied": (ObsNotAllowed, _KEYS),
    "RequestTimeTooSkewed": (ClockSkewed, _CLOCK),
    "ExpiredToken": (KeysExpired, _OVER),
    "InvalidToken": (KeysExpired, _OVER),
    "TokenRefreshRequired": (KeysExpired, _OVER),
    "PreconditionFailed": (ObsChanged, "it was written anew while it was read; read it again"),
    "BadDigest": (ContentDamaged, _DAMAGED),
    "InvalidDigest": (ContentDamaged, _DAMAGED),
    "RequestTimeout": (ObsTrouble, "the storage did not get the content in time"),
}
_STATUSES: dict[int, tuple[type[ObsError], str]] = {
    401: (ObsNotAllowed, _KEYS),
    403: (ObsNotAllowed, _KEYS),
    404: (ObsNotFound, "there is no such object"),
    412: (ObsChanged, "it was written anew while it was read; read it again"),
    429: (ObsTrouble, "the storage asks for a slower pace"),
}


def refusal(status: int, text: str, path: ObsPath, *, request_id: str | None = None) -> ObsError:
    """The error for a refusal.

    Args:
        status: of the answer; an error can come under 200.
        text: the body, or what quotes it.
        path: what the request was about.
        request_id: from the headers; that of the text wins.
    """
    code = _member("Code", text)
    request_id = _member("RequestId", text) or request_id
    known = _CODES.get(code) or _STATUSES.get(status)
    said = _member("Message", text)
    if known is None:
        trouble = status >= 500 or status == 200
        known = (ObsTrouble, "the storage failed") if trouble else (ObsRefused, "the storage refused")
    kind, message = known
    told = scrub(f"{message}: {said}" if said and kind is not ClockSkewed else message)
    return kind(told, path=path, code=code or f"status {status}", request_id=request_id)


def refused(response: Response, path: ObsPath, now: float) -> ObsError:
    """The error for an answer to one of our own requests.

    Args:
        response: the answer.
        path: what was asked about.
        now: this machine's time, seconds since the epoch.
    """
    request_id = response.header("x-amz-request-id") or response.header("x-obs-request-id")
    text = response.body[:4096].decode("utf-8", "replace")
    if response.status == 403 and not text and _skew_s(response, now) > _MOST_SKEW_S:
        # An answer to HEAD has no body, but it has a date.
        return ClockSkewed(_CLOCK, path=path, code="status 403", request_id=request_id)
    return refusal(response.status, text, path, request_id=request_id)


def _member(name: str, text: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return found[1].strip() if found else ""


def _skew_s(response: Response, now: float) -> float:
    try:
        return abs(parsedate_to_datetime(response.header("date") or "").timestamp() - now)
    except ValueError:
        return 0.0
