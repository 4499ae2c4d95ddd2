"""Authentication as a flow around each attempt: endpoints never ask which scheme is in use."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from .._clock import Clock
from .._wire.iam import IssuedToken, TemporaryKeys
from .._wire.message import Request
from .._wire.signing import sign
from ..credentials import AccessKey
from .renewed import Renewed


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
        return _signed(request, self._keys, self._clock)

    async def renewed(self, refused: Request) -> bool:  # noqa: ARG002  (keys are not renewed here)
        return False

    async def close(self) -> None:
        return


class TemporaryKeysAuth:
    """Signs each attempt anew, with keys that are renewed.

    Args:
        keys: the keys of now; owned by whoever made them.
        clock: dates the signature.
    """

    def __init__(self, keys: Renewed[TemporaryKeys], clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def authorized(self, request: Request) -> Request:
        return _signed(request, (await self._keys()).keys, self._clock)

    async def renewed(self, refused: Request) -> bool:
        known = self._keys.known
        if known is not None and refused.headers.get("X-Security-Token") == known.keys.security_token:
            self._keys.refused()
        return True

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
        self._token = Renewed(fetch, clock)

    async def authorized(self, request: Request) -> Request:
        return _with_token(request, (await self._token()).value)

    async def renewed(self, refused: Request) -> bool:
        # Hundreds can be refused for the same token; only the first of them has to ask for another.
        known = self._token.known
        if known is not None and refused.headers.get("X-Auth-Token") == known.value:
            self._token.refused()
        return True

    async def close(self) -> None:
        await self._token.close()


def _signed(request: Request, keys: AccessKey, clock: Clock) -> Request:
    return _with_headers(request, sign(request, keys.access_key, keys.secret_key, clock.now(), keys.security_token))


def _with_token(request: Request, token: str) -> Request:
    return _with_headers(request, {**request.headers, "X-Auth-Token": token})


def _with_headers(request: Request, headers: dict[str, str]) -> Request:
    return Request(request.method, request.origin, request.path, request.query, headers, request.body)
