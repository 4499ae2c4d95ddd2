"""Reads what was known before a sweep began: earlier ledgers, and versions that are there, with reads only."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, field, frozen

from ..._operations.jobs import iter_jobs
from ..._operations.versions import iter_job_versions
from ...errors import LogGone, LogNotReady, NotFound, SweepError
from ...job import TrainingJob
from ...models.job import VersionInfo
from ...session import AsyncSession
from ...status import Outcome
from ..description.config import SweepConfig
from ..description.definition import settings_of_a_history
from ..engine.meters import Meters
from ..files import OutputFiles
from ..ledger.errors import LedgerError, NotRunYet
from ..ledger.records import SweepRecord, differences
from ..objective import MetricMissing
from ..problems import nearest
from ..search.warm_start import Elsewhere, History, Observation, WarmStart, another_objective, counted, point_in
from ..trial import Trial

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

T = TypeVar("T")
R = TypeVar("R")

# Objectives of so many versions are read at a time.
_AT_ONCE = 8
_FIXED = "[estimator] hyperparameters"


@frozen
class _Job:
    """Points at a job."""

    session: AsyncSession
    job_id: int | None


@frozen
class _Candidate:
    """A version of a job at a point of the space."""

    row: VersionInfo
    point: dict[str, Any] = field(hash=False)


@define
class Gathering:
    """Takes values from where a sweep's file says.

    Args:
        config: of the sweep.
        session: asks the platform.
        files: reads what versions wrote.
        ledgers: opens ledgers.
        own: the ledger of the sweep itself, and its name there, which is no source.
    """

    config: SweepConfig
    session: AsyncSession
    files: OutputFiles | None
    ledgers: "type[Ledger]"
    _taken: list[Observation] = field(factory=list)
    _left_out: list[tuple[str, str, str]] = field(factory=list)
    _notes: list[str] = field(factory=list)
    _versions: set[tuple[int | None, int | None]] = field(factory=set)

    async def known_before(self, *, fresh: bool = False) -> History:
        """What the sweep's ledger has kept, or else what can be taken now.

        Args:
            fresh: whether the sweep begins anew, whatever is kept.

        Raises:
            SweepError, ModelArtsError: as for ``gather``.
        """
        kept = None
        if not fresh:
            address, name, clock = self.config.ledger_address, self.config.name, self.session.seams.clock
            with contextlib.suppress(NotRunYet):
                async with self.ledgers.read(address, name, clock) as ledger:
                    kept = await ledger.kept(settings_of_a_history(self.config))
        return kept or await self.gather()

    async def gather(self) -> History:
        """What can be taken; the same in the same order while the sources stay as they are.

        Raises:
            SweepError: a source is not there, or it is not clear which is meant.
            ModelArtsError: the platform does not answer.
        """
        wanted = self.config.warm_start or WarmStart()
        for record, trials, source in await self._sweeps(wanted):
            await asyncio.to_thread(self._take_trials, record, trials, source)
        for job in wanted.jobs:
            await self._take_versions(await self._job_id(job), f"job {job}")
        settings = settings_of_a_history(self.config)
        return History(settings, tuple(self._taken), counted(self._left_out), tuple(self._notes))

    async def _sweeps(self, wanted: WarmStart) -> list[tuple[SweepRecord, list[Trial], str]]:
        """The sweeps that are meant, with their trials and where they are."""
        clock = self.session.seams.clock
        found = []
        there: dict[str, list[str]] = {}
        for ledger in wanted.ledgers:
            try:
                names = there[ledger.told] = await self._others(ledger.address)
            except LedgerError as error:
                raise SweepError(f"[warm_start] ledgers: {error}") from error
            for name in _meant(ledger.told, names, wanted.sweeps):
                async with self.ledgers.read(ledger.address, name, clock) as opened:
                    found.append((opened.sweep, await opened.trials(), f"sweep {name} in {ledger.told}"))
        held = {name for names in there.values() for name in names}
        for name in wanted.sweeps:
            if name not in held:
                raise SweepError(f"[warm_start] sweeps: no ledger has {name}; {nearest(name, held)}")
        return found

    async def _others(self, address: str) -> list[str]:
        """The sweeps in a ledger, without this one."""
        names = await self.ledgers.names(address)
        mine = self.config.ledger_address
        own = address == (mine if isinstance(mine, str) else f"sqlite:///{mine}")
        return [name for name in names if not own or name != self.config.name]

    def _take_trials(self, record: SweepRecord, trials: Sequence[Trial], source: str) -> None:
        other = another_objective(record.settings, self.config.goals)
        if other is not None:
            self._left_out += [(source, other, f"trial {trial.number}") for trial in trials]
            return
        now = settings_of_a_history(self.config)
        changed = differences(_read_how(record.settings), _read_how(now))
        if changed:
            self._notes.append(f"{source} read its objective in another way: {'; '.join(changed)}")
        fixed = record.settings.get(_FIXED) or {}
        for trial in trials:
            self._take_trial(trial, {**fixed, **trial.point}, source)

    def _take_trial(self, trial: Trial, told: dict[str, Any], source: str) -> None:
        name = f"trial {trial.number}"
        values = trial.values or (() if trial.value is None else (trial.value,))
        if not values:
            self._left_out.append((source, f"without a value ({trial.state.value})", name))
        elif self._is_new(trial.job_id, trial.version_id, source, name):
            point = self._point(told, source, name)
            if point is not None:
                self._taken.append(Observation(point, values, source))

    async def _take_versions(self, job_id: int, source: str) -> None:
        try:
            rows = [row async for row in iter_job_versions(_Job(self.session, job_id))]
        except NotFound:
            raise SweepError(f"[warm_start] jobs: {source} is not there") from None
        candidates = [
            one for row in sorted(rows, key=lambda row: row.version_id) if (one := self._candidate(job_id, row, source))
        ]
        meters = Meters(self.config.objectives, self.files)

        async def value(one: _Candidate) -> tuple[float, ...] | str:
            return await self._values(meters, job_id, one)

        read = await _each(value, candidates)
        for one, values in zip(candidates, read, strict=True):
            if isinstance(values, str):
                self._left_out.append((source, values, _name(one.row)))
            else:
                self._taken.append(Observation(one.point, values, source))

    def _candidate(self, job_id: int, row: VersionInfo, source: str) -> _Candidate | None:
        if row.status.outcome is not Outcome.SUCCEEDED:
            self._left_out.append((source, f"without a value ({row.status.name.lower()})", _name(row)))
            return None
        if not self._is_new(job_id, row.version_id, source, _name(row)):
            return None
        point = self._point(row.hyperparameters.as_dict(), source, _name(row))
        return None if point is None else _Candidate(row, point)

    async def _values(self, meters: Meters, job_id: int, one: _Candidate) -> tuple[float, ...] | str:
        """The objectives of a version, or why there are none."""
        place = one.row.train_url
        if place is None and self.config.objective_files(1):
            return "it tells no output path"
        trial = Trial(one.row.version_id, one.point, f"{place.rstrip('/')}/" if place else "/")
        try:
            return await meters.read(trial, TrainingJob.attach(self.session, job_id, one.row.version_id), None)
        except MetricMissing as error:
            return str(error)
        except (LogGone, LogNotReady, NotFound):
            return "its log is not there"

    def _point(self, told: dict[str, Any], source: str, name: str) -> dict[str, Any] | None:
        fixed = self.config.settings.get("hyperparameters") or {}
        try:
            return point_in(self.config.space, fixed, told)
        except Elsewhere as error:
            self._left_out.append((source, f"of another space: {error}", name))
            return None

    def _is_new(self, job_id: int | None, version_id: int | None, source: str, name: str) -> bool:
        """Whether the version was not met before, as a trial of a ledger perhaps."""
        version = (job_id, version_id)
        if version in self._versions:
            self._left_out.append((source, "taken already", name))
            return False
        if None not in version:
            self._versions.add(version)
        return True

    async def _job_id(self, job: int | str) -> int:
        if isinstance(job, int):
            return job
        names = []
        async for row in iter_jobs(self.session, search_content=job):
            if row.job_name == job:
                return row.job_id
            names.append(row.job_name or "")
        raise SweepError(f"[warm_start] jobs: there is no job {job}" + (f"; {nearest(job, names)}" if names else ""))


def _meant(ledger: str, names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The sweeps of a ledger that are meant."""
    if wanted:
        return [name for name in names if name in wanted]
    if len(names) != 1:
        what = f"several sweeps ({', '.join(names)})" if names else "no other sweep"
        raise SweepError(f"[warm_start] ledgers: {ledger} holds {what}; name those that are meant: sweeps = [...]")
    return list(names)


def _read_how(settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name.startswith("[objective")}


def _name(row: VersionInfo) -> str:
    return f"version {row.version_id}"


async def _each(work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """What the work gives for each item, in their order, so many at a time."""
    items = list(items)
    results: dict[int, R] = {}
    left = iter(enumerate(items))

    async def go_on() -> None:
        for place, item in left:
            results[place] = await work(item)

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(_AT_ONCE, len(items))):
                workers.create_task(go_on())
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
    return [results[place] for place in range(len(items))]
