"""Those who wait for versions, in each of the ways that there are."""

import asyncio
from contextlib import aclosing

from attrs import define, field

from aiomodelarts import AsyncSession, TrainingFailed, TrainingJob
from aiomodelarts._watch.cadence import PollS
from aiomodelarts.models.job import JobDetail
from tests.simulate.watching.board import Life
from tests.simulate.watching.platform import Platform


@define(eq=False, kw_only=True)
class Wait:
    """One call, and what became of it.

    Args:
        kind: its name.
        lives: the versions.
        starts_s: when.
        timeout_s: its limit.
        cancelled_s: when somebody cancels it, after it began.
        stop_on_cancel: whether the version is stopped then.
        made_here: whether the session was told that the version was made through it.
        poll_s: how often it wants a look.
        told: what was handed out, and when in the board's time.
        error: how it ended; None when it came to its end.
        began_s, ended_s, cancel_s: in the loop's time.
        ended_on_board_s: in the board's time.
    """

    kind: str
    lives: tuple[Life, ...]
    starts_s: float
    timeout_s: float | None = None
    cancelled_s: float | None = None
    stop_on_cancel: bool = False
    made_here: bool = False
    poll_s: PollS = None
    told: list[tuple[float, JobDetail]] = field(factory=list, repr=False)
    error: BaseException | None = None
    began_s: float | None = None
    ended_s: float | None = None
    ended_on_board_s: float = 0.0
    cancel_s: float | None = None

    def __str__(self) -> str:
        return f"{self.kind} of {[life.version_id for life in self.lives]} at {self.starts_s:.2f} s"


async def keep(wait: Wait, session: AsyncSession, world: Platform) -> None:
    """Wait, and write down what became of it."""
    loop = asyncio.get_running_loop()
    wait.began_s = loop.time()
    task = asyncio.create_task(_kept(wait, session, world), name=str(wait))
    timer = None if wait.cancelled_s is None else loop.call_later(wait.cancelled_s, _cancel, wait, task)
    try:
        await task
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  (judged later)
        wait.error = error
    if timer is not None:
        timer.cancel()
    wait.ended_s, wait.ended_on_board_s = loop.time(), world.now_s()
    world.trace("caller", f"{wait}: {wait.error!r} {[str(detail.status) for _, detail in wait.told]}")


def _cancel(wait: Wait, task: "asyncio.Task[None]") -> None:
    wait.cancel_s = asyncio.get_running_loop().time()
    task.cancel()


async def _kept(wait: Wait, session: AsyncSession, world: Platform) -> None:
    handles = [TrainingJob.attach(session, life.job_id, life.version_id) for life in wait.lives]

    def tell(detail: JobDetail | None) -> None:
        assert detail is not None
        wait.told.append((world.now_s(), detail))

    match wait.kind:
        case "ended":
            tell(await handles[0].ended(wait.timeout_s, poll_s=wait.poll_s))
        case "wait":
            try:
                limit_s, stop = wait.timeout_s, wait.stop_on_cancel
                tell(await handles[0].wait(limit_s, poll_s=wait.poll_s, stop_on_cancel=stop))
            except TrainingFailed as error:
                tell(error.detail)
                raise
        case "wait_all":
            stop = wait.stop_on_cancel
            for detail in await session.wait_all(handles, wait.timeout_s, poll_s=wait.poll_s, stop_on_cancel=stop):
                tell(detail)
        case "as_completed":
            async with aclosing(session.as_completed(handles, wait.timeout_s, poll_s=wait.poll_s)) as done:
                async for handle in done:
                    tell(handle.detail)
        case _:
            async with asyncio.timeout(wait.timeout_s), aclosing(handles[0].updates(poll_s=wait.poll_s)) as details:
                async for detail in details:
                    tell(detail)
