"""The sweep that users hold."""

import asyncio
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import SweepError
from ..estimator import AsyncEstimator
from ..session import AsyncSession
from . import config as sweep_file
from .config import SweepConfig
from .engine import Engine, Listener, SweepEvent, Version
from .files import FolderFiles, OutputFiles
from .objective import JsonFile
from .report import SweepResult, write_results
from .trial import Trial

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

    def __init__(self, config: SweepConfig) -> None:
        self.config = config

    @classmethod
    def from_file(cls, path: str | PathLike[str]) -> "Sweep":
        """Return the sweep that a TOML file describes.

        Raises:
            SweepFileError: everything that is wrong with it, with file, line and key.
            OSError: the file cannot be read.
        """
        return cls(sweep_file.load(Path(path)))

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

    async def run(
        self,
        session: AsyncSession,
        *,
        files: OutputFiles | None = None,
        listener: Listener | None = None,
    ) -> SweepResult:
        """Make one job with a version for every point, await them, and return what they reached.

        The results are written to the sweep's ``results_dir`` too, also when the run is cancelled. Versions that
        run at that moment go on.

        Args:
            session: an open session.
            files: reads the outputs of versions; needed where the objective is a ``json_file``.
            listener: an async function that is told of every step.

        Raises:
            SweepError: the objective is a ``json_file`` and there are no ``files``.
            ModelArtsError: the job could not be made.
            ResultsNotWritten: all trials are over, but the disk did not take the results; they are in the error.
            OSError: the folder for the results cannot be made; nothing was sent.
        """
        if isinstance(self.config.objective.source, JsonFile) and files is None:
            raise SweepError(
                "json_file is read from the bucket, and this session's buckets are not on this machine; "
                "use log_pattern, or pass files= in Python"
            )
        # A folder that cannot be written is told now, not when hours of training are over.
        await asyncio.to_thread(self.config.results_dir.mkdir, parents=True, exist_ok=True)
        versions = EstimatorVersions(self.config, session)
        engine = Engine(self.config, versions, files, listener or _nobody, session.seams.clock)
        try:
            await engine.run()
        except BaseException as error:
            if engine.result.trials:
                try:
                    await asyncio.to_thread(write_results, engine.result, self.config.results_dir)
                except OSError as failure:
                    error.add_note(f"the results so far could not be written: {failure}")
            raise
        try:
            await asyncio.to_thread(write_results, engine.result, self.config.results_dir)
        except OSError as failure:
            raise ResultsNotWritten(engine.result, failure) from failure
        return engine.result


class EstimatorVersions:
    """Makes versions with one estimator: every run says its own hyperparameters and output path."""

    def __init__(self, config: SweepConfig, session: AsyncSession) -> None:
        self._config = config
        self._estimator = AsyncEstimator(session, **config.settings)
        # Names of jobs are taken for good, and two sweeps may begin in the same second.
        moment, mark = datetime.fromtimestamp(session.seams.clock.now(), UTC), session.seams.rng.getrandbits(16)
        self._job_name = config.job_name or f"{config.name}-{moment:%Y%m%d-%H%M%S}-{mark:04x}"

    async def first(self, trial: Trial) -> Version:
        return await self._estimator.fit(job_name=self._job_name, **self._config.inputs, **self._own(trial))

    async def next(self, trial: Trial, first: Version) -> Version:
        return await self._estimator.create_job_version(
            first.job_id, first.version_id, **self._config.inputs, **self._own(trial)
        )

    def _own(self, trial: Trial) -> dict[str, Any]:
        fixed = self._config.settings["hyperparameters"]
        return {"hyperparameters": fixed | trial.point, "output_path": trial.output_path}


async def _nobody(event: SweepEvent) -> None:
    """Listen to nothing."""
