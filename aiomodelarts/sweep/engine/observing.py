"""Follows the logs of running versions, and tells which of them are to be stopped early."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from attrs import frozen

from ...errors import ModelArtsError
from ..matching import Match, Matcher, PatternTooSlow
from ..pruning import Pruning, kept_step
from ..trial import Trial
from ..versions import Version
from .aside import aside

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger
    from .judge import Judge, Verdict

_log = logging.getLogger("aiomodelarts.sweep")
_MOST_LINES = 500


@frozen
class Reported:
    """A value that a running version has told.

    Args:
        step: of the training.
        value: at that step; it may be no finite number.
    """

    step: int
    value: float

    @property
    def shown(self) -> float | None:
        """The value where it is a finite number."""
        return self.value if math.isfinite(self.value) else None


class Observer:
    """Looks at the values that running versions tell.

    Args:
        pruning: by which rule versions are stopped.
        name: of the sweep.
        ledger: keeps the values, and tells those of other controllers.
    """

    def __init__(self, pruning: Pruning, name: str, ledger: "Ledger") -> None:
        self._pruning = pruning
        self._name = name
        self._ledger = ledger
        self._judge: Judge | None = None
        self._mark = 0
        self._over: list[Trial] = []
        self._turn = asyncio.Lock()

    async def condemned(self, trial: Trial, version: Version, tell: Callable[[Reported], None]) -> Reported | None:
        """Return at the value for which the version is to be stopped, or None when its log has ended without one.

        Args:
            trial: is running.
            version: its version.
            tell: is told of every value that is kept.
        """
        try:
            return await self._look(trial, version, tell)
        except PatternTooSlow as error:
            _log.warning("trial %s is not looked at any more while it runs: %s", trial.number, error)
        except ModelArtsError as error:
            # What becomes of the version is found out by whoever awaits it.
            _log.info("the log of trial %s is not followed any more: %s", trial.number, error)
        return None

    def ended(self, trial: Trial) -> None:
        """Take in that a trial is over."""
        self._over.append(trial)

    async def catch_up(self, trials: Iterable[Trial] = ()) -> None:
        """Take in what other controllers, or earlier runs, have written down."""
        async with self._turn:
            self._mark, measures = await self._ledger.measures(self._mark)
            judge = await self._its_judge()
            await aside(judge.learn, measures, list(trials))

    async def _look(self, trial: Trial, version: Version, tell: Callable[[Reported], None]) -> Reported | None:
        matcher = await asyncio.to_thread(Matcher, self._pruning.source.pattern)
        queue: asyncio.Queue[str | None] = asyncio.Queue(_MOST_LINES)
        reading = asyncio.create_task(_read(version, queue), name=f"aiomodelarts log of trial {trial.number}")
        try:
            while lines := await _batch(queue):
                last = await self._judged(trial, await asyncio.to_thread(matcher.find, lines))
                if last is None:
                    continue
                reported = Reported(last.measure.step, last.measure.value)
                tell(reported)
                if last.stop:
                    return reported
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return None

    async def _judged(self, trial: Trial, found: Sequence[Match]) -> "Verdict | None":
        """The last verdict on some values, after which the version is to be stopped or goes on."""
        values = list(_values(found))
        if not values:
            return None
        async with self._turn:
            judge, over = await self._its_judge(), self._over
            self._over = []
            await aside(judge.learn, (), over)
            verdicts = await aside(_verdicts, judge, trial, values)
        if not verdicts:
            return None
        await self._ledger.note([verdict.measure for verdict in verdicts])
        return verdicts[-1]

    async def _its_judge(self) -> "Judge":
        if self._judge is None:
            self._judge = await aside(_new_judge, self._pruning, self._name)
        return self._judge


def _new_judge(pruning: Pruning, name: str) -> "Judge":
    # Loading Optuna takes a moment.
    from .judge import Judge

    return Judge(pruning, name)


def _verdicts(judge: "Judge", trial: Trial, values: Iterable[tuple[int, float]]) -> "list[Verdict]":
    verdicts: list[Verdict] = []
    for step, value in values:
        verdict = judge.verdict(trial.number, trial.attempt, step, value)
        if verdict is not None:
            verdicts.append(verdict)
            if verdict.stop:
                break
    return verdicts


def _values(found: Iterable[Match]) -> Iterator[tuple[int, float]]:
    for match in found:
        # What is no number says nothing here; the objective tells of it in the end.
        with contextlib.suppress(ValueError):
            if match.step is not None:
                yield kept_step(match.step), float(match.text)


async def _read(version: Version, queue: "asyncio.Queue[str | None]") -> None:
    try:
        async with aclosing(version.logs(follow=True)) as lines:
            async for line in lines:
                await queue.put(line)
    except ModelArtsError:
        # Whoever takes the lines meets their end, and then this error.
        await queue.put(None)
        raise
    await queue.put(None)


async def _batch(queue: "asyncio.Queue[str | None]") -> list[str]:
    """The lines that are there, at least one; none at the end of the log."""
    lines: list[str] = []
    line = await queue.get()
    while line is not None:
        lines.append(line)
        if queue.empty() or len(lines) == _MOST_LINES:
            return lines
        line = queue.get_nowait()
    if lines:
        # The end has to be met again.
        queue.put_nowait(None)
    return lines
