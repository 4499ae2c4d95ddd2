"""Keeps a controller's lease while it drives a sweep, and hears what others want of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from ... import _presence as presence
from ..._clock import Clock
from ..ledger.records import Held, Lease
from .brake import Brake
from .halts import Running
from .observing import Observer
from .silence import Silence

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

# Somebody who asks a sweep to end looks on.
_LISTEN_S = 2.0


class Keeper:
    """Says again and again that this controller is alive, and takes over from those that do not.

    Args:
        ledger: of the sweep.
        clock: measures silence.
        lease_s: how long another controller may be silent before its trials are taken over.
        brake: is pulled when somebody asks the sweep to end.
        observer: hears what other controllers' versions have told; None where nobody looks.
        take: is given the trials that were taken over.
    """

    def __init__(
        self,
        ledger: "Ledger",
        clock: Clock,
        lease_s: float,
        brake: Brake,
        observer: Observer | None,
        take: Callable[[Sequence[Held]], Awaitable[None]],
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lease_s = lease_s
        self._brake = brake
        self._observer = observer
        self._take = take
        self._silence = Silence(lease_s)

    async def gone(self) -> list[Lease]:
        """The leases of controllers whose process is certainly not there any more."""
        leases = await self._ledger.leases()
        return await asyncio.to_thread(lambda: [one for one in leases if presence.is_gone(one.place, one.process)])

    async def keep(self) -> None:
        """Go on until it is cancelled.

        Raises:
            Fenced: this controller was taken for dead.
        """
        while True:
            await self._clock.sleep(self._lease_s / 3)
            await self._ledger.beat()
            await self._take_over()

    async def listen(self) -> None:
        """Return when somebody has asked this controller to end; the brake is pulled then."""
        while self._brake.halt is None:
            await self._clock.sleep(_LISTEN_S)
            record = await self._ledger.refresh()
            if record.stop_upto is not None and self._ledger.token <= record.stop_upto:
                self._brake.ask(Running(record.stop_how))

    async def _take_over(self) -> None:
        now, dead = self._clock.monotonic(), await self.gone()
        leases = await self._ledger.leases()
        others = (lease for lease in leases if lease.token != self._ledger.token)
        dead.extend(lease for lease in others if self._silence.is_over(lease, now))
        await self._take(await self._ledger.take_over(dead))
        if self._observer is not None and len(leases) > 1:
            await self._observer.catch_up(await self._ledger.trials())
