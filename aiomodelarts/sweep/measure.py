"""Reads the objective of a version that has ended."""

import asyncio

from .files import OutputFiles
from .objective import JsonFile, LogPattern, MetricMissing, Objective
from .trial import Trial
from .versions import Version

_LINES_AT_A_TIME = 500


class Meter:
    """Reads one number from each version.

    Args:
        objective: what is read.
        files: reads what versions wrote; None where the objective comes from the log.
    """

    def __init__(self, objective: Objective, files: OutputFiles | None) -> None:
        self._source = objective.source
        self._files = files

    async def stamp(self, trial: Trial) -> str | None:
        """The stamp of a metric file that an earlier sweep has left in the trial's place, or None."""
        if self._files is not None and isinstance(self._source, JsonFile):
            return await self._files.stamp(trial.output_path + self._source.path)
        return None

    async def read(self, trial: Trial, version: Version, stamp: str | None) -> float:
        """The objective.

        Args:
            trial: whose version it is.
            version: has ended.
            stamp: of a file that is not this version's.

        Raises:
            MetricMissing: there is no usable number.
        """
        if isinstance(self._source, LogPattern):
            return self._source.read(await self._last_match(self._source, version))
        assert self._files is not None
        path = trial.output_path + self._source.path
        if stamp is not None and await self._files.stamp(path) == stamp:
            raise MetricMissing(f"{self._source.path} was left by an earlier sweep and not written again")
        return self._source.read(await self._files.read(path))

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
