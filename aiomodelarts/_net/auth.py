"""Authentication as a flow around each attempt: endpoints never ask which scheme is in use."""

import math
from collections.abc import Awaitable, Callable
from typing import Protocol

from .._clock import Clock
from .._wire.iam import IssuedToken
from .._wire.message import Request
from .._wire.signing import sign
from ..credentials import AccessKey
from .singleflight import SingleFlight

# A token lasts a day; whoever fetches one early enough never sees one expire. One that lasts for minutes only is kept
# for most of them.
_RENEW_AHEAD_S = 600.0
_RENEW_AHEAD_SHARE = 0.2


class Auth(Protocol):
    """What makes a request one of ours."""

    async def authorized(self, request: Request) -> Request:
        """The request as it may be sent now, and only now."""
        ...

    async def renewed(self, refused: Request) -> bool:
        """Whether another try makes sense after the service refused this request's token."""
        ...

    async def close(self) -> None:
        """Give up what is under way."""
        ...


class SignedAuth:
    """Signs each attempt anew, with a fresh date."""

    def __init__(self, keys: AccessKey, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def authorized(self, request: Request) -> Request:
        keys = self._keys
        headers = sign(request, keys.access_key, keys.secret_key, self._clock.now(), keys.security_token)
        return _with_headers(request, headers)

    async def renewed(self, refused: Request) -> bool:  # noqa: ARG002  (keys are not renewed here)
        return False

    async def close(self) -> None:
        return


class FixedTokenAuth:
    """Sends a token that somebody else fetched."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def authorized(self, request: Request) -> Request:
        return _with_token(request, self._token)

    async def renewed(self, refused: Request) -> bool:  # noqa: ARG002  (it cannot be renewed)
        return False

    async def close(self) -> None:
        return


class TokenAuth:
    """Fetches one token for all tasks, and another before it expires or after a refusal.

    Args:
        fetch: asks the identity service.
        clock: its wall time is compared with the time of expiry.
    """

    def __init__(self, fetch: Callable[[], Awaitable[IssuedToken]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token: IssuedToken | None = None
        self._renew_at = 0.0
        self._renewal = SingleFlight(self._renew)

    async def authorized(self, request: Request) -> Request:
        token = self._token
        if token is None or self._renew_at <= self._clock.now():
            token = await self._renewal()
        return _with_token(request, token.value)

    async def renewed(self, refused: Request) -> bool:
        # Hundreds can be refused for the same token; only the first of them has to ask for another.
        if self._token is not None and refused.headers.get("X-Auth-Token") == self._token.value:
            self._token = None
        return True

    async def close(self) -> None:
        await self._renewal.close()

    async def _renew(self) -> IssuedToken:
        token = await self._fetch()
        self._token, self._renew_at = token, self._end_of_use(token)
        return token

    def _end_of_use(self, token: IssuedToken) -> float:
        life_s = token.expires_at - self._clock.now()
        if life_s <= 0:
            # It was issued a moment ago, so it is this machine's clock that is wrong: use it until it is refused.
            return math.inf
        return token.expires_at - min(_RENEW_AHEAD_S, life_s * _RENEW_AHEAD_SHARE)


def _with_token(request: Request, token: str) -> Request:
    return _with_headers(request, {**request.headers, "X-Auth-Token": token})


def _with_headers(request: Request, headers: dict[str, str]) -> Request:
    return Request(request.method, request.origin, request.path, request.query, headers, request.body)
