"""Drives a sweep: takes up what earlier runs left, begins the rest, a bounded number at a time."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from .._clock import Clock
from ..errors import ModelArtsError, SweepError
from . import presence
from .config import SweepConfig
from .files import OutputFiles
from .ledger.errors import LedgerError
from .ledger.records import Held, Lease
from .measure import Meter
from .points import Points
from .result import SweepResult
from .standing import Standing
from .steps import Made, Steps
from .trial import Progress, Trial, TrialState
from .versions import Versions

if TYPE_CHECKING:
    from .ledger.ledger import Ledger

# A controller that was not heard of for so long is taken for dead.
_LEASE_S = 30.0


@frozen
class Resumed:
    """What a run finds of earlier ones.

    Args:
        done: trials that are over for good.
        reattached: trials whose versions may exist already; they are taken up.
        to_go: trials that are still to be made.
    """

    done: int
    reattached: int
    to_go: int


@frozen
class SweepEvent:
    """Something happened to a trial, which now is ``trial``; without one, the run began.

    Args:
        trial: as it is now.
        progress: how far the sweep is.
        resumed: with the first event of a run, what earlier runs have left; None when there was none.
    """

    trial: Trial | None
    progress: Progress
    resumed: Resumed | None = None


Listener = Callable[[SweepEvent], Awaitable[None]]


def _nothing(step: str) -> None:
    """Pass by."""


class Engine:
    """One controller's run of one sweep.

    Args:
        config: what to run.
        versions: makes them.
        files: reads what they wrote; None where an objective comes from the log.
        listener: is told of every step, and awaited.
        clock: measures durations.
        ledger: open, of this sweep.
        lease_s: how long another controller may be silent before its trials are taken over.
        passed: is told the name of every step that a trial takes.
    """

    def __init__(
        self,
        config: SweepConfig,
        versions: Versions,
        files: OutputFiles | None,
        listener: Listener,
        clock: Clock,
        ledger: "Ledger",
        *,
        lease_s: float = _LEASE_S,
        passed: Callable[[str], None] = _nothing,
    ) -> None:
        self._config = config
        self._listener = listener
        self._clock = clock
        self._ledger = ledger
        self._lease_s = lease_s
        self._passed = passed
        meter = Meter(config.objective, files)
        self._steps = Steps(config, versions, meter, ledger, clock, lease_s, self._tell, passed)
        self._began = clock.monotonic()
        self._held: deque[Held] = deque()
        self._points = Points(config.search, config.space)
        self._total = 0
        self._standing = Standing(config.objective.goal, 0, ())

    @property
    def result(self) -> SweepResult:
        """What is known so far."""
        goal = self._config.objective.goal
        return SweepResult(self._config.name, goal, self._standing.trials, self._steps.stopped_by)

    async def run(self) -> None:
        """Return when every trial is over; ``result`` then holds them.

        Raises:
            ModelArtsError: the job could not be made, so that there is nothing to sweep.
            LedgerError: the ledger cannot be written, or another controller took this one for dead.
        """
        gone = await self._gone()
        claims = await self._ledger.join(*await asyncio.to_thread(_who), gone)
        try:
            try:
                async with asyncio.TaskGroup() as tasks:
                    keeper = tasks.create_task(self._keep(), name="aiomodelarts lease")
                    await self._drive(claims)
                    keeper.cancel()
            except ExceptionGroup as group:
                raise _first(group) from None
        finally:
            # What stays open is taken up at once by whoever comes next.
            with contextlib.suppress(LedgerError):
                await self._ledger.leave()

    async def _gone(self) -> list[Lease]:
        leases = await self._ledger.leases()
        return await asyncio.to_thread(lambda: [one for one in leases if presence.is_gone(one.place, one.process)])

    async def _drive(self, claims: Sequence[Held]) -> None:
        await self._stand()
        self._held.extend(await asyncio.gather(*(self._steps.reopen(held) for held in claims)))
        await self._announce()
        made = await self._job()
        while True:
            async with asyncio.TaskGroup() as workers:
                for number in range(self._config.concurrency):
                    workers.create_task(self._work(made if number == 0 else None))
            made = None
            if self._steps.stopped_by is not None:
                break
            if not self._held:
                if not await self._ledger.open_elsewhere():
                    break
                # Others hold the rest; should one of them die, its trials come here.
                await self._clock.sleep(self._lease_s / 3)
        self._take_all(await self._ledger.trials())

    async def _stand(self) -> None:
        trials = await self._ledger.trials()
        base = self._ledger.sweep.base
        self._points = Points(self._config.search, self._config.space, (trial.point for trial in trials[:base]))
        self._total = max(self._points.count(), len(trials))
        self._standing = Standing(self._config.objective.goal, self._total, trials)

    async def _announce(self) -> None:
        standing = self._standing
        resumed = None
        if standing.trials:
            again = sum(held.trial.state is not TrialState.RESERVED for held in self._held)
            resumed = Resumed(standing.done, again, self._total - standing.done - again)
            standing.begin()
        await self._listener(SweepEvent(None, self._progress(), resumed))

    async def _job(self) -> Made | None:
        """Return when the job is there; with its first version, if it was this controller that made it."""
        while self._ledger.sweep.job_id is None:
            first = next((held for held in self._held if held.trial.number == 1), None)
            if first is None and not self._standing.trials:
                first = await self._reserve()
                if first is not None and first.trial.number != 1:
                    self._held.append(first)
                    first = None
            elif first is not None:
                self._held.remove(first)
            if first is not None:
                return await self._made(first, None)
            await self._clock.sleep(min(1.0, self._lease_s / 3))
            await self._ledger.refresh()
            self._take_all(await self._ledger.trials())
            opened = self._standing.trials[0] if self._standing.trials else None
            if opened is not None and opened.state.is_final and self._ledger.sweep.job_id is None:
                raise SweepError(f"another controller could not make the job: {opened.reason}")
        return None

    async def _work(self, made: Made | None) -> None:
        """Carry out one trial after the other; ``made`` is one whose version is there already."""
        if made is not None:
            await self._see_through(made)
        while self._steps.stopped_by is None:
            held = self._held.popleft() if self._held else await self._reserve()
            if held is None:
                return
            sweep = self._ledger.sweep
            assert sweep.job_id is not None
            assert sweep.first_version_id is not None
            made = await self._made(held, (sweep.job_id, sweep.first_version_id))
            if made is not None:
                await self._see_through(made)

    async def _see_through(self, made: Made) -> None:
        again = await self._steps.follow(made)
        if again is not None:
            self._held.append(again)

    async def _made(self, held: Held, job: tuple[int, int] | None) -> Made | None:
        made = await self._steps.make(held, job)
        if job is None:
            await self._ledger.refresh()
        return made

    async def _reserve(self) -> Held | None:
        self._passed("before reserving")
        held = await self._ledger.reserve(self._total, self._new)
        if held is not None:
            self._passed("reserved")
            await self._tell(held.trial)
        return held

    def _new(self, number: int) -> Trial:
        return Trial(number, self._points.at(number), self._config.output_path(number))

    async def _keep(self) -> None:
        """Say again and again that this controller is alive, and take over from those that do not."""
        seen: dict[int, tuple[int, float]] = {}
        while True:
            await self._clock.sleep(self._lease_s / 3)
            await self._ledger.beat()
            now, dead = self._clock.monotonic(), await self._gone()
            for lease in await self._ledger.leases():
                beats, since = seen.get(lease.token, (lease.beats, now))
                seen[lease.token] = (lease.beats, since if beats == lease.beats else now)
                # Silence is measured by this controller's own clock: no two machines agree on the time.
                if lease.token != self._ledger.token and now - seen[lease.token][1] >= self._lease_s:
                    dead.append(lease)
            for held in await self._ledger.take_over(dead):
                self._standing.take(held.trial)
                self._held.append(held)

    def _take_all(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._standing.take(trial)

    async def _tell(self, trial: Trial) -> None:
        self._standing.take(trial)
        await self._listener(SweepEvent(trial, self._progress()))

    def _progress(self) -> Progress:
        return self._standing.progress(self._clock.monotonic() - self._began)


def _who() -> tuple[str, str]:
    return presence.place(), presence.process()


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The error that ended the others."""
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = next((one for one in error.exceptions if isinstance(one, ModelArtsError)), error.exceptions[0])
    return error
