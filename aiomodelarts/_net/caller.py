"""One call from end to end: authorised, sent, read, and tried again where that does no harm."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from .._clock import Clock
from .._wire.call import Call, Kind
from .._wire.message import Request, Response
from ..errors import ApiError, ModelArtsError, ServiceTrouble, SessionClosed, Throttled, TokenExpired
from .auth import Auth
from .governor import Governor, Place
from .retry import Retry
from .transport import Transport

T = TypeVar("T")
# A page of a thousand versions takes tens of milliseconds to read, which the loop is not made to wait for.
_READ_ON_THE_LOOP = 64 * 1024


class Aside(Protocol):
    """Runs a function beside the event loop; ``asyncio.to_thread`` is one."""

    def __call__(self, function: Callable[[Response], Any], response: Response, /) -> Awaitable[Any]: ...


def _nobody_asks() -> None:
    return


class Caller:
    """Performs calls.

    Args:
        transport: carries each attempt.
        auth: makes each attempt one of ours; None for calls that need nobody's name.
        retry: decides on another attempt.
        governor: says when a request may leave.
        clock: measures how long a call has been refused for its rate.
        aside: reads large answers.
    """

    def __init__(
        self,
        transport: Transport,
        auth: Auth | None,
        retry: Retry,
        governor: Governor,
        clock: Clock,
        aside: Aside,
    ) -> None:
        self._transport = transport
        self._auth = auth
        self._retry = retry
        self._governor = governor
        self._clock = clock
        self._aside = aside
        self._closed = False

    def __call__(self, call: Call[T], sending: Callable[[], None] = _nobody_asks) -> Awaitable[T]:
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
        return self._retry.create(attempt) if call.kind is Kind.CREATE else self._retry.read(attempt)

    async def close(self) -> None:
        """Refuse whatever comes after this."""
        self._closed = True
        self._governor.close()
        if self._auth is not None:
            await self._auth.close()

    async def _attempt(self, call: Call[T], sending: Callable[[], None]) -> T:
        """The call's value; a refusal for the rate means "not begun", so any call is sent again when its turn comes."""
        if self._closed:
            raise SessionClosed("the session is closed; open a new one", where=call.where)
        renew = True
        try:
            place = await self._governor.enter(call.share)
            patient_until = place.sent_at + self._governor.patience_s
            while True:
                try:
                    return await self._exchange(call, place, sending, renew=renew)
                except Throttled:
                    if self._clock.monotonic() + self._governor.paused_s(call.share) > patient_until:
                        raise
                except _Renewed:
                    renew = False
                place = await self._governor.enter(call.share, place.turn)
        except ModelArtsError as error:
            if error.where is None:
                error.where = call.where
            raise

    async def _exchange(self, call: Call[T], place: Place, sending: Callable[[], None], *, renew: bool) -> T:
        request = call.request
        try:
            # Waiting for a place must not age a signature or a token, so the place is taken first.
            if self._auth is not None:
                request = await self._auth.authorized(request)
            sending()
            response = await self._transport.send(request)
            large = len(response.body) > _READ_ON_THE_LOOP
            value: T = await self._aside(call.read, response) if large else call.read(response)
        except Throttled as error:
            place.throttled(error.retry_after_s)
            raise
        except ServiceTrouble:
            place.lost()
            raise
        except ApiError as error:
            place.answered()
            if isinstance(error, TokenExpired) and renew and await self._renewed(request):
                # Authentication comes before any work, so even a creation may be sent once more.
                raise _Renewed from error
            raise
        except BaseException:
            place.lost()
            raise
        place.answered()
        return value

    async def _renewed(self, refused: Request) -> bool:
        return self._auth is not None and await self._auth.renewed(refused)


class _Renewed(Exception):
    """The token was refused, and there is a new one."""
