"""How one number is read from a finished version. Pure."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from attrs import define, frozen

from .matching import Match


class Goal(Enum):
    """Which of two values is the better one."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    def prefers(self, value: float, other: float) -> bool:
        """Whether ``value`` is truly better than ``other``."""
        return value > other if self is Goal.MAXIMIZE else value < other


class Take(Enum):
    """Which of the values in a log counts."""

    LAST = "last"
    BEST = "best"
    STEP = "step"


class MetricMissing(Exception):
    """There is no usable number; the message says why."""


@frozen
class LogPattern:
    """A number in the log.

    Args:
        pattern: its group named ``value`` is the number, or else the first one that is not named ``step``. That one is
            the step of the training; without it, steps are counted from 1.
        take: which of several matches counts.
        step: with ``Take.STEP``, the step whose value counts.
    """

    pattern: re.Pattern[str]
    take: Take = Take.LAST
    step: int | None = None

    def __attrs_post_init__(self) -> None:
        if not self.pattern.groups:
            raise ValueError("the pattern has no group around the number, as in 'accuracy=([0-9.]+)'")
        if set(self.pattern.groupindex) == {"step"} and self.pattern.groups == 1:
            raise ValueError("the pattern has a group for the step, and none around the number")


@define
class Reading:
    """What the matches of one log come to.

    Args:
        source: the pattern, and which of its matches counts.
        goal: which value is better.
    """

    source: LogPattern
    goal: Goal
    _text: str | None = None
    _best: float | None = None
    _last_step: int | None = None

    def take(self, matches: Iterable[Match]) -> None:
        """Take in the next matches."""
        for match in matches:
            self._last_step = match.step if match.step is not None else self._last_step
            if self.source.take is not Take.STEP or match.step == self.source.step:
                self._text = match.text
            if self.source.take is Take.BEST:
                self._improve(match.text)

    def value(self) -> float:
        """The number that counts.

        Raises:
            MetricMissing: nothing matched, or it is no finite number.
        """
        if self._best is not None:
            return self._best
        if self._text is not None:
            return number_of(self._text)
        if self._last_step is not None:
            wanted, last = self.source.step, self._last_step
            raise MetricMissing(f"the log tells no value at step {wanted}; the last one is at step {last}")
        raise MetricMissing(f"no log line matches {self.source.pattern.pattern!r}")

    def _improve(self, text: str) -> None:
        try:
            value = number_of(text)
        except MetricMissing:
            return
        if self._best is None or self.goal.prefers(value, self._best):
            self._best = value


@frozen
class JsonFile:
    """A number in a JSON file among the version's outputs.

    Args:
        path: relative to the version's output folder.
        key: names joined by dots; a number picks from a list.
    """

    path: str
    key: str

    def read(self, content: bytes | None) -> float:
        """The number under the key.

        Raises:
            MetricMissing: there is no such file, it is no JSON, or the key does not lead to a finite number.
        """
        if content is None:
            raise MetricMissing(f"the training left no {self.path}")
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            raise MetricMissing(f"{self.path} is not JSON") from None
        for part in self.key.split("."):
            if isinstance(value, dict) and part in value:
                value = value[part]
            elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            else:
                raise MetricMissing(f"{self.path} has no {self.key}")
        return _number(value, f"{self.key} in {self.path}")


@frozen
class PlatformMetric:
    """A number in the metric list that the platform keeps of a version.

    Args:
        name: of the metric, for instance ``f1_score``.
    """

    name: str

    def read(self, metrics: object) -> float:
        """The number of this name: that of the whole, or else that of the only class that tells one.

        Raises:
            MetricMissing: there is no such metric, several classes tell it, or it is no finite number.
        """
        told = [values for values in _metric_values(metrics) if self.name in values]
        if not told:
            names = sorted({name for values in _metric_values(metrics) for name in values})
            has = "it lists " + ", ".join(names) if names else "it lists none"
            raise MetricMissing(f"the platform's metric list has no {self.name}; {has}")
        if len(told) > 1:
            raise MetricMissing(f"the platform tells {self.name} for {len(told)} classes, and none for the whole")
        value = told[0][self.name]
        if isinstance(value, str):
            return number_of(value, f"the metric {self.name}")
        return _number(value, f"the metric {self.name}")


@frozen
class Objective:
    """What a sweep is after."""

    source: LogPattern | JsonFile | PlatformMetric
    goal: Goal


def number_of(text: str, where: str = "the log") -> float:
    """A text as a finite number.

    Args:
        text: the text.
        where: it was read, in words.

    Raises:
        MetricMissing: it is none.
    """
    try:
        return _finite(float(text), text)
    except ValueError:
        raise MetricMissing(f"{where} says {text!r:.40}, which is no number") from None


def _metric_values(metrics: object) -> list[Mapping[str, Any]]:
    """The tables of values in a metric list, whatever form it has; that of the whole alone where there is one."""
    if not isinstance(metrics, Mapping):
        return []
    whole = _table(_table(metrics.get("total_metric")).get("total_metric_values"))
    if whole:
        return [whole]
    listed = metrics.get("metric")
    each = [_table(_table(one).get("metric_values")) for one in listed] if isinstance(listed, list) else []
    return [values for values in each if values]


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MetricMissing(f"{what} is {value!r:.40}, not a number")
    try:
        return _finite(float(value), value)
    except OverflowError:
        raise MetricMissing(f"{what} is too large") from None


def _finite(value: float, shown: object) -> float:
    if not math.isfinite(value):
        raise MetricMissing(f"the metric is {shown!s:.40}")
    return value
