"""Finds what a pattern looks for in the lines of a log, in bounded time.

A pattern is somebody's text and a log is somebody else's: together they can keep a matcher busy for years. The standard
library's matcher can neither be interrupted nor does it let the event loop go on meanwhile; ``regex`` can, and does.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

_PATIENCE_S = 1.0
_FLAGS = ("IGNORECASE", "MULTILINE", "DOTALL", "VERBOSE", "ASCII")


class PatternTooSlow(Exception):
    """The pattern took too long on one line; the message says on which."""


@frozen
class Match:
    """One match.

    Args:
        text: of the value.
        step: of the training that the value belongs to: what the group ``step`` matched, or else the place of the
            match among all matches, from 1; None where the group did not match a whole number.
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
        self._count = 0

    def find(self, lines: Sequence[str]) -> list[Match]:
        """The matches in the next lines. Works long; in a thread it lets the others go on.

        Raises:
            PatternTooSlow: a line took longer than a pattern may take.
        """
        return [match for line in lines for match in self._in_line(line)]

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
                f"begins {line[:60]!r}; nested or neighbouring repetitions like (a+)+ or .*.* are the usual reason"
            ) from None

    def _step(self, found: Any) -> int | None:
        if not self._has_step:
            return self._count
        try:
            return int(found["step"])
        except (TypeError, ValueError):
            return None


def _value_group(pattern: re.Pattern[str]) -> int:
    step = pattern.groupindex.get("step")
    return pattern.groupindex.get("value", 2 if step == 1 else 1)


def _compiled(pattern: re.Pattern[str]) -> Any:
    # Comes with an extra, like the libraries of the ledger.
    import regex

    flags = 0
    for name in _FLAGS:
        if pattern.flags & getattr(re, name):
            flags |= getattr(regex, name)
    return regex.compile(pattern.pattern, flags)
