"""How one number is read from a finished version. Pure."""

import json
import math
import re
from collections.abc import Iterable
from enum import Enum

from attrs import frozen


class Goal(Enum):
    """Which of two values is the better one."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    def prefers(self, value: float, other: float) -> bool:
        """Whether ``value`` is truly better than ``other``."""
        return value > other if self is Goal.MAXIMIZE else value < other


class MetricMissing(Exception):
    """There is no usable number; the message says why."""


@frozen
class LogPattern:
    """The last match in the log.

    Args:
        pattern: its group named ``value`` is the number, or else its first group.
    """

    pattern: re.Pattern[str]

    def __attrs_post_init__(self) -> None:
        if not self.pattern.groups:
            raise ValueError("the pattern has no group around the number, as in 'accuracy=([0-9.]+)'")

    def last(self, lines: Iterable[str], before: str | None = None) -> str | None:
        """The text of the last match in these lines, or ``before`` when they hold none."""
        group = "value" if "value" in self.pattern.groupindex else 1
        for line in lines:
            for match in self.pattern.finditer(line):
                before = match[group] if match[group] is not None else before
        return before

    def read(self, text: str | None) -> float:
        """The matched text as a number.

        Raises:
            MetricMissing: nothing matched, or it is no finite number.
        """
        if text is None:
            raise MetricMissing(f"no log line matches {self.pattern.pattern!r}")
        try:
            return _finite(float(text), text)
        except ValueError:
            raise MetricMissing(f"the log says {text!r}, which is no number") from None


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
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise MetricMissing(f"{self.key} in {self.path} is {value!r:.40}, not a number")
        try:
            return _finite(float(value), value)
        except OverflowError:
            raise MetricMissing(f"{self.key} in {self.path} is too large") from None


@frozen
class Objective:
    """What a sweep is after."""

    source: LogPattern | JsonFile
    goal: Goal


def _finite(value: float, shown: object) -> float:
    if not math.isfinite(value):
        raise MetricMissing(f"the metric is {shown}")
    return value
