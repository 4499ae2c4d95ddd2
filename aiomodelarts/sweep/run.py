"""The sweep that users hold."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from attrs import evolve

from .._clock import SystemClock
from ..estimator import AsyncEstimator
from ..obs.code.local import LocalCode, read_code
from ..session import AsyncSession
from .budget import Budget
from .description import config as sweep_file
from .description.builder import build
from .description.config import SweepConfig
from .engine.brake import Brake
from .engine.engine import Listener
from .engine.halts import Running
from .failures import RetryBudget
from .files import FolderFiles, OutputFiles
from .kept import KeptSweep
from .notebook import LiveTable, in_notebook
from .objective import Objective
from .planning.gathering import Gathering
from .planning.plan import Plan, sweep_mark
from .planning.survey import Survey
from .pruning import Pruning
from .result import SweepResult
from .running import Run, carry_out, check_outputs, ledger_kind
from .search.search import Search
from .search.warm_start import History, WarmStart
from .space.space import Space
from .stopping import Stopped, Stopping, stop_what_runs
from .trial import Trial

# What the service takes; the local platform copies the code for every version, too.
_MOST_CODE_FILES = 1000

# Is told of a trial that is over; a plain function, or an async one, which is awaited.
Callback = Callable[["Sweep", Trial], Awaitable[None] | None]


class Sweep(KeptSweep):
    """A checked search over hyperparameters, ready to run.

    Every argument takes the values of ``aiomodelarts.sweep``, or what the table of that name holds in a sweep file.

    Args:
        space: the hyperparameters that vary, by name: ``Float``, ``Int``, ``Choice``, a list, which is a choice, or a
            range; or a ``Space``. None only with a list of points.
        objective: what is read from each version: ``maximize(log_pattern=...)``, ``minimize(json_file=..., key=...)``;
            several of them by name.
        estimator: makes the versions; or its arguments, with ``inputs`` and ``flavors`` where wanted.
        search: ``"grid"``, ``"random"``, ``"quasi-random"``, ``"tpe"``, ``"cma-es"``, ``"gp"``, one of the search
            values, or a list of points; None is TPE where ``trials`` are given, and else the grid.
        trials: how many points are tried.
        seed: of the search; the same one with the same history tries the same points.
        constraints: rules that every point keeps, as in ``"batch * layers <= 512"``.
        inputs: where the data are.
        dataset_id: a dataset in their place, with ``dataset_version_id``.
        dataset_version_id: the version of the dataset.
        flavors: what versions may run on, the first choice first, in place of the estimator's ``train_instance_type``.
        name: letters, digits, - and _; None makes one up from what the trials depend on, so that the same call again
            goes on with the same sweep, and another one begins another.
        concurrency: versions that wait or run at once; 4 unless said.
        results_dir: where results and ledger are written; ``results/<name>`` unless said.
        ledger: a path or a database URL; ``sweep.sqlite`` among the results unless said.
        job_name: of the job to make; made up from the name and the time unless said.
        pruning: when versions are stopped early: the name of a method, or its table.
        budget: what may be spent.
        retry: how often a failed trial is tried again, by the class of its failure.
        local: folders that ``stage`` puts where code and inputs are.
        warm_start: values from before: ``ledgers`` of earlier sweeps, with ``sweeps`` of these names, and ``jobs``.

    Raises:
        InvalidSweep: everything that is wrong with the arguments.
    """

    def __init__(
        self,
        *,
        space: Space | Mapping[str, Any] | None = None,
        objective: Objective | Mapping[str, Any],
        estimator: AsyncEstimator | Mapping[str, Any],
        search: Search | Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | None = None,
        trials: int | None = None,
        seed: int | None = None,
        constraints: Sequence[str] | str | None = None,
        inputs: str | None = None,
        dataset_id: str | None = None,
        dataset_version_id: str | None = None,
        flavors: Sequence[str] | None = None,
        name: str | None = None,
        concurrency: int | None = None,
        results_dir: str | PathLike[str] | None = None,
        ledger: str | PathLike[str] | None = None,
        job_name: str | None = None,
        warm_start: WarmStart | Mapping[str, Any] | None = None,
        pruning: Pruning | Mapping[str, Any] | str | None = None,
        budget: Budget | Mapping[str, Any] | None = None,
        retry: RetryBudget | Mapping[Any, int] | None = None,
        local: Mapping[str, str | PathLike[str]] | None = None,
    ) -> None:
        data = {
            "inputs": inputs,
            "dataset_id": dataset_id,
            "dataset_version_id": dataset_version_id,
            "flavors": flavors,
        }
        own = {
            "name": name,
            "concurrency": concurrency,
            "results_dir": results_dir,
            "ledger": ledger,
            "job_name": job_name,
        }
        config = build(
            space=space,
            objective=objective,
            estimator=estimator,
            search=search,
            trials=trials,
            seed=seed,
            constraints=constraints,
            of_the_sweep=own,
            of_the_estimator=data,
            warm_start=warm_start,
            pruning=pruning,
            budget=budget,
            retry=retry,
            local=local,
        )
        self._begin(config, None, estimator.session if isinstance(estimator, AsyncEstimator) else None)

    def _begin(self, config: SweepConfig, file: Path | None, session: AsyncSession | None) -> None:
        self.config = config
        self._file = file
        self._session = session
        self._code: LocalCode | None = None
        self._run: Run | None = None
        self._first_run = asyncio.Event()

    @classmethod
    def of(cls, config: SweepConfig, file: Path | None = None) -> "Sweep":
        """Return the sweep with these settings, which ``file`` describes, if one does."""
        sweep = cls.__new__(cls)
        sweep._begin(config, file, None)
        return sweep

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> "Sweep":
        """Return the sweep that a TOML file describes.

        Raises:
            SweepFileError: everything that is wrong with it, with file, line and key.
            OSError: the file cannot be read.
        """
        return cls.of(sweep_file.load(Path(path)), Path(path))

    def __repr__(self) -> str:
        return f"<Sweep {self.config.name}: {self.config.count} trials, {self.config.search.algorithm}>"

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

    async def plan(self, session: AsyncSession | None = None, *, files: OutputFiles | None = None) -> Plan:
        """What ``run`` would make now; the platform and the ledger are only read.

        Args:
            session: an open session; None is that of the estimator.
            files: as for ``run``.

        Raises:
            LedgerError: the sweep has a ledger, and it cannot be used.
            ModelArtsError: the platform does not say what it offers.
        """
        file = None if self._file is None else str(self._file)
        return await (await self._survey()).plan(self._session_or(session), files, file)

    async def run(
        self,
        session: AsyncSession | None = None,
        *,
        plan: Plan | None = None,
        files: OutputFiles | None = None,
        listener: Listener | None = None,
        callbacks: Iterable[Callback] = (),
        live: bool | None = None,
        allow_change: bool = False,
        fresh: bool = False,
    ) -> SweepResult:
        """Make one job with a version for every point, await them, and return what they reached.

        Every step is written to the sweep's ledger first, so that the same call again, also in another process,
        goes on where this one ended. The results are written to ``results_dir`` too, also when the run is cancelled.
        Versions that run at that moment go on.

        Args:
            session: an open session; None is that of the estimator.
            plan: run this, or nothing.
            files: reads the outputs of versions; None reads them from object storage.
            listener: an async function that is told of every step, and awaited.
            callbacks: functions, plain or async, that are given this sweep and each trial that is over. What one of
                them raises ends the run, and comes out of it.
            live: show a table that follows the sweep; None does so where the program runs in a notebook.
            allow_change: go on although the sweep's settings are not those of its earlier runs.
            fresh: begin anew; the record of earlier runs stays in the ledger under another name.

        Raises:
            ObsError, ConfigurationError: the objective is a ``json_file``, and the bucket cannot be read.
            InvalidArgument: the platform does not take the code of this machine.
            PlanOutdated: the file, the points or the ledger changed since the plan was made; nothing was sent.
            SweepChanged: the settings are not those of the sweep's earlier runs; it shows the difference.
            LedgerError: the ledger cannot be used, or another controller took this one for dead.
            PlaceTaken: another sweep of this name, with another ledger, has versions that go on.
            SweepError: a source of the warm start is not there; nothing was sent.
            ModelArtsError: the job could not be made.
            ResultsNotWritten: all trials are over, but the disk did not take the results; they are in the error.
            OSError: the folder for the results cannot be made; nothing was sent.
        """
        session = self._session_or(session)
        shown = in_notebook() if live is None else live
        table = LiveTable(self.config.name, self.config.objective.goal) if shown else None
        run = self._run = Run(Brake(session.seams.clock), table=table)
        self._first_run.set()
        told = run.told(listener, [partial(callback, self) for callback in callbacks])
        try:
            files = await check_outputs(self.config, session, files)
            if plan is not None:
                plan.check(await (await self._survey()).mark())
            config = await self._with_code()
            return await carry_out(config, session, files, told, run.brake, allow_change=allow_change, fresh=fresh)
        finally:
            run.close()

    async def trials(self) -> AsyncGenerator[Trial, None]:
        """The trials as they end: all of the run that is under way, or was last; before the first run it is waited for.

        It ends with the run, whose errors come out of ``run`` alone. Several may read at a time, each at its own pace.
        A trial that is tried again while the sweep runs comes again.
        """
        # A run that was made a task just now has still to take its first step.
        await asyncio.sleep(0)
        if self._run is None:
            await self._first_run.wait()
        assert self._run is not None
        async with aclosing(self._run.feed.read()) as trials:
            async for trial in trials:
                yield trial

    def interrupt(self, running: Running | str = Running.LEAVE) -> None:
        """End the run of this object soon; its ``run`` returns what is known, and other controllers go on.

        Args:
            running: whether its versions go on (``leave``), to be taken up by the next run, or are stopped (``stop``).
        """
        if self._run is not None:
            self._run.brake.ask(Running(running))

    async def stop(
        self,
        running: Running | str = Running.LEAVE,
        session: AsyncSession | None = None,
        *,
        files: OutputFiles | None = None,
        told: Callable[[int], Awaitable[None]] | None = None,
    ) -> Stopped:
        """Have every controller end that drives the sweep now, on whatever machine, and return when they have.

        While a run of this object is under way, it and the others are asked, and nothing is waited for.

        Args:
            running: whether versions go on (``leave``), to be taken up by the next run, or are stopped (``stop``).
            session: stops versions that no controller sees to any more; without one, these go on.
            files: as for ``run``.
            told: is told, again and again, how many controllers have not ended yet.

        Raises:
            LedgerError: the sweep was not run yet, or its ledger cannot be used.
        """
        running, session = Running(running), session or self._session
        async with await self._read() as ledger:
            stopping = Stopping(ledger, SystemClock(), told or _nobody)
            await stopping.ask(running)
            if self._run is not None and not self._run.feed.is_over:
                self.interrupt(running)
                return Stopped(stopping.asked, 0, tuple(await ledger.trials()))
            await stopping.until_gone()
            found = Stopped(stopping.asked, len(stopping.dead), tuple(await ledger.trials()))
            if running is not Running.STOP or session is None or not found.going:
                return found
            files = await check_outputs(self.config, session, files)
            await stop_what_runs(self.config, session, files, _nobody, ledger, stopping.dead)
            return evolve(found, trials=tuple(await ledger.trials()))

    def _session_or(self, session: AsyncSession | None) -> AsyncSession:
        if session is None:
            session = self._session
        if session is None:
            raise TypeError("the sweep has no session of its own: give it one, or an AsyncEstimator that has one")
        return session

    async def _with_code(self) -> SweepConfig:
        """The sweep with its code as it is now, where that is on this machine."""
        code = await self.local_code()
        return self.config if code is None else evolve(self.config, settings={**self.config.settings, "code_dir": code})

    async def _survey(self) -> Survey:
        config, file = await self._with_code(), self._file
        described = repr(config).encode() if file is None else await asyncio.to_thread(file.read_bytes)
        if isinstance(code := config.settings.get("code_dir"), LocalCode):
            described += code.manifest.name.encode()
        ledgers = await asyncio.to_thread(ledger_kind)
        address, name = self.config.ledger_address, self.config.name

        async def known_before(session: AsyncSession, files: OutputFiles) -> History:
            return await Gathering(config, session, files, ledgers).known_before()

        return Survey(config, sweep_mark(described), lambda: ledgers.read(address, name, SystemClock()), known_before)


async def _nobody(told: object) -> None:
    """Listen to nothing."""
