"""Something that expires, such as a token or a pair of temporary keys: fetched once for everybody, renewed in time."""

import math
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from .._clock import Clock
from .singleflight import SingleFlight

# A token lasts a day; whoever fetches one early enough never sees one expire. One that lasts for minutes only is kept
# for most of them.
_RENEW_AHEAD_S = 600.0
_RENEW_AHEAD_SHARE = 0.2


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
        self._renew_at = 0.0
        self._renewal = SingleFlight(self._renew)
        self.known: E | None = None

    async def __call__(self) -> E:
        """One that can be used now."""
        known = self.known
        return known if known is not None and self._clock.now() < self._renew_at else await self._renewal()

    def refused(self) -> None:
        """The known one is not taken any more; the next question fetches another."""
        self.known = None

    async def close(self) -> None:
        """Give up what is under way."""
        await self._renewal.close()

    async def _renew(self) -> E:
        fresh = await self._fetch()
        self.known, self._renew_at = fresh, self._end_of_use(fresh)
        return fresh

    def _end_of_use(self, fresh: E) -> float:
        life_s = fresh.expires_at - self._clock.now()
        if life_s <= 0:
            # It was issued a moment ago, so it is this machine's clock that is wrong: use it until it is refused.
            return math.inf
        return fresh.expires_at - min(_RENEW_AHEAD_S, life_s * _RENEW_AHEAD_SHARE)
