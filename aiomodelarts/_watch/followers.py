"""The two kinds of followers of a version: one waits for its end, one wants every state."""

import asyncio
from collections import deque

from ..models.job import JobDetail
from ..status import JobStatus
from .cadence import Cadence


class Ending:
    """Waits for the end.

    Args:
        future: becomes the last detail, or the reason why there is none.
        cadence: how often it wants a look.
    """

    __slots__ = ("cadence", "future", "wants_states")

    def __init__(self, future: asyncio.Future[JobDetail], cadence: Cadence) -> None:
        self.future = future
        self.cadence = cadence
        self.wants_states = False

    def saw(self, detail: JobDetail) -> None:
        pass

    def ended(self, detail: JobDetail) -> None:
        if not self.future.done():
            self.future.set_result(detail)

    def failed(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)

    def leave(self) -> None:
        """Want nothing more."""
        if not self.future.cancel() and not self.future.cancelled():
            # A wait that was cancelled in the moment of its failure has nobody left to read it.
            self.future.exception()


class Updates:
    """Hands on each state; one that is slow to take them gets all of them, in order.

    Args:
        cadence: how often it wants a look.
    """

    __slots__ = ("_arrived", "_error", "_last", "_over", "_waiting", "cadence", "wants_states")

    def __init__(self, cadence: Cadence) -> None:
        self.cadence = cadence
        self.wants_states = True
        self._waiting: deque[JobDetail] = deque()
        self._last: JobStatus | None = None
        self._arrived = asyncio.Event()
        self._over = False
        self._error: Exception | None = None

    def saw(self, detail: JobDetail) -> None:
        # A lost version is seen to be lost before that is taken for its end.
        if detail.status != self._last:
            self._waiting.append(detail)
            self._last = detail.status
        self._arrived.set()

    def ended(self, detail: JobDetail) -> None:
        self._over = True
        self.saw(detail)

    def failed(self, error: Exception) -> None:
        self._error = error
        self._arrived.set()

    async def take(self) -> JobDetail | None:
        """The next state, or None after the last one."""
        while not self._waiting:
            if self._over:
                return None
            if self._error is not None:
                raise self._error
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()
