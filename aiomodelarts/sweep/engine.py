"""Makes a version for each point, awaits them, and reads their objectives; a bounded number at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Protocol

from attrs import evolve, frozen

from .._clock import Clock
from ..errors import (
    ConfigurationError,
    CreateOutcomeUnknown,
    ModelArtsError,
    NotAllowed,
    QuotaExceeded,
    SessionClosed,
    TokenExpired,
    TrainingFailed,
)
from .config import SweepConfig
from .files import OutputFiles
from .objective import JsonFile, LogPattern, MetricMissing
from .report import SweepResult, best_of
from .space import Point
from .trial import Progress, Trial, TrialState

# After one of these, the next creation would end the same way.
_ENDS_THE_SWEEP = (ConfigurationError, NotAllowed, QuotaExceeded, SessionClosed, TokenExpired)
# A platform that cannot be reached would otherwise use up every point within minutes.
_MOST_FAILURES_IN_A_ROW = 5
_LINES_AT_A_TIME = 500
_LINES_OF_A_REASON = 2
_LONGEST_REASON = 300


@frozen
class SweepEvent:
    """Something happened to a trial, which now is ``trial``; without one, the sweep began."""

    trial: Trial | None
    progress: Progress


Listener = Callable[[SweepEvent], Awaitable[None]]


class Version(Protocol):
    """What a sweep asks of a version it has made."""

    @property
    def job_id(self) -> int: ...

    @property
    def version_id(self) -> int: ...

    async def wait(self) -> object:
        """Return when the training has ended well."""
        ...

    def logs(self) -> AsyncIterator[str]:
        """The lines of its log."""
        ...


class Versions(Protocol):
    """Makes versions: the seam between a sweep and the estimator."""

    async def first(self, trial: Trial) -> Version:
        """Make the job, whose own first version is this trial."""
        ...

    async def next(self, trial: Trial, first: Version) -> Version:
        """Make one more version of the job."""
        ...


class Engine:
    """One run of one sweep.

    Args:
        config: what to run.
        versions: makes them.
        files: reads what they wrote; None where an objective comes from the log.
        listener: is told of every step, and awaited.
        clock: measures durations.
    """

    def __init__(
        self,
        config: SweepConfig,
        versions: Versions,
        files: OutputFiles | None,
        listener: Listener,
        clock: Clock,
    ) -> None:
        self._config = config
        self._versions = versions
        self._files = files
        self._listener = listener
        self._clock = clock
        self._trials: dict[int, Trial] = {}
        self._done = 0
        self._failed = 0
        self._best: Trial | None = None
        self._failures_in_a_row = 0
        self._stopped_by: ModelArtsError | None = None
        self._began = clock.monotonic()

    @property
    def result(self) -> SweepResult:
        """What is known so far."""
        trials = tuple(self._trials[number] for number in sorted(self._trials))
        return SweepResult(self._config.name, self._config.objective.goal, trials, self._stopped_by)

    async def run(self) -> None:
        """Return when every trial is over; ``result`` then holds them.

        Raises:
            ModelArtsError: the job could not be made, so that there is nothing to sweep.
        """
        todo = iter(enumerate(self._config.search.points(self._config.space), start=1))
        await self._listener(SweepEvent(None, self._progress()))
        trial, stamp = await self._begin(*next(todo))
        first = await self._versions.first(trial)
        async with asyncio.TaskGroup() as workers:
            workers.create_task(self._work(todo, first, (trial, stamp)))
            for _ in range(min(self._config.concurrency, self._config.count) - 1):
                workers.create_task(self._work(todo, first))

    async def _work(
        self,
        todo: Iterator[tuple[int, Point]],
        first: Version,
        made: tuple[Trial, str | None] | None = None,
    ) -> None:
        """Carry out one trial after the other; ``made`` is one whose version is there already."""
        if made is not None:
            await self._follow(made[0], first, made[1])
        for number, point in todo:
            if self._stopped_by is not None:
                return
            trial, stamp = await self._begin(number, point)
            version = await self._create(trial, first)
            if version is not None:
                await self._follow(trial, version, stamp)

    async def _begin(self, number: int, point: Point) -> tuple[Trial, str | None]:
        """The new trial, and the stamp of a metric file that an earlier sweep has left in its place."""
        trial = Trial(number, point, self._config.output_path(number))
        await self._tell(trial)
        source = self._config.objective.source
        if self._files is not None and isinstance(source, JsonFile):
            return trial, await self._files.stamp(trial.output_path + source.path)
        return trial, None

    async def _create(self, trial: Trial, first: Version) -> Version | None:
        try:
            version = await self._versions.next(trial, first)
        except ModelArtsError as error:
            self._failures_in_a_row += 1
            if isinstance(error, _ENDS_THE_SWEEP) or self._failures_in_a_row >= _MOST_FAILURES_IN_A_ROW:
                self._stopped_by = self._stopped_by or error
            state = TrialState.UNCLEAR if isinstance(error, CreateOutcomeUnknown) else TrialState.REFUSED
            await self._tell(evolve(trial, state=state, reason=_one_line(error)))
            return None
        self._failures_in_a_row = 0
        return version

    async def _follow(self, trial: Trial, version: Version, stamp: str | None) -> None:
        began = self._clock.monotonic()
        trial = evolve(trial, state=TrialState.RUNNING, job_id=version.job_id, version_id=version.version_id)
        await self._tell(trial)
        state, reason, value = TrialState.SUCCEEDED, None, None
        try:
            await version.wait()
            value = await self._measure(trial, version, stamp)
        except TrainingFailed as error:
            state, reason = TrialState.FAILED, _why(error)
        except MetricMissing as error:
            state, reason = TrialState.NO_METRIC, str(error)
        except (ModelArtsError, OSError) as error:
            state, reason = TrialState.UNCLEAR, f"could not be followed: {_one_line(error)}"
        duration = self._clock.monotonic() - began
        await self._tell(evolve(trial, state=state, reason=reason, value=value, duration_s=duration))

    async def _measure(self, trial: Trial, version: Version, stamp: str | None) -> float:
        source = self._config.objective.source
        if isinstance(source, LogPattern):
            return source.read(await self._last_match(source, version))
        assert self._files is not None
        path = trial.output_path + source.path
        if stamp is not None and await self._files.stamp(path) == stamp:
            raise MetricMissing(f"{source.path} was left by an earlier sweep and not written again")
        return source.read(await self._files.read(path))

    async def _last_match(self, source: LogPattern, version: Version) -> str | None:
        found: str | None = None
        lines: list[str] = []
        async for line in version.logs():
            lines.append(line)
            if len(lines) == _LINES_AT_A_TIME:
                found = source.last(lines, found)
                lines.clear()
                await asyncio.sleep(0)
        return source.last(lines, found)

    async def _tell(self, trial: Trial) -> None:
        self._trials[trial.number] = trial
        if trial.state.is_final:
            self._done += 1
            self._failed += trial.value is None
            rivals = (trial,) if self._best is None else (self._best, trial)
            self._best = best_of(rivals, self._config.objective.goal)
        await self._listener(SweepEvent(trial, self._progress()))

    def _progress(self) -> Progress:
        return Progress(
            total=self._config.count,
            done=self._done,
            running=len(self._trials) - self._done,
            failed=self._failed,
            best=self._best,
            elapsed_s=self._clock.monotonic() - self._began,
        )


def _one_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _why(error: TrainingFailed) -> str:
    """What happened, with the end of the log: the error of a script, and a remark of the platform after it."""
    said = [line.strip() for line in error.log_tail if line.strip()][-_LINES_OF_A_REASON:]
    return f"{error.message}; its log ends: {_printable(' / '.join(said))}" if said else error.message


def _printable(text: str) -> str:
    """A text that cannot steer a terminal, whatever the script wrote, and of a bearable length."""
    safe = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return safe if len(safe) <= _LONGEST_REASON else safe[:_LONGEST_REASON] + "..."
