"""Makes the plan of a sweep: asks the ledger and the platform, with reads only."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from statistics import median
from typing import TYPE_CHECKING, Any

from .._catalogue import the_algorithm, the_engine, the_spec
from .._code import check_boot_file
from .._operations.jobs import iter_jobs
from ..errors import InvalidArgument, ModelArtsError, SweepError
from ..models.catalog import ResourceSpec
from ..obs.code import LocalCode
from ..session import AsyncSession
from .config import SweepConfig
from .definition import settings_of
from .files import FolderFiles, ObsFiles, OutputFiles
from .ledger.errors import NotRunYet
from .ledger.records import SweepRecord, differences
from .plan import Estimate, Mark, Plan, PlannedTrial, Refusal, ledger_mark, planned, points_mark, to_make
from .points import Points
from .trial import Trial
from .warm_start import History

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from .ledger.ledger import Ledger

_SOLD_OUT = "the platform has none free at the moment; creations wait for it, or are refused"


class Survey:
    """Everything that a plan is made of, asked once.

    Args:
        config: the sweep.
        sweep: the digest of its description.
        opened: its ledger, to be read.
        known_before: reads what was known before the sweep, with a session and from buckets.
    """

    def __init__(
        self,
        config: SweepConfig,
        sweep: str,
        opened: "Callable[[], AbstractAsyncContextManager[Ledger]]",
        known_before: Callable[[AsyncSession, OutputFiles], Awaitable[History]],
    ) -> None:
        self._config = config
        self._sweep = sweep
        self._opened = opened
        self._known_before = known_before

    async def mark(self) -> Mark:
        """What a plan would depend on now; the platform is not asked."""
        record, trials = await self._past()
        known, later = await asyncio.to_thread(self._trials, record, trials)
        return self._mark(record, trials, known, later)

    async def plan(self, session: AsyncSession, files: OutputFiles | None, file: str | None) -> Plan:
        """The plan.

        Args:
            session: asks the platform; nothing is changed there.
            files: reads buckets, where a session can.
            file: of the sweep, as it was named.
        """
        config = self._config
        record, trials = await self._past()
        known, later = await asyncio.to_thread(self._trials, record, trials)
        refused, notes = await self._refused(session, files)
        unread, told = await self._warm_start(session, files)
        refused, notes = refused + unread, notes + told
        if record is not None:
            changed = differences(record.settings, settings_of(config))
            refused += [Refusal("changed since the last run", one) for one in changed]
        job, taken = await self._job(session, record)
        refused += taken
        making = [trial for trial in known if trial.state == "to make"]
        hours, elapsed_h = _time(config, len(making) + later, trials)
        return Plan(
            sweep=config.name,
            file=file,
            mark=self._mark(record, trials, known, later),
            search=config.search.algorithm,
            concurrency=config.concurrency,
            trials=tuple(known),
            later=later,
            job=job,
            refused=tuple(refused),
            notes=tuple(notes),
            hours=hours,
            cost=None,
            elapsed_h=elapsed_h,
        )

    def _mark(
        self, record: SweepRecord | None, trials: Sequence[Trial], known: Sequence[PlannedTrial], later: int
    ) -> Mark:
        points = points_mark((trial.point for trial in known), later, self._config.search.algorithm)
        return Mark(self._sweep, points, None if record is None else ledger_mark(trials))

    async def _past(self) -> tuple[SweepRecord | None, list[Trial]]:
        try:
            async with self._opened() as ledger:
                return ledger.sweep, await ledger.trials()
        except NotRunYet:
            return None, []

    def _trials(self, record: SweepRecord | None, trials: Sequence[Trial]) -> tuple[list[PlannedTrial], int]:
        """The trials that are there with those that are known beforehand, and how many come later."""
        config = self._config
        earlier = trials[: record.base] if record is not None else []
        points = Points(config.search, config.space, (trial.point for trial in earlier))
        total = max(points.count(), len(trials))
        known = [planned(trial) for trial in trials]
        if config.warm_start is not None:
            # What is known from before may change the very first point.
            return known, total - len(known)
        begun = len(trials) - len(earlier)
        for number, point in enumerate(islice(points.known(), begun, None), start=len(trials) + 1):
            known.append(to_make(number, point, config.output_path(number)))
        return known, total - len(known)

    async def _refused(self, session: AsyncSession, files: OutputFiles | None) -> tuple[list[Refusal], list[str]]:
        settings = self._config.settings
        refused: list[Refusal] = []
        notes: list[str] = []

        async def look(what: str, ask: Any, choose: Callable[[Any], Any]) -> Any:
            try:
                return choose(await ask())
            except InvalidArgument as error:
                refused.append(Refusal(what, str(error)))
                return None

        if "train_instance_type" in settings:
            code = settings["train_instance_type"]
            spec = await look("train_instance_type", session.flavors, lambda specs: the_spec(specs, code))
            _check_flavor(spec, settings, refused, notes)
        if "framework_type" in settings and "framework_version" in settings:
            engine = (settings["framework_type"], settings["framework_version"])
            await look("framework_version", session.engines, lambda engines: the_engine(engines, *engine))
        if "model_name" in settings:
            name = settings["model_name"]
            await look("model_name", session.algorithms, lambda models: the_algorithm(models, name))
        if files is None:
            refused += await self._unreadable(session)
        code, boot_file = settings.get("code_dir"), settings.get("boot_file")
        if isinstance(code, LocalCode) and boot_file is not None:
            try:
                check_boot_file(code, boot_file)
            except InvalidArgument as error:
                refused.append(Refusal("boot_file", str(error)))
        refused += await asyncio.to_thread(self._missing, files)
        return refused, notes

    async def _warm_start(self, session: AsyncSession, files: OutputFiles | None) -> tuple[list[Refusal], list[str]]:
        """What the warm start comes to, and why it cannot be had."""
        if self._config.warm_start is None:
            return [], []
        try:
            history = await self._known_before(session, files or ObsFiles(session.obs))
        except SweepError as error:
            return [Refusal("warm_start", str(error))], []
        return [], history.lines()

    async def _unreadable(self, session: AsyncSession) -> list[Refusal]:
        """Why the files that objectives come from cannot be read."""
        try:
            for path in self._config.objective_files(1):
                await ObsFiles(session.obs).stamp(path)
        except ModelArtsError as error:
            return [Refusal("json_file", f"the bucket cannot be read: {error}")]
        return []

    def _missing(self, files: OutputFiles | None) -> list[Refusal]:
        """What the sweep's own folders lack; other buckets are looked at by the platform alone."""
        if not isinstance(files, FolderFiles):
            return []
        missing = []
        boot, code = self._config.settings.get("boot_file"), self._config.settings.get("code_dir")
        folder = self._config.local_folders.get("code_dir")
        if boot and code and folder is not None:
            inside = PurePosixPath(boot).relative_to(PurePosixPath(code))
            if not Path(folder, inside).is_file():
                missing.append(Refusal("boot_file", f"there is no {inside} in {folder}"))
        return missing

    async def _job(self, session: AsyncSession, record: SweepRecord | None) -> tuple[str, list[Refusal]]:
        """What becomes of the job, and why its name cannot be had."""
        if record is not None and record.job_id is not None:
            return f"goes on in job {record.job_id}", []
        name = self._config.job_name
        if name is None:
            return "a new job, named after the sweep and the time", []
        async for job in iter_jobs(session, search_content=name):
            if job.job_name == name:
                why = f"the name {name} is taken by job {job.job_id}; name another one, or none, under [sweep]"
                return f"a new job, {name}", [Refusal("job_name", why)]
        return f"a new job, {name}", []


def _check_flavor(
    spec: ResourceSpec | None, settings: Mapping[str, Any], refused: list[Refusal], notes: list[str]
) -> None:
    if spec is None:
        return
    nodes = settings.get("train_instance_count", 1)
    if spec.max_num is not None and nodes > spec.max_num:
        refused.append(Refusal("train_instance_count", f"{spec.spec_code} takes at most {spec.max_num}, not {nodes}"))
    if spec.no_resource:
        notes.append(f"{spec.spec_code}: {_SOLD_OUT}")


def _time(config: SweepConfig, count: int, trials: Sequence[Trial]) -> tuple[Estimate, Estimate]:
    """Hours of training, and from begin to end."""
    took = [trial.duration_s for trial in trials if trial.duration_s is not None]
    if not took:
        return Estimate(), Estimate()
    each_h = median(took) / 3600
    return Estimate(each_h * count), Estimate(each_h * math.ceil(count / config.concurrency))
