"""How somebody who reads on and on is interrupted."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from attrs import frozen


@frozen(kw_only=True)
class Halt:
    """One interruption.

    Args:
        count: the reader leaves after so many.
        after_s: it is cancelled after so many seconds, or never.
        away_s: it comes back after so many seconds.
        saved: whether it had taken note of the last one that it dealt with.
        anew: it comes back with a session of its own.
    """

    count: int
    after_s: float | None
    away_s: float
    saved: bool = True
    anew: bool = False


async def cancelled_after(
    work: Coroutine[Any, Any, None], seconds: float | None, unless: Callable[[], bool] = lambda: False
) -> None:
    """Do the work, which somebody cancels after so many seconds unless told otherwise; errors come up."""
    task = asyncio.create_task(work)

    def cancel() -> None:
        if not unless():
            task.cancel()

    timer = None if seconds is None else asyncio.get_running_loop().call_later(seconds, cancel)
    try:
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
    finally:
        if timer is not None:
            timer.cancel()
        # Whoever is cancelled here takes the work along.
        task.cancel()
        await asyncio.wait([task])
