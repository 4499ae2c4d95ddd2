"""Tries the patterns of a sweep on a sample of a log, as they would be tried on the log of a version."""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from attrs import frozen

from ..description.config import SweepConfig
from ..matching import Match, Matcher, PatternTooSlow
from ..objective import Goal, LogPattern, MetricMissing, Reading
from ..pruning import kept_step

_SHOWN = 3
_LINES_AT_A_TIME = 500


@frozen
class Tried:
    """What a pattern finds in a log.

    Args:
        key: its place in the sweep file.
        pattern: as it stands there.
        lines: how many lines the log has.
        count: of the matches.
        first: of the matches.
        last: of the matches, those that are among the first not again.
        value: the number that counts; None for a pattern that is looked at while versions run.
        problem: why there is none.
        steps: how many different steps early stopping sees; None for an objective.
    """

    key: str
    pattern: str
    lines: int
    count: int
    first: tuple[Match, ...]
    last: tuple[Match, ...]
    value: float | None = None
    problem: str | None = None
    steps: int | None = None


def try_patterns(config: SweepConfig, log: Path) -> tuple[list[Tried], list[str]]:
    """What the sweep's patterns find in a log, and the places of objectives that come from elsewhere. Blocks.

    Raises:
        OSError: the log cannot be read.
    """
    found: list[Tried] = []
    elsewhere: list[str] = []
    for name, objective in config.objectives.items():
        key = f"[objective.{name}]" if name else "[objective]"
        if isinstance(objective.source, LogPattern):
            found.append(_tried(f"{key} log_pattern", objective.source, objective.goal, log))
        else:
            elsewhere.append(key)
    if config.pruning is not None:
        found.append(_looked_at(config.pruning.source, config.pruning.goal, log))
    return found, elsewhere


def _tried(key: str, source: LogPattern, goal: Goal, log: Path) -> Tried:
    matches = _Matches(source, goal)
    try:
        matches.go_through(log)
        return matches.told(key, value=matches.reading.value())
    except (MetricMissing, PatternTooSlow) as error:
        return matches.told(key, problem=str(error))


def _looked_at(source: LogPattern, goal: Goal, log: Path) -> Tried:
    matches = _Matches(source, goal)
    try:
        matches.go_through(log)
    except PatternTooSlow as error:
        return matches.told("[pruning] log_pattern", problem=str(error))
    nothing = None if matches.steps else f"no log line matches {source.pattern.pattern!r}"
    return matches.told("[pruning] log_pattern", problem=nothing, steps=len(matches.steps))


class _Matches:
    """The matches of one pattern, of which a few are kept."""

    def __init__(self, source: LogPattern, goal: Goal) -> None:
        self.reading = Reading(source, goal)
        self.steps: set[int] = set()
        self._source = source
        self._lines = self._count = 0
        self._first: list[Match] = []
        self._last: deque[Match] = deque(maxlen=_SHOWN)

    def go_through(self, log: Path) -> None:
        matcher = Matcher(self._source.pattern)
        # As the lines of a version's log are: a carriage return ends none.
        with log.open(encoding="utf-8", errors="replace", newline="\n") as file:
            lines = (line.removesuffix("\n") for line in file)
            while some := list(islice(lines, _LINES_AT_A_TIME)):
                self._lines += len(some)
                self._take(matcher.find(some))

    def told(self, key: str, **result: float | str | None) -> Tried:
        again = max(0, len(self._first) + len(self._last) - self._count)
        last = list(self._last)[again:]
        matches = (self._lines, self._count, tuple(self._first), tuple(last))
        return Tried(key, self._source.pattern.pattern, *matches, **result)  # type: ignore[arg-type]

    def _take(self, matches: Iterable[Match]) -> None:
        for match in matches:
            self._count += 1
            self._last.append(match)
            if len(self._first) < _SHOWN:
                self._first.append(match)
            if match.step is not None:
                self.steps.add(kept_step(match.step))
            self.reading.take([match])
