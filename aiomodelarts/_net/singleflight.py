"""One piece of work, shared by everybody who asks while it is going on."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Starts the work at most once at a time. A caller that is cancelled leaves the others' work alone."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """The result of the work under way, or of a fresh one."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
            # All who waited may have left; their interest in a failure left with them.
            self._task.add_done_callback(_look_at)
        return await asyncio.shield(self._task)

    async def close(self) -> None:
        """Cancel the work under way, and wait until it is gone."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])


def _look_at(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
