"""Blocking work that is over when its caller goes on, also when the caller is cancelled."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the work returns, done in a thread.

    A thread cannot be cancelled. Were it left alone, it could write to a file that its owner has closed meanwhile,
    whose number by then belongs to another one; so a cancelled caller waits for its end first.
    """
    doing = asyncio.get_running_loop().run_in_executor(None, functools.partial(work, *args, **kwargs))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await settled(doing)
        raise


async def opened(work: Callable[P, T], undo: Callable[[T], object], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the work opens, in a thread; a cancelled caller never gets to see it, so ``undo`` is called with it."""
    task = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await settled(task)
        if task.exception() is None:
            await settled(asyncio.create_task(asyncio.to_thread(undo, task.result())))
        raise


async def settled(task: "asyncio.Future[Any]") -> None:
    """Return when it is over, however often the caller is cancelled meanwhile; it is about to end anyway."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue
    if not task.cancelled():
        task.exception()


async def together(workers: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the same work several times at once; the first error ends all of them and comes out by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
