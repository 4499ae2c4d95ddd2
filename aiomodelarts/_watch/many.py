"""Waiting for many versions: each as it ends, or all of them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Protocol, TypeVar

from .._checks import check_count, check_timeout
from .._clock import Clock
from ..models.job import JobDetail
from .cadence import PollS


class Waitable(Protocol):
    """A handle that can be waited for."""

    @property
    def job_id(self) -> int: ...

    @property
    def version_id(self) -> int: ...

    async def ended(self, timeout_s: float | None = None, *, poll_s: PollS = None) -> JobDetail: ...


W = TypeVar("W", bound=Waitable)


async def as_completed(versions: Iterable[W], timeout_s: float | None, poll_s: PollS) -> AsyncGenerator[W, None]:
    """The handles, each as soon as its version has ended; no wait outlives the iteration."""
    check_timeout(timeout_s)
    queue: asyncio.Queue[W | BaseException] = asyncio.Queue()

    async def one(version: W) -> None:
        try:
            await version.ended(timeout_s, poll_s=poll_s)
        except Exception as error:  # noqa: BLE001  (handed to whoever iterates)
            queue.put_nowait(error)
        else:
            queue.put_nowait(version)

    tasks = [asyncio.create_task(one(version)) for version in versions]
    try:
        for _ in tasks:
            done = await queue.get()
            if isinstance(done, BaseException):
                raise done
            yield done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def wait_all(
    versions: Iterable[Waitable],
    clock: Clock,
    timeout_s: float | None,
    poll_s: PollS,
    max_concurrency: int | None,
    stop: Callable[[Waitable], None] | None,
) -> list[JobDetail]:
    """The details of all versions, in order; the limit holds for all of them together.

    Args:
        versions: the handles.
        clock: measures the limit.
        timeout_s: in seconds, or None.
        poll_s: bounds of the pause between two looks.
        max_concurrency: waits that go on at once, or None.
        stop: is called for each version that has not ended when somebody cancels the wait.
    """
    check_timeout(timeout_s)
    if max_concurrency is not None:
        check_count("max_concurrency", max_concurrency)
    handles = list(versions)
    room = asyncio.Semaphore(max_concurrency or max(len(handles), 1))
    deadline = None if timeout_s is None else clock.monotonic() + timeout_s

    async def one(version: Waitable) -> JobDetail:
        async with room:
            left = None if deadline is None else max(0.0, deadline - clock.monotonic())
            return await version.ended(left, poll_s=poll_s)

    tasks = [asyncio.create_task(one(version)) for version in handles]
    try:
        return await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        for version, task in zip(handles, tasks, strict=True):
            if stop is not None and (task.cancelled() or not task.done()):
                stop(version)
        raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
