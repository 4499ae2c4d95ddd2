"""The keys in use: asked for once, and anew before they expire or after a refusal."""

from ..._clock import Clock
from ..._net.singleflight import SingleFlight
from ...credentials import AccessKey
from ..keys import KeySource, Lease

_RENEW_AHEAD_S = 300.0
_RENEW_AHEAD_SHARE = 0.2


class KeyRing:
    """One lease for all requests.

    Args:
        source: gives keys.
        clock: its wall time is compared with the time of expiry.
    """

    def __init__(self, source: KeySource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._lease: Lease | None = None
        self._renew_at: float | None = None
        self._refused: AccessKey | None = None
        self._renewal = SingleFlight(self._renew)

    async def current(self) -> Lease:
        """Keys that can be used now."""
        lease = self._lease
        if lease is None or (self._renew_at is not None and self._renew_at <= self._clock.now()):
            lease = await self._renewal()
        return lease

    async def refused(self, keys: AccessKey) -> bool:
        """Whether there are other keys than these, which the storage calls over."""
        if self._lease is not None and self._lease.keys == keys:
            self._lease, self._refused = None, keys
        return (await self.current()).keys != keys

    async def close(self) -> None:
        """Give up what is under way."""
        await self._renewal.close()

    async def _renew(self) -> Lease:
        lease = await self._source(self._refused is not None)
        self._lease, self._refused, self._renew_at = lease, None, None
        if lease.expires_at is not None:
            life_s = lease.expires_at - self._clock.now()
            self._renew_at = lease.expires_at - min(_RENEW_AHEAD_S, max(life_s, 0.0) * _RENEW_AHEAD_SHARE)
        return lease
