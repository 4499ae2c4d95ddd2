"""What a platform has under way besides its requests: timers, and work that outlives its request. Both end with it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Timers:
    """Calls back later, until closed."""

    def __init__(self) -> None:
        self._handles: set[asyncio.TimerHandle] = set()
        self._closed = False

    def later(self, delay_s: float, callback: Callable[[], None]) -> None:
        """Call back after that many seconds, unless the platform ends before."""
        if self._closed:
            return

        def fire() -> None:
            self._handles.discard(handle)
            callback()

        handle = asyncio.get_running_loop().call_later(delay_s, fire)
        self._handles.add(handle)

    async def close(self) -> None:
        """Forget everything that was to happen."""
        self._closed = True
        for handle in self._handles:
            handle.cancel()
        self._handles.clear()


class LateWork:
    """Work that outlives its request; what has not landed at the end never does."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this until it is done or the platform ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is still running."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
