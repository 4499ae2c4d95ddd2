"""Requests that nobody waits for, owned until they are done."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from .errors import ModelArtsError, Where

_log = logging.getLogger("aiomodelarts")


class Errands:
    """Starts them, and sees to it that none outlives the session."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], where: Where) -> None:
        """Begin one; a failure is logged."""
        task = asyncio.create_task(_told(work, where))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, grace_s: float) -> None:
        """Give what is under way so many seconds to end, then end it."""
        if not self._tasks:
            return
        try:
            await asyncio.wait(list(self._tasks), timeout=grace_s)
        finally:
            late = list(self._tasks)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _told(work: Coroutine[Any, Any, None], where: Where) -> None:
    try:
        await work
    except ModelArtsError as error:
        _log.warning("%s, which nobody waits for, failed: %s", where, error)
