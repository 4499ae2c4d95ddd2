"""Running versions whose logs stand still."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from attrs import define, field

from .._clock import Clock
from ..errors import ModelArtsError
from .feed import Feed

_log = logging.getLogger("aiomodelarts.watch")
_SHORTEST_S, _LONGEST_S = 0.5, 60.0


@define
class _Log:
    end: str
    since: float


@define
class Stalls:
    """Looks at the ends of logs from time to time, and tells a feed of those that do not move.

    Args:
        feed: knows which versions run, and is told.
        end: the markers of a log's last lines, as one text.
        clock: measures how long a log stands still.
        still_s: seconds after which that is told.
    """

    feed: Feed
    end: Callable[[int, int], Awaitable[str]]
    clock: Clock
    still_s: float
    _logs: dict[tuple[int, int], _Log] = field(factory=dict)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            running = self.feed.running()
            for gone in self._logs.keys() - set(running):
                del self._logs[gone]
            for job_id, version_id in running:
                await self._look(job_id, version_id)
            pause = min(max(self.still_s / 4, _SHORTEST_S), _LONGEST_S)
            began = self.clock.monotonic()
            await asyncio.sleep(pause)
            if self.clock.monotonic() - began >= pause + self.still_s:
                # This machine slept, and what the logs did meanwhile was not seen.
                self._logs.clear()

    async def _look(self, job_id: int, version_id: int) -> None:
        try:
            end = await self.end(job_id, version_id)
        except ModelArtsError as error:
            _log.debug("the log of version %s of job %s could not be looked at: %s", version_id, job_id, error)
            return
        now = self.clock.monotonic()
        log = self._logs.get((job_id, version_id))
        if log is None or log.end != end:
            self._logs[job_id, version_id] = _Log(end, now)
        elif now - log.since >= self.still_s:
            # It tells each standstill once.
            self.feed.stalled(job_id, version_id, end, now - log.since)
