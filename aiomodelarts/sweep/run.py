"""The sweep that users hold."""

import asyncio
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve

from .._clock import SystemClock
from ..errors import SweepError
from ..obs.code import LocalCode, read_code
from ..obs.values import OnProgress
from ..session import AsyncSession
from . import config as sweep_file
from .config import SweepConfig
from .definition import settings_of
from .engine import Engine, Listener, SweepEvent
from .failures import Failure
from .files import FolderFiles, ObsFiles, OutputFiles
from .gathering import Gathering
from .ledger.records import Definition, Event
from .plan import Plan, sweep_mark
from .planning import Survey
from .report.write import LogOf, write_report
from .result import SweepResult, write_results
from .trial import Trial
from .versions import EstimatorVersions
from .warm_start import History

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.study import Study

    from .ledger.ledger import Ledger

# What the service takes; the local platform copies the code for every version, too.
_MOST_CODE_FILES = 1000


class ResultsNotWritten(SweepError):
    """A finished sweep whose result files could not be written; ``result`` holds what they would."""

    def __init__(self, result: SweepResult, reason: OSError) -> None:
        super().__init__(f"the results could not be written: {reason}")
        self.result = result


class Sweep:
    """A checked search over hyperparameters, ready to run.

    Args:
        config: what to run.
    """

    def __init__(self, config: SweepConfig, file: Path | None = None) -> None:
        self.config = config
        self._code: LocalCode | None = None

        self._file = file

    @classmethod
    def of(cls, config: SweepConfig) -> "Sweep":
        """Return the sweep with these settings."""
        return cls(config)

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> "Sweep":
        """Return the sweep that a TOML file describes.

        Raises:
            SweepFileError: everything that is wrong with it, with file, line and key.
            OSError: the file cannot be read.
        """
        return cls(sweep_file.load(Path(path)), Path(path))

    async def stage(self, files: FolderFiles) -> None:
        """Put the sweep's local folders where its settings say that code and data are.

        Raises:
            SweepError: the folder of the code holds more files than the service takes.
            OSError: a file cannot be read or written.
        """
        places = {**self.config.settings, **self.config.inputs}
        for key, folder in self.config.local_folders.items():
            most_files = _MOST_CODE_FILES if key == "code_dir" else None
            await files.put(folder, places[key], leave_out=self.config.results_dir, most_files=most_files)

    async def local_code(self) -> LocalCode | None:
        """The code of this machine that the sweep runs, read once; None where it is in a bucket already.

        Raises:
            InvalidArgument: the platform does not take it.
        """
        folder = self.config.settings.get("code_dir")
        if "code_bucket" in self.config.settings and folder is not None and self._code is None:
            self._code = await asyncio.to_thread(read_code, Path(folder), leave_out=self.config.results_dir)
        return self._code

    async def plan(self, session: AsyncSession, *, files: OutputFiles | None = None) -> Plan:
        """What ``run`` would make now; the platform and the ledger are only read.

        Args:
            session: an open session.
            files: as for ``run``.

        Raises:
            LedgerError: the sweep has a ledger, and it cannot be used.
            ModelArtsError: the platform does not say what it offers.
        """
        return await (await self._survey()).plan(session, files, None if self._file is None else str(self._file))

    async def run(
        self,
        session: AsyncSession,
        *,
        plan: Plan | None = None,
        files: OutputFiles | None = None,
        listener: Listener | None = None,
        allow_change: bool = False,
        fresh: bool = False,
    ) -> SweepResult:
        """Make one job with a version for every point, await them, and return what they reached.

        Every step is written to the sweep's ledger first, so that the same call again, also in another process,
        goes on where this one ended. The results are written to ``results_dir`` too, also when the run is cancelled.
        Versions that run at that moment go on.

        Args:
            session: an open session.
            plan: run this, or nothing.
            files: reads the outputs of versions; None reads them from object storage.
            listener: an async function that is told of every step.
            allow_change: go on although the sweep's settings are not those of its earlier runs.
            fresh: begin anew; the record of earlier runs stays in the ledger under another name.

        Raises:
            ObsError, ConfigurationError: the objective is a ``json_file``, and the bucket cannot be read.
            InvalidArgument: the platform does not take the code of this machine.
            PlanOutdated: the file, the points or the ledger changed since the plan was made; nothing was sent.
            SweepChanged: the settings are not those of the sweep's earlier runs; it shows the difference.
            LedgerError: the ledger cannot be used, or another controller took this one for dead.
            SweepError: a source of the warm start is not there; nothing was sent.
            ModelArtsError: the job could not be made.
            ResultsNotWritten: all trials are over, but the disk did not take the results; they are in the error.
            OSError: the folder for the results cannot be made; nothing was sent.
        """
        if files is None:
            files = ObsFiles(session.obs)
            # Whether the bucket can be read at all is told now, not when the first training is over.
            for path in self.config.objective_files(1):
                await files.stamp(path)
        if plan is not None:
            plan.check(await (await self._survey()).mark())
        # A folder that cannot be written is told now, not when hours of training are over.
        await asyncio.to_thread(self.config.results_dir.mkdir, parents=True, exist_ok=True)
        ledgers = await asyncio.to_thread(_ledger_kind)
        clock = session.seams.clock
        config = await self._with_code()
        known_before = None
        if config.warm_start is not None:
            known_before = await Gathering(config, session, files, ledgers).known_before(fresh=fresh)
        definition = Definition(config.name, settings_of(config))
        opened = ledgers.open(self.config.ledger_address, definition, clock, allow_change=allow_change, fresh=fresh)
        async with opened as ledger:
            if known_before is not None:
                await ledger.take_in(known_before)
            versions = EstimatorVersions(config, session, self._job_name(session))
            await versions.prepare()
            engine = Engine(config, versions, files, listener or _nobody, clock, ledger)
            await self._carry_out(engine)
        try:
            await asyncio.to_thread(write_results, engine.result, self.config.results_dir)
        except OSError as failure:
            raise ResultsNotWritten(engine.result, failure) from failure
        return engine.result

    async def past(self) -> SweepResult:
        """What the sweep's ledger holds now; nothing is asked of the platform, and whoever drives it is not disturbed.

        Raises:
            LedgerError: the sweep was not run yet, or its ledger cannot be used.
        """
        async with await self._read() as ledger:
            return SweepResult(
                self.config.name, self.config.objective.goal, tuple(await ledger.trials()), goals=self.config.goals
            )

    async def download(
        self,
        session: AsyncSession,
        trial: Trial,
        local_dir: str | PathLike[str] | None = None,
        *,
        progress: OnProgress | None = None,
    ) -> Path:
        """Fetch what a trial's version wrote; returns the folder that has it.

        Args:
            session: an open session.
            trial: the trial.
            local_dir: the folder; None is one among the results, named as the trial's output folder.
            progress: is called with each step.

        Raises:
            ObsNotFound: the trial has written nothing.
            ObsError: see ``obs.errors``.
        """
        name = trial.output_path.rstrip("/").rpartition("/")[2]
        place = self.config.results_dir / "outputs" / name if local_dir is None else Path(local_dir)
        await session.obs.sync_down(trial.output_path, place, progress=progress)
        return place

    async def why(self, trial: int) -> list[Event]:
        """The history of a trial, oldest first; empty when it was not begun.

        Raises:
            LedgerError: the sweep was not run yet, or its ledger cannot be used.
        """
        async with await self._read() as ledger:
            return await ledger.events(trial)

    async def report(self, out: str | PathLike[str], *, log_of: LogOf | None = None) -> None:
        """Write one HTML file that shows what the sweep's ledger holds now, and needs nothing else.

        Args:
            out: the file; what is there is replaced as a whole.
            log_of: says where a trial's log is, as the page shall link it.

        Raises:
            LedgerError: the sweep was not run yet, or its ledger cannot be used.
            SweepError: plotly is not installed.
            OSError: the file cannot be written.
        """
        await write_report(self.config, await self._read(), Path(out), SystemClock().now(), log_of)

    async def study(self, storage: "str | BaseStorage | None" = None, *, name: str | None = None) -> "Study":
        """What the sweep's ledger holds now, as an Optuna study, which its dashboard and its plots can show.

        A study that was exported before under this name is replaced.

        Args:
            storage: a database's URL, ``journal:`` and a path, or one of Optuna's own; None keeps the study in memory.
            name: of the study; None is that of the sweep.

        Raises:
            LedgerError: the sweep was not run yet, or its ledger cannot be used.
            SweepError: the storage cannot be used, or has a study of this name that was not exported.
        """
        async with await self._read() as ledger:
            _, measures = await ledger.measures()
            record = await ledger.trials(), await ledger.history(), measures
        return await asyncio.to_thread(_exported, self.config, record, storage, name or self.config.name)

    async def retry(self, classes: Collection[Failure] | None = None) -> list[Trial]:
        """Have failed trials tried again, by the controllers that run or by the next ``run``; returns these trials.

        Args:
            classes: whose failures; None takes every trial that is over without a value.

        Raises:
            LedgerError: the sweep was not run yet, or its ledger cannot be used.
        """
        wanted = None if classes is None else {failure.value for failure in classes}

        def again(trial: Trial) -> Trial | None:
            return self.config.again(trial) if wanted is None or trial.failure in wanted else None

        async with await self._read() as ledger:
            return await ledger.retry(again)

    async def _with_code(self) -> SweepConfig:
        """The sweep with its code as it is now, where that is on this machine."""
        code = await self.local_code()
        return self.config if code is None else evolve(self.config, settings={**self.config.settings, "code_dir": code})

    async def _survey(self) -> Survey:
        config, file = await self._with_code(), self._file
        described = repr(config).encode() if file is None else await asyncio.to_thread(file.read_bytes)
        if isinstance(code := config.settings.get("code_dir"), LocalCode):
            described += code.manifest.name.encode()
        ledgers = await asyncio.to_thread(_ledger_kind)
        address, name = self.config.ledger_address, self.config.name

        async def known_before(session: AsyncSession, files: OutputFiles) -> History:
            return await Gathering(config, session, files, ledgers).known_before()

        return Survey(config, sweep_mark(described), lambda: ledgers.read(address, name, SystemClock()), known_before)

    async def _read(self) -> "AbstractAsyncContextManager[Ledger]":
        ledgers = await asyncio.to_thread(_ledger_kind)
        return ledgers.read(self.config.ledger_address, self.config.name, SystemClock())

    async def _carry_out(self, engine: Engine) -> None:
        try:
            await engine.run()
        except BaseException as error:
            if engine.result.trials:
                try:
                    await asyncio.to_thread(write_results, engine.result, self.config.results_dir)
                except OSError as failure:
                    error.add_note(f"the results so far could not be written: {failure}")
            raise

    def _job_name(self, session: AsyncSession) -> str:
        """The name of a new job: names are taken for good, and two sweeps may begin in the same second."""
        moment, mark = datetime.fromtimestamp(session.seams.clock.now(), UTC), session.seams.rng.getrandbits(16)
        return self.config.job_name or f"{self.config.name}-{moment:%Y%m%d-%H%M%S}-{mark:04x}"


def _ledger_kind() -> "type[Ledger]":
    """The ledger, whose libraries come with an extra, and take a moment to load."""
    try:
        from .ledger.ledger import Ledger
    except ModuleNotFoundError as error:
        raise SweepError(f"{error.name} is not installed; run: pip install 'aiomodelarts[sweep]'") from error
    return Ledger


def _exported(config: SweepConfig, record: Any, storage: Any, name: str) -> "Study":
    # Loading Optuna takes a moment.
    from .export import Record, export

    return export(config, Record(*record), storage, name)


async def _nobody(event: SweepEvent) -> None:
    """Listen to nothing."""
