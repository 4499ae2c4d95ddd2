"""Lets no cancellation into the middle of a transaction: one that is cut off may keep the file locked."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def uncut(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same work, which a first cancellation waits for."""

    @functools.wraps(work)
    async def whole(*args: P.args, **kwargs: P.kwargs) -> T:
        return await to_its_end(asyncio.ensure_future(work(*args, **kwargs)))

    return whole


async def to_its_end(task: "asyncio.Future[T]") -> T:
    """What the task gives; a first cancellation waits for it."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            # Whoever asked goes, and with them the interest in a failure.
            task.exception()
        raise
