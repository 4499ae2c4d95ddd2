"""One piece of work, shared by everybody who asks while it is going on."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from ..errors import SessionClosed

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Starts the work at most once at a time. A caller that is cancelled leaves the others' work alone."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None
        self._closed = False

    async def __call__(self) -> T:
        """The result of the work under way, or of a fresh one.

        Raises:
            SessionClosed: after ``close``, also for those who were waiting then.
        """
        if self._closed:
            raise _closed()
        task = self._started()
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # The work was given up, which is not to say that this caller was cancelled.
            if task.cancelled() and not _is_being_cancelled():
                raise _closed() from None
            raise

    def begin(self) -> None:
        """Have the work done, and wait for nothing."""
        if not self._closed:
            _ = self._started()

    async def close(self) -> None:
        """Cancel the work under way, and wait until it is gone."""
        self._closed = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    def _started(self) -> asyncio.Task[T]:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
            # All who waited may have left; their interest in a failure left with them.
            self._task.add_done_callback(_look_at)
        return self._task


def _look_at(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


def _is_being_cancelled() -> bool:
    caller = asyncio.current_task()
    return caller is not None and caller.cancelling() > 0


def _closed() -> SessionClosed:
    return SessionClosed("the session is closed; open a new one")
