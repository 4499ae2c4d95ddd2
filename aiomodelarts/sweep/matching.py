"""Finds what a pattern looks for in the lines of a log, in bounded time.

A pattern is somebody's text and a log is somebody else's: together they can keep a matcher busy for years. The standard
library's matcher can neither be interrupted nor does it let the event loop go on meanwhile; ``regex`` can, and does.
"""

import re
from collections.abc import Iterator, Sequence
from time import thread_time
from typing import Any

from attrs import frozen

_PATIENCE_S = 1.0
# Beyond what it has in reserve, a pattern may take so long for a line of a log and for each of its characters.
_RESERVE_S, _LINE_S, _CHARACTER_S = 5.0, 2e-5, 1e-6
# To look at a clock is dearer than to look at a line.
_LINES_AT_A_TIME = 5
# Nobody trains for more steps, and no database takes numbers of any size.
_MOST_STEPS = 10**15
_USUALLY = "nested or neighbouring repetitions like (a+)+ or .*.* are the usual reason"
_FLAGS = ("IGNORECASE", "MULTILINE", "DOTALL", "VERBOSE", "ASCII")


class PatternTooSlow(Exception):
    """The pattern took too long, on one line or on all together; the message says on which."""


@frozen
class Match:
    """One match.

    Args:
        text: of the value.
        step: of the training that the value belongs to: what the group ``step`` matched, or else the place of the
            match among all matches, from 1; None where the group did not match a whole number of bearable size.
    """

    text: str
    step: int | None


class Matcher:
    """Goes through the lines of one log in their order.

    Args:
        pattern: its group named ``value`` is the value, or else the first one that is not named ``step``.
        patience_s: how long one line may take.
    """

    def __init__(self, pattern: re.Pattern[str], patience_s: float = _PATIENCE_S) -> None:
        self._pattern = _compiled(pattern)
        self._group = _value_group(pattern)
        self._has_step = "step" in pattern.groupindex
        self._patience_s = patience_s
        self._count = self._lines = 0
        self._left_s = _RESERVE_S

    def find(self, lines: Sequence[str]) -> list[Match]:
        """The matches in the next lines. Works long; in a thread it lets the others go on.

        Raises:
            PatternTooSlow: a line took longer than a pattern may take, or all lines so far did.
        """
        found: list[Match] = []
        for first in range(0, len(lines), _LINES_AT_A_TIME):
            some = lines[first : first + _LINES_AT_A_TIME]
            began = thread_time()
            for line in some:
                found += self._in_line(line)
            self._spend(thread_time() - began, some)
        return found

    def _spend(self, took_s: float, lines: Sequence[str]) -> None:
        self._lines += len(lines)
        allowed_s = _LINE_S * len(lines) + _CHARACTER_S * sum(map(len, lines))
        self._left_s = min(_RESERVE_S, self._left_s + allowed_s - took_s)
        if self._left_s < 0:
            raise PatternTooSlow(f"the pattern takes too long for the first {self._lines} lines of the log; {_USUALLY}")

    def _in_line(self, line: str) -> Iterator[Match]:
        try:
            for found in self._pattern.finditer(str(line), concurrent=True, timeout=self._patience_s):
                text = found[self._group]
                if text is not None:
                    self._count += 1
                    yield Match(text, self._step(found))
        except TimeoutError:
            raise PatternTooSlow(
                f"the pattern takes longer than {self._patience_s:g} s on a log line of {len(line)} characters, which "
                f"begins {line[:60]!r}; {_USUALLY}"
            ) from None

    def _step(self, found: Any) -> int | None:
        if not self._has_step:
            return self._count
        try:
            step = int(found["step"])
        except (TypeError, ValueError):
            return None
        return step if abs(step) <= _MOST_STEPS else None


def _value_group(pattern: re.Pattern[str]) -> int:
    step = pattern.groupindex.get("step")
    return pattern.groupindex.get("value", 2 if step == 1 else 1)


def prepare(pattern: re.Pattern[str]) -> None:
    """Do now what takes long with some patterns, so that it need not be done while a sweep runs.

    Raises:
        ValueError: the matcher does not take the pattern.
    """
    try:
        import regex
    except ModuleNotFoundError:
        # Whoever opens the ledger is told what to install.
        return
    try:
        _compiled(pattern)
    except (regex.error, RecursionError) as error:
        raise ValueError(f"cannot be matched in bounded time: {error}") from None


def _compiled(pattern: re.Pattern[str]) -> Any:
    # Comes with an extra, like the libraries of the ledger.
    import regex

    flags = 0
    for name in _FLAGS:
        if pattern.flags & getattr(re, name):
            flags |= getattr(regex, name)
    return regex.compile(pattern.pattern, flags)
