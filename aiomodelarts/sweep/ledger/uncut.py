"""Lets no cancellation into the middle of a transaction: one that is cut off may keep the file locked."""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def uncut(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The same work, which a cancellation waits for."""

    @functools.wraps(work)
    async def whole(*args: P.args, **kwargs: P.kwargs) -> T:
        return await to_its_end(asyncio.ensure_future(work(*args, **kwargs)))

    return whole


async def to_its_end(task: "asyncio.Future[T]") -> T:
    """What the task gives; whoever is cancelled meanwhile, once or several times, leaves when it is done."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            # Several may cancel: whoever runs the sweep, and a worker that has found out that it is fenced.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            # Whoever asked goes, and with them the interest in a failure.
            task.exception()
        raise
