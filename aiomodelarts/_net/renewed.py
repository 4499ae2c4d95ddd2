"""Something that expires, such as a token or a pair of temporary keys: fetched once for everybody, renewed in time."""

import logging
import math
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from .._clock import Clock
from ..errors import ModelArtsError
from .singleflight import SingleFlight

_log = logging.getLogger("aiomodelarts")
# A token lasts a day; whoever fetches one early enough never sees one expire. One that lasts for minutes only is kept
# for most of them.
_RENEW_AHEAD_S = 600.0
_RENEW_AHEAD_SHARE = 0.2
# So long before its end nobody waits for another one: there may be trouble where it comes from, and this one is good.
# After that, the request that it goes with might come too late.
_WAIT_AHEAD_SHARE = 0.1
# What cannot be renewed is tried again after so many seconds.
_AGAIN_S = 10.0


class Expiring(Protocol):
    """Something with an end."""

    @property
    def expires_at(self) -> float:
        """Seconds since the epoch."""
        ...


E = TypeVar("E", bound=Expiring)


class Renewed(Generic[E]):
    """Keeps one, and fetches another before it expires or after a refusal.

    Args:
        fetch: gets a fresh one.
        clock: its wall time is compared with the time of expiry.
    """

    def __init__(self, fetch: Callable[[], Awaitable[E]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._renew_at = self._wait_at = 0.0
        self._renewal = SingleFlight(self._renew)
        self.known: E | None = None

    async def __call__(self) -> E:
        """One that can be used now."""
        known, now = self.known, self._clock.now()
        if known is None or now >= self._wait_at:
            return await self._renewal()
        if now >= self._renew_at:
            self._renew_at = now + _AGAIN_S
            self._renewal.begin()
        return known

    def refused(self) -> None:
        """The known one is not taken any more; the next question fetches another."""
        self.known = None

    async def close(self) -> None:
        """Give up what is under way."""
        await self._renewal.close()

    async def _renew(self) -> E:
        try:
            fresh = await self._fetch()
        except ModelArtsError as error:
            if self.known is not None:
                _log.warning("what expires soon could not be renewed yet: %s", error)
            raise
        self.known = fresh
        life_s = fresh.expires_at - self._clock.now()
        ahead_s = min(_RENEW_AHEAD_S, life_s * _RENEW_AHEAD_SHARE)
        # It was issued a moment ago, so where it is over it is this machine's clock that is wrong: use it until it is
        # refused.
        self._renew_at = fresh.expires_at - ahead_s if life_s > 0 else math.inf
        self._wait_at = fresh.expires_at - ahead_s * _WAIT_AHEAD_SHARE if life_s > 0 else math.inf
        return fresh
