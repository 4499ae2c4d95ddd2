"""Keeps the platform's queue short: what waits here can still be ordered, stopped, and chosen by what is known then."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

# Where the platform has slots for all, this is not noticed: it grows while the queue runs dry.
FIRST = 16
_SHORTEST = 4
_GROWTH, _SHRINKING = 2.0, 0.75


class Backlog:
    """How many versions may wait in the platform's queue, learned from how fast they leave it.

    The number doubles when the queue has run dry, since a slot may be idle then, and shrinks when the queue was more
    than half full for as many starts as it has places.

    Args:
        most: versions that may be going on at once; more places would be of no use.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(min(FIRST, most))
        self._queued = 0
        self._starts = 0
        self._lowest = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def allowed(self) -> int:
        """How many versions may wait there now."""
        return int(self._allowed)

    @property
    def watches(self) -> bool:
        """Whether it counts when a version leaves the queue: there may be more of them than places."""
        return self._most > FIRST

    @contextlib.asynccontextmanager
    async def place(self, *, at_once: bool = False) -> AsyncIterator["Place"]:
        """A place in the queue, once there is one; it is given back at the end of the block at the latest.

        Args:
            at_once: whether it is for a version that is there already, however many wait.
        """
        while not at_once and self._queued >= self.allowed:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._queued += 1
        place = Place(self)
        try:
            yield place
        finally:
            place.leave()

    def started(self) -> None:
        """A version has left the queue, since it runs."""
        self._starts += 1
        self._lowest = min(self._lowest, self._queued)
        if self._queued == 0:
            self._learn(_GROWTH)
        elif self._starts >= self.allowed:
            self._learn(_SHRINKING if self._lowest > self.allowed / 2 else 1.0)

    def left(self) -> None:
        """A place is free."""
        self._queued -= 1

    def serve(self) -> None:
        """Let in who may come in now."""
        free = self.allowed - self._queued
        while self._waiting and free > 0:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1

    def _learn(self, factor: float) -> None:
        self._allowed = min(float(self._most), max(float(_SHORTEST), self._allowed * factor))
        self._starts, self._lowest = 0, self._most


class Place:
    """A version's place in the platform's queue.

    Args:
        backlog: the queue.
    """

    def __init__(self, backlog: Backlog) -> None:
        self._backlog: Backlog | None = backlog
        self.watched = backlog.watches

    def runs(self) -> None:
        """The version runs: it waits no more."""
        self._leave(ran=True)

    def leave(self) -> None:
        """There is no version that waits."""
        self._leave(ran=False)

    def _leave(self, *, ran: bool) -> None:
        backlog, self._backlog = self._backlog, None
        if backlog is None:
            return
        backlog.left()
        if ran:
            backlog.started()
        backlog.serve()
