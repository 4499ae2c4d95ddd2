"""One call from end to end: authorised, sent, read, and tried again where that does no harm."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from .._wire.call import Call, Kind
from ..errors import ModelArtsError, SessionClosed, TokenExpired
from .auth import Auth
from .retry import Retry
from .transport import Transport

T = TypeVar("T")
# A page of a thousand versions takes tens of milliseconds to read, which the loop is not made to wait for.
_READ_ON_THE_LOOP = 64 * 1024


def _nobody_asks() -> None:
    return


class Caller:
    """Performs calls.

    Args:
        transport: carries each attempt.
        auth: makes each attempt one of ours; None for calls that need nobody's name.
        retry: decides on another attempt.
        in_flight: bounds how many requests are out at once.
    """

    def __init__(self, transport: Transport, auth: Auth | None, retry: Retry, in_flight: asyncio.Semaphore) -> None:
        self._transport = transport
        self._auth = auth
        self._retry = retry
        self._in_flight = in_flight
        self._closed = False

    async def __call__(self, call: Call[T], sending: Callable[[], None] = _nobody_asks) -> T:
        """What the answer says.

        Args:
            call: what is asked.
            sending: is called each time the bytes may begin to leave.

        Raises:
            ApiError: the service refused.
            TransportError: no usable answer came.
            DecodeError: the answer is not what the contract says.
            SessionClosed: after ``close``.
        """
        attempt = partial(self._attempt, call, sending)
        if call.kind is Kind.CREATE:
            return await self._retry.create(attempt)
        return await self._retry.read(attempt)

    async def close(self) -> None:
        """Refuse whatever comes after this."""
        self._closed = True
        if self._auth is not None:
            await self._auth.close()

    async def _attempt(self, call: Call[T], sending: Callable[[], None]) -> T:
        try:
            return await self._exchange(call, sending, renew=True)
        except ModelArtsError as error:
            if error.where is None:
                error.where = call.where
            raise

    async def _exchange(self, call: Call[T], sending: Callable[[], None], *, renew: bool) -> T:
        request = call.request
        # Waiting for a place must not age a signature or a token, so the place is taken first.
        async with self._in_flight:
            if self._closed:
                raise SessionClosed("the session is closed; open a new one")
            if self._auth is not None:
                request = await self._auth.authorized(request)
            sending()
            response = await self._transport.send(request)
        try:
            if len(response.body) > _READ_ON_THE_LOOP:
                return await asyncio.to_thread(call.read, response)
            return call.read(response)
        except TokenExpired:
            # Authentication comes before any work, so even a creation may be sent once more.
            if not renew or self._auth is None or not await self._auth.renewed(request):
                raise
        return await self._exchange(call, sending, renew=False)
