"""One run: a board, those who look at it, and the end of it all."""

import asyncio
from collections import Counter
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from unittest import mock

from attrs import define, field

from aiomodelarts import AsyncSession, _log_reader
from aiomodelarts._operations import log_follow
from aiomodelarts._watch import asking, watcher
from aiomodelarts._watch import plan as planner
from tests.simulate.line import Line, Trace
from tests.simulate.stage import (
    Staged,
    Tampering,
    close,
    open_session,
    perform,
    tell_what_is_left,
    tell_what_is_out,
)
from tests.simulate.watching.bounds import bounds
from tests.simulate.watching.consumers import consume
from tests.simulate.watching.judge import judge
from tests.simulate.watching.judge_events import problems
from tests.simulate.watching.plan import NAP_S, Plan, plan
from tests.simulate.watching.platform import Platform
from tests.simulate.watching.readers import read
from tests.simulate.watching.waits import Wait, keep

# How often a whole job is read, here; a run would have to last for minutes otherwise.
_SWEEP_EVERY_S, _SWEEP_ON_DOUBT_S = 6.0, 2.0
# After its last happening everything has been told within this time: the longest pause after failures, the longest
# patience, three whole looks without a deleted version, and what hangs.
_SETTLES_S = 60.0
# And whoever waits for an end has it within this time.
_ENDS_WITHIN_S = 1000.0
_SETTLES_CALMLY_S = 40.0


@define(eq=False)
class Run(Staged):
    """Everything that a run leaves behind."""

    sessions: dict[str, AsyncSession] = field(factory=dict)
    lines: dict[str, Line] = field(factory=dict)
    closed: set[str] = field(factory=set)

    def main(self) -> AsyncSession:
        """The session that everybody shares; another one after it was closed."""
        return self._open("second" if "first" in self.closed else "first")

    async def anew(self) -> AsyncSession:
        """A session for one alone."""
        return self._open(f"own {len(self.sessions)}")

    def _open(self, name: str) -> AsyncSession:
        if name not in self.sessions:
            options = {"cadence": self.plan.cadence, "patience": self.plan.patience}
            self.sessions[name], self.lines[name] = open_session(self.world, name, len(self.sessions), **options)
        return self.sessions[name]


def simulate(seed: int, *tampering: Tampering, muted: bool = True) -> Run:
    """The run of this seed.

    Args:
        seed: decides everything.
        tampering: context managers that break the real code, to see whether it is noticed.
        muted: keep no trace.
    """
    weather = plan(seed)

    def main(trace: Trace) -> Any:
        return _run(weather, trace)

    around = (*_small_pages(weather), *(tamper() for tamper in tampering))
    return perform(main, lambda trace: Run(weather, None, trace), around, muted=muted)


def _small_pages(weather: Plan) -> tuple[AbstractContextManager[Any], ...]:
    return (
        mock.patch.object(planner, "PAGE", weather.page),
        mock.patch.object(asking, "PAGE", weather.page),
        mock.patch.object(watcher, "_SWEEP_EVERY_S", _SWEEP_EVERY_S),
        mock.patch.object(watcher, "_SWEEP_ON_DOUBT_S", _SWEEP_ON_DOUBT_S),
        mock.patch.object(_log_reader, "_PAGES_KEPT", 3),
        mock.patch.object(log_follow, "_LINES_IN_TURN", 50),
    )


async def _run(weather: Plan, trace: Trace) -> Run:
    loop: Any = asyncio.get_running_loop()
    world = Platform(weather, weather.board, trace)
    run = Run(weather, world, trace)
    loop.call_later(weather.clears_s, world.clear_up)
    if weather.nap is not None:
        loop.call_later(weather.nap[0], partial(world.nap, NAP_S, loop, goes_on=weather.nap[1]))
    endings = [asyncio.create_task(_keep(run, wait)) for wait in weather.waits]
    endings += [asyncio.create_task(_read(run, reader)) for reader in weather.readers]
    if weather.closes_s is not None:
        endings.append(asyncio.create_task(_close_early(run, weather.closes_s)))
    endless = [asyncio.create_task(_consume(run, consumer)) for consumer in weather.consumers]
    _, hanging = await asyncio.wait(endings, timeout=weather.latest(weather.board.quiet_s, _ENDS_WITHIN_S))
    run.violations += [f"an await never ended: {task.get_coro()}" for task in hanging]
    await _until_all_is_told(run)
    for task in [*endless, *hanging]:
        task.cancel()
    await asyncio.wait([*endings, *endless])
    run.violations += [f"a consumer ended: {task!r}" for task in endless if not task.cancelled()]
    await _until_all_has_gone(run)
    for name, session in run.sessions.items():
        if name not in run.closed:
            await close(run, session, name)
        tell_what_is_out(run, session)
    judge(run)
    tell_what_is_left(run)
    return run


async def _until_all_is_told(run: Run) -> None:
    weather, now = run.plan, run.world.clock.monotonic()
    for consumer in weather.consumers:
        consumer.hurries = True
    if not weather.consumers:
        return
    last_s = max(weather.on_loop(weather.board.quiet_s), weather.clears_s, now)
    # A small buffer is filled once by each look.
    events = 3 * sum(len(lives) for lives in weather.board.lives.values())
    refills_s = weather.slowest_s * (events // min(consumer.buffer for consumer in weather.consumers))
    settles_s = refills_s + (_SETTLES_CALMLY_S if weather.is_calm else _SETTLES_S)
    until_s = weather.latest(last_s, settles_s)
    await asyncio.sleep(max(last_s - now, 0.0))
    limits = bounds(weather)
    quiet = 0
    # What was told can be forgotten in a crash, and what comes when all has been told comes twice.
    while run.world.clock.monotonic() < until_s and quiet < 2:
        missing = any(any(problems(consumer, run, limits)) for consumer in weather.consumers)
        quiet = 0 if missing else quiet + 1
        await asyncio.sleep(5.0 if missing else 2 * weather.slowest_s)


async def _until_all_has_gone(run: Run) -> None:
    """When nobody follows anything any more, nobody looks."""
    await asyncio.sleep(1.0)
    left = [task for task in asyncio.all_tasks() if task.get_name().startswith("aiomodelarts")]
    run.violations += [f"a task goes on, and nobody waits: {task.get_name()}" for task in left]


async def _keep(run: Run, wait: Wait) -> None:
    if wait.made_here:
        life = wait.lives[0]
        await asyncio.sleep(life.made_s)
        run.main()._parts.watcher.made(life.job_id, life.version_id, life.moves[0][1])
        await asyncio.sleep(wait.starts_s - life.made_s)
    else:
        await asyncio.sleep(wait.starts_s)
    await keep(wait, run.main(), run.world)


async def _read(run: Run, reader: Any) -> None:
    await asyncio.sleep(reader.starts_s)
    await read(reader, run.main, run.world)


async def _consume(run: Run, consumer: Any) -> None:
    await asyncio.sleep(consumer.starts_s)
    await consume(consumer, run.main, run.anew, run.world)


async def _close_early(run: Run, at_s: float) -> None:
    await asyncio.sleep(at_s)
    run.closed.add("first")
    if "first" in run.sessions:
        await close(run, run.sessions["first"], "first")


def add(counts: Counter[str], run: Run) -> None:
    """Count one more run."""
    counts["seeds"] += 1
    counts["violations"] += len(run.violations)
    for wait in run.plan.waits:
        counts["waits"] += 1
        counts[f"waits: {type(wait.error).__name__ if wait.error else 'ended'}"] += 1
    for reader in run.plan.readers:
        counts["logs followed"] += 1
        counts["lines"] += len(reader.lines)
        counts[f"logs: {type(reader.error).__name__ if reader.error else 'to the end'}"] += 1
    for consumer in run.plan.consumers:
        counts["consumers"] += 1
        counts["streams"] += consumer.streams
        counts["events"] += consumer.given
        for taken in consumer.kept:
            counts[f"events {taken.event.kind}"] += 1
    if run.world is not None:
        counts["requests"] += sum(run.world.exchange.requests.values())
        for kind, number in run.world.faults.counts.items():
            counts[f"fault {kind}"] += number
            counts["faults"] += number
