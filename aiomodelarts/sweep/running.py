"""One controller's run of a sweep, from the ledger that is opened to the results that are written."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from inspect import isawaitable
from typing import TYPE_CHECKING

from attrs import define, field

from ..errors import SweepError
from ..session import AsyncSession
from .description.config import SweepConfig
from .description.definition import settings_of
from .engine.brake import Brake
from .engine.engine import Engine, Listener, SweepEvent
from .feed import Feed
from .files import ObsFiles, OutputFiles
from .ledger.records import Definition
from .notebook import LiveTable
from .planning.gathering import Gathering
from .planning.neighbours import PlaceTaken, check_alone
from .result import SweepResult, write_results
from .trial import Trial
from .versions import EstimatorVersions

if TYPE_CHECKING:
    from .ledger.ledger import Ledger

Told = Callable[[Trial], Awaitable[None] | None]


class ResultsNotWritten(SweepError):
    """A finished sweep whose result files could not be written; ``result`` holds what they would."""

    def __init__(self, result: SweepResult, reason: OSError) -> None:
        super().__init__(f"the results could not be written: {reason}")
        self.result = result


@define
class Run:
    """One run, as those see it who read its trials or end it.

    Args:
        brake: ends it.
        feed: its trials.
        table: follows it in a notebook.
    """

    brake: Brake
    feed: Feed = field(factory=Feed)
    table: LiveTable | None = None

    def close(self) -> None:
        """It is over."""
        self.feed.close()
        if self.table is not None:
            self.table.close()

    def told(
        self, listener: Listener | None, callbacks: Iterable[Callable[[Trial], Awaitable[None] | None]]
    ) -> Listener:
        """What the engine tells, passed on to all who want to hear it."""
        called = tuple(callbacks)

        async def tell(event: SweepEvent) -> None:
            over = event.trial is not None and event.trial.state.is_final
            if event.trial is not None and over:
                self.feed.add(event.trial)
            if self.table is not None:
                await self.table.listen(event)
            if listener is not None:
                await listener(event)
            for callback in called if over else ():
                assert event.trial is not None
                answer = callback(event.trial)
                if isawaitable(answer):
                    await answer

        return tell


async def check_outputs(config: SweepConfig, session: AsyncSession, files: OutputFiles | None) -> OutputFiles:
    """What reads the outputs of versions.

    Whether the bucket can be read at all is told now, not when the first training is over.

    Raises:
        ObsError, ConfigurationError: it cannot.
    """
    if files is not None:
        return files
    files = ObsFiles(session.obs)
    for path in config.objective_files(1):
        await files.stamp(path)
    return files


async def carry_out(
    config: SweepConfig,
    session: AsyncSession,
    files: OutputFiles,
    listener: Listener,
    brake: Brake,
    *,
    allow_change: bool,
    fresh: bool,
) -> SweepResult:
    """What the sweep has found when it has ended; the arguments are those of ``Sweep.run``.

    Args:
        config: the sweep, with its code read.
        session: makes versions.
        files: reads what they write.
        listener: is told of every step.
        brake: ends the run before its time.
        allow_change: go on although the settings are not those of earlier runs.
        fresh: begin anew.
    """
    # A folder that cannot be written is told now, not when hours of training are over.
    await asyncio.to_thread(config.results_dir.mkdir, parents=True, exist_ok=True)
    ledgers = await asyncio.to_thread(ledger_kind)
    clock = session.seams.clock
    known_before = None
    if config.warm_start is not None:
        known_before = await Gathering(config, session, files, ledgers).known_before(fresh=fresh)
    definition = Definition(config.name, settings_of(config))
    opened = ledgers.open(config.ledger_address, definition, clock, allow_change=allow_change, fresh=fresh)
    async with opened as ledger:
        if known_before is not None:
            await ledger.take_in(known_before)
        if not ledger.sweep.reserved:
            try:
                await check_alone(config, session)
            except PlaceTaken:
                # Another controller on this ledger may have begun meanwhile.
                if not (await ledger.refresh()).reserved:
                    raise
        versions = EstimatorVersions(config, session, job_name(config, session))
        await versions.prepare(first=not ledger.sweep.reserved)
        engine = Engine(config, versions, files, listener, clock, ledger, brake=brake, rng=session.seams.rng)
        await _run(engine, config)
    try:
        await asyncio.to_thread(write_results, engine.result, config.results_dir)
    except OSError as failure:
        raise ResultsNotWritten(engine.result, failure) from failure
    return engine.result


async def _run(engine: Engine, config: SweepConfig) -> None:
    try:
        await engine.run()
    except BaseException as error:
        if engine.result.trials:
            try:
                await asyncio.to_thread(write_results, engine.result, config.results_dir)
            except OSError as failure:
                error.add_note(f"the results so far could not be written: {failure}")
        raise


def job_name(config: SweepConfig, session: AsyncSession) -> str:
    """The name of a new job: names are taken for good, and two sweeps may begin in the same second."""
    moment, mark = datetime.fromtimestamp(session.seams.clock.now(), UTC), session.seams.rng.getrandbits(16)
    return config.job_name or f"{config.name}-{moment:%Y%m%d-%H%M%S}-{mark:04x}"


def ledger_kind() -> "type[Ledger]":
    """The ledger, whose libraries come with an extra, and take a moment to load."""
    try:
        from .ledger.ledger import Ledger
    except ModuleNotFoundError as error:
        raise SweepError(f"{error.name} is not installed; run: pip install 'aiomodelarts[sweep]'") from error
    return Ledger


OpenedLedger = AbstractAsyncContextManager["Ledger"]
