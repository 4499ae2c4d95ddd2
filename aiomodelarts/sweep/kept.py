"""What can be done with a sweep's ledger, whether somebody drives the sweep at the moment or not."""

import asyncio
from collections.abc import Collection
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._clock import SystemClock
from ..obs.values import OnProgress
from ..session import AsyncSession
from .description.config import SweepConfig
from .failures import Failure
from .ledger.records import Event
from .report.write import LogOf, write_report
from .result import SweepResult
from .running import OpenedLedger, ledger_kind
from .trial import Trial, TrialState

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.study import Study


class KeptSweep:
    """A sweep as its ledger keeps it.

    Attributes:
        config: the checked settings.
    """

    config: SweepConfig

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
            classes: whose failures; None takes every trial that is over without a value and was not stopped early.

        Raises:
            LedgerError: the sweep was not run yet, or its ledger cannot be used.
        """
        wanted = None if classes is None else {failure.value for failure in classes}

        def again(trial: Trial) -> Trial | None:
            failed = trial.state is not TrialState.PRUNED if wanted is None else trial.failure in wanted
            return self.config.again(trial) if failed else None

        async with await self._read() as ledger:
            return await ledger.retry(again)

    async def _read(self) -> OpenedLedger:
        ledgers = await asyncio.to_thread(ledger_kind)
        return ledgers.read(self.config.ledger_address, self.config.name, SystemClock())


def _exported(config: SweepConfig, record: Any, storage: Any, name: str) -> "Study":
    # Loading Optuna takes a moment.
    from .report.export import Record, export

    return export(config, Record(*record), storage, name)
