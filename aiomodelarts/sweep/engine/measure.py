"""Reads the objective of a version that has ended."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import TypeVar

from ..files import OutputFiles
from ..matching import Matcher, PatternTooSlow
from ..objective import Goal, JsonFile, LogPattern, MetricMissing, Objective, PlatformMetric, Reading
from ..trial import Trial
from ..versions import Version

T = TypeVar("T")

_LINES_AT_A_TIME = 500


class Meter:
    """Reads one number from each version.

    Args:
        objective: what is read.
        files: reads what versions wrote; None where the objective is not in a file.
    """

    def __init__(self, objective: Objective, files: OutputFiles | None) -> None:
        self._source = objective.source
        self._goal = objective.goal
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
            return await value_in(version.logs(), self._source, self._goal)
        if isinstance(self._source, PlatformMetric):
            return self._source.read(getattr(await version.refresh(), "model_metric_list", None))
        assert self._files is not None
        path = trial.output_path + self._source.path
        if stamp is not None and await self._files.stamp(path) == stamp:
            raise MetricMissing(f"{self._source.path} was left by an earlier sweep and not written again")
        # It holds what the script has put into it, and may be large.
        return await asyncio.to_thread(self._source.read, await self._files.read(path))


async def value_in(lines: AsyncIterable[str], source: LogPattern, goal: Goal) -> float:
    """The number that a pattern finds in a log.

    Raises:
        MetricMissing: it finds no usable one, or takes too long.
    """
    reading, matcher = Reading(source, goal), await asyncio.to_thread(Matcher, source.pattern)
    async for some in _some_at_a_time(lines):
        try:
            reading.take(await asyncio.to_thread(matcher.find, some))
        except PatternTooSlow as error:
            raise MetricMissing(str(error)) from None
    return reading.value()


async def _some_at_a_time(items: AsyncIterable[T]) -> AsyncIterator[list[T]]:
    some: list[T] = []
    async for item in items:
        some.append(item)
        if len(some) == _LINES_AT_A_TIME:
            yield some
            some = []
    if some:
        yield some
