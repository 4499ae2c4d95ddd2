"""An answer becomes decoded JSON, or the error that it is: a refusal can come under any status, 200 included."""

import email.utils
import math
from typing import Any, TypeVar

import orjson

from .._convert import structure
from .._redact import scrub
from ..errors import ApiError, DecodeError, LogNotReady, Where
from .codes import class_by_status, error_class
from .message import Response

T = TypeVar("T")
_EXCERPT = 200
_NOT_JSON = object()
_ELSEWHERE = "look at the endpoint, and at a proxy that may be in between"
_LOG_READS = frozenset({"listTrainingJobLogFiles", "getTrainingJobLog"})


def read_value(response: Response, where: Where, shape: type[T]) -> T:
    """The answer as a value of the given shape.

    Raises:
        ApiError: the subclass that the status and the code stand for.
        DecodeError: when the answer is not what the contract says.
    """
    data = read_object(response, where)
    try:
        return structure(data, shape)
    except DecodeError as error:
        raise _undecodable(response, where, error.message, error.path) from error


def read_done(response: Response, where: Where) -> None:
    """Nothing, when the answer says that it was done or accepted; raises as ``read_value`` does."""
    # A proxy may answer a deletion with 204, which cannot carry a body.
    if response.status == 204:
        return
    read_object(response, where)


def read_object(response: Response, where: Where) -> dict[str, Any]:
    """The answer as a JSON object; raises as ``read_value`` does."""
    if response.status == 204 and where.operation in _LOG_READS:
        raise LogNotReady("nothing there yet", where=where, status=204, request_id=request_id(response))
    ok = 200 <= response.status < 300
    data = _parsed(response.body)
    if not isinstance(data, dict):
        if not ok:
            raise _refusal_without_json(response, where)
        told = f"expected an object, got {type(data).__name__}"
        got = f"the answer is not JSON: {_ELSEWHERE}" if data is _NOT_JSON else told
        raise _undecodable(response, where, got)
    if not ok or data.get("error_code") or data.get("is_success") is False:
        raise _refusal(response, where, data)
    return data


def request_id(response: Response) -> str | None:
    """What the service calls this exchange, or None."""
    return response.header("x-request-id")


def retry_after_s(value: str | None, now: float | None = None) -> float | None:
    """The pause in seconds that a Retry-After header asks for, or None when it says nothing usable.

    Args:
        value: whole or broken seconds, or an HTTP date.
        now: seconds since the epoch, for dates; without it a date is not understood.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        if now is None:
            return None
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
        return max(0.0, seconds)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _parsed(body: bytes) -> Any:
    # The parser's error keeps the whole text, so it must not become the context of another error.
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _NOT_JSON


def _asked_pause(response: Response) -> float | None:
    date = response.header("date")
    now = None
    if date is not None:
        # The server's own clock is the one its Retry-After date was made with.
        try:
            now = email.utils.parsedate_to_datetime(date).timestamp()
        except (ValueError, OverflowError):
            now = None
    return retry_after_s(response.header("retry-after"), now)


def _refusal(response: Response, where: Where, data: dict[str, Any]) -> ApiError:
    code = data.get("error_code")
    message = data.get("error_message") or data.get("error_msg")
    identity = data.get("error")
    if isinstance(identity, dict):
        message = message or identity.get("message") or identity.get("title")
    text = scrub(str(message)) if message else "the service gave no reason"
    code = str(code) if code else ""
    kind = error_class(where.operation, response.status, code, text)
    # The gateway names the exchange in the body.
    told = data.get("request_id")
    exchange = request_id(response) or (told if isinstance(told, str) and told else None)
    return _made(kind, text, response, where, code, exchange)


def _refusal_without_json(response: Response, where: Where) -> ApiError:
    excerpt = _excerpt(response.body)
    text = f"the answer is not the service's; it begins {excerpt!r}" if excerpt else "the answer is empty"
    kind = class_by_status(where.operation, response.status)
    if not kind.retryable:
        text += f": {_ELSEWHERE}"
    return _made(kind, text, response, where, "", request_id(response))


def _made(
    kind: type[ApiError], text: str, response: Response, where: Where, code: str, exchange: str | None
) -> ApiError:
    return kind(
        text,
        where=where,
        status=response.status,
        code=code,
        request_id=exchange,
        retry_after_s=_asked_pause(response),
    )


def _undecodable(response: Response, where: Where, reason: str, path: str = "") -> DecodeError:
    return DecodeError(
        scrub(reason),
        path=path,
        where=where,
        status=response.status,
        request_id=request_id(response),
        excerpt=_excerpt(response.body),
    )


def _excerpt(body: bytes) -> str:
    return scrub(body[: 4 * _EXCERPT].decode("utf-8", "replace"))[:_EXCERPT]
