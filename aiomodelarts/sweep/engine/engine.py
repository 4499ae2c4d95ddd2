"""Drives a sweep: takes up what earlier runs left, begins the rest, a bounded number at a time."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import TYPE_CHECKING

from attrs import frozen

from ... import _presence as presence
from ..._clock import Clock
from ...errors import ModelArtsError, SweepError
from ..description.config import SweepConfig
from ..files import OutputFiles
from ..ledger.errors import LedgerError
from ..ledger.records import Held, Lease
from ..result import SweepResult
from ..search.warm_start import History
from ..space.space import Point
from ..trial import Progress, Trial, TrialState
from ..versions import Versions
from .audit import Audit
from .backlog import Backlog, Place
from .brake import Brake
from .following import Following
from .halts import Halt, Running, StoppedAsAsked
from .keeper import Keeper
from .making import Made, Making
from .meters import Meters
from .observing import Observer
from .room import GiveWay, Room
from .scribe import Scribe
from .shortage import Shortage
from .standing import Standing
from .suggestions import suggestions

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

# A controller that was not heard of for so long is taken for dead.
LEASE_S = 30.0


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
        warm_start: with the first event of a run, what was known before the sweep began; None without a warm start.
    """

    trial: Trial | None
    progress: Progress
    resumed: Resumed | None = None
    warm_start: History | None = None


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
        brake: ends the sweep before its time; without it, only somebody who asks through the ledger does.
        rng: spreads what several controllers ask of a platform without room.
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
        lease_s: float = LEASE_S,
        passed: Callable[[str], None] = _nothing,
        brake: Brake | None = None,
        rng: Random | None = None,
    ) -> None:
        self._config = config
        self._listener = listener
        self._clock = clock
        self._ledger = ledger
        self._lease_s = lease_s
        self._passed = passed
        self._brake = brake or Brake(clock)
        meter = Meters(config.objectives, files)
        scribe = Scribe(config, ledger, clock, self._tell, passed)
        self._room = Room(self._brake, ledger.more_may_come, lambda: bool(self._held), self._tell_waiting)
        shortage = Shortage(self._brake, rng or Random(), self._tell_waiting)  # noqa: S311  (spreads pauses)
        self._observer = None if config.pruning is None else Observer(config.pruning, config.name, ledger)
        self._making = Making(config, versions, meter, scribe, self._room, shortage, lease_s)
        self._following = Following(config, meter, scribe, self._brake, self._observer)
        self._keeper = Keeper(ledger, clock, lease_s, self._brake, self._observer, self._take_over)
        self._audit = Audit(config, versions, ledger, clock)
        self._backlog = Backlog(config.concurrency)
        self._began = clock.monotonic()
        self._waiting_for: str | None = None
        self._held: deque[Held] = deque()
        self._suggestions = suggestions(config, ledger, self._new, config.limit)
        self._total = 0
        self._standing = Standing(config.objective.goal, 0, ())

    @property
    def result(self) -> SweepResult:
        """What is known so far."""
        account = None if self._config.limit is None else self._ledger.sweep.account
        goal = self._config.objective.goal
        goals = self._config.goals
        return SweepResult(self._config.name, goal, self._standing.trials, self._stopped_by, account, goals)

    @property
    def _stopped_by(self) -> ModelArtsError | None:
        return self._making.stopped_by or self._brake.halt

    @property
    def _leaves(self) -> bool:
        """Whether the sweep was asked to end, and to leave alone what runs."""
        halt = self._brake.halt
        return isinstance(halt, StoppedAsAsked) and halt.running is Running.LEAVE

    async def run(self, dead: Sequence[Lease] = ()) -> None:
        """Return when every trial is over; ``result`` then holds them.

        Args:
            dead: the leases of controllers that somebody has taken for dead.

        Raises:
            ModelArtsError: the job could not be made, so that there is nothing to sweep.
            LedgerError: the ledger cannot be written, or another controller took this one for dead.
        """
        gone = [*await self._keeper.gone(), *dead]
        who = await asyncio.to_thread(_who)
        try:
            claims = await self._ledger.join(*who, gone)
            if self._ledger.token > 1:
                self._audit.doubt()
            try:
                async with asyncio.TaskGroup() as tasks:
                    errands = [
                        tasks.create_task(self._keeper.keep(), name="aiomodelarts lease"),
                        tasks.create_task(self._keeper.listen(), name="aiomodelarts stop"),
                        tasks.create_task(self._audit.keep(), name="aiomodelarts audit"),
                    ]
                    await self._drive(claims)
                    for errand in errands:
                        errand.cancel()
            except ExceptionGroup as group:
                raise _first(group) from None
        finally:
            # What stays open is taken up at once by whoever comes next.
            if self._ledger.token:
                with contextlib.suppress(LedgerError):
                    await self._ledger.leave()

    async def _drive(self, claims: Sequence[Held]) -> None:
        await self._stand()
        if self._observer is not None:
            await self._observer.catch_up(self._standing.trials)
        self._held.extend(await asyncio.gather(*(self._making.reopen(held) for held in claims)))
        await self._announce()
        if self._brake.halt is None:
            with contextlib.suppress(Halt):
                await self._go_through(await self._job())
        await self._stop_the_rest()
        if not self._leaves:
            await self._audit.last_look()
        self._take_all(await self._ledger.trials())
        await self._ledger.refresh()

    async def _go_through(self, made: Made | None) -> None:
        """Carry out trials until none is left, or something ends the sweep; ``made`` has its version already."""
        if made is not None and self._stopped_by is not None:
            async with self._backlog.place(at_once=True) as place:
                await self._see_through(made, place)
        while self._stopped_by is None:
            async with asyncio.TaskGroup() as workers:
                for number in range(self._config.concurrency):
                    workers.create_task(self._work(made if number == 0 else None))
            made = None
            if not self._held:
                if not await self._ledger.open_elsewhere():
                    return
                # Others hold the rest; should one of them die, its trials come here.
                await self._brake.pause(self._lease_s / 3)

    async def _stop_the_rest(self) -> None:
        """Have the versions stopped that were taken up and not looked after yet, where that was asked for."""
        if isinstance(self._brake.halt, StoppedAsAsked) and not self._leaves:
            async with asyncio.TaskGroup() as tasks:
                while self._held:
                    tasks.create_task(self._stop(self._held.popleft()))

    async def _stop(self, held: Held) -> None:
        made = await self._making.find(held)
        if made is not None:
            async with self._backlog.place(at_once=True) as place:
                await self._see_through(made, place)

    async def _stand(self) -> None:
        trials = await self._ledger.trials()
        count, most = await self._suggestions.stand(trials), self._config.budget.max_trials
        self._total = max(count if most is None else min(count, most), len(trials))
        self._standing = Standing(self._config.objective.goal, self._total, trials)

    async def _announce(self) -> None:
        standing = self._standing
        resumed = None
        if standing.trials:
            again = sum(held.trial.state is not TrialState.RESERVED for held in self._held)
            resumed = Resumed(standing.done, again, self._total - standing.done - again)
            standing.begin()
        await self._say(SweepEvent(None, self._progress(), resumed, self._ledger.known_before))
        await self._tell_all(self._held)

    async def _job(self) -> Made | None:
        """Return when the job is there; with its first version, if it was this controller that made it."""
        while self._ledger.sweep.job_id is None:
            first = next((held for held in self._held if held.trial.number == 1), None)
            if first is None and not self._standing.trials:
                # A further one would hold a part of the budget that the first one may need, while it waits for the job.
                with contextlib.suppress(GiveWay):
                    first = await self._room.wait_for(lambda: self._reserve(1))
            elif first is not None:
                self._held.remove(first)
            if first is not None:
                return await self._made(first, None)
            await self._brake.pause(min(1.0, self._lease_s / 3))
            await self._ledger.refresh()
            self._take_all(await self._ledger.trials())
            opened = self._standing.trials[0] if self._standing.trials else None
            if opened is not None and opened.state.is_final and self._ledger.sweep.job_id is None:
                raise SweepError(f"another controller could not make the job: {opened.reason}")
        return None

    async def _work(self, made: Made | None) -> None:
        """Carry out one trial after the other; ``made`` is one whose version is there already."""
        if made is not None:
            async with self._backlog.place(at_once=True) as place:
                await self._see_through(made, place)
        while self._stopped_by is None:
            try:
                is_there = bool(self._held) and self._held[0].trial.version_id is not None
                async with self._backlog.place(at_once=is_there) as place:
                    if not await self._carry_out_next(place):
                        return
            except GiveWay:
                continue
            except Halt:
                return

    async def _carry_out_next(self, place: Place) -> bool:
        """Carry out a trial; False when there is none any more."""
        held = None if self._stopped_by is not None else await self._next()
        if held is not None:
            await self._carry_out(held, place)
        return held is not None

    async def _next(self) -> Held | None:
        """A trial that is open, or a new one; None when all were begun."""
        return self._held.popleft() if self._held else await self._room.wait_for(lambda: self._reserve(self._total))

    async def _carry_out(self, held: Held, place: Place) -> None:
        sweep = self._ledger.sweep
        assert sweep.job_id is not None
        assert sweep.first_version_id is not None
        try:
            made = await self._made(held, (sweep.job_id, sweep.first_version_id))
        except GiveWay:
            self._held.append(held)
            raise
        if made is not None:
            await self._see_through(made, place)

    async def _see_through(self, made: Made, place: Place) -> None:
        again = await self._following.follow(made, place)
        if again is not None:
            self._held.append(again)

    async def _made(self, held: Held, job: tuple[int, int] | None) -> Made | None:
        made = await self._making.make(held, job)
        if job is None:
            await self._ledger.refresh()
        return made

    async def _reserve(self, total: int) -> Held | None:
        self._passed("before reserving")
        held = await self._suggestions.reserve(total)
        if held is not None:
            self._passed("reserved")
            await self._tell(held.trial)
        return held

    def _new(self, number: int, point: Point) -> Trial:
        return self._config.begin(number, point)

    async def _take_over(self, claims: Sequence[Held]) -> None:
        if claims:
            self._audit.doubt()
        self._held.extend(claims)
        await self._tell_all(claims)

    def _take_all(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._standing.take(trial)

    async def _tell(self, trial: Trial) -> None:
        self._standing.take(trial)
        await self._say(SweepEvent(trial, self._progress()))

    async def _tell_all(self, taken_up: Iterable[Held]) -> None:
        """Tell of trials that were taken up: their next move may be their last."""
        for trial in [held.trial for held in taken_up]:
            await self._tell(trial)

    async def _tell_waiting(self, what: str | None) -> None:
        self._waiting_for = what
        await self._say(SweepEvent(None, self._progress()))

    async def _say(self, event: SweepEvent) -> None:
        try:
            await self._listener(event)
        except Exception as error:
            raise _ListenerFailed(error) from error

    def _progress(self) -> Progress:
        return self._standing.progress(self._clock.monotonic() - self._began, self._waiting_for)


def _who() -> tuple[str, str]:
    return presence.place(), presence.process()


class _ListenerFailed(Exception):
    """What somebody who listens raised. Under its own name it could be taken for an error of the trial at hand."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The error that ended the others."""
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = next((one for one in error.exceptions if isinstance(one, ModelArtsError)), error.exceptions[0])
    return error.error if isinstance(error, _ListenerFailed) else error
