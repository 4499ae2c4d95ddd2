"""What is wrong with a sweep file, told all at once, with the line and the nearest right name."""

import difflib
from collections.abc import Iterable

from attrs import frozen

from ..errors import SweepError


@frozen
class Problem:
    """One thing to mend: ``line`` counts from 1 and is None when the file has no place for it yet."""

    line: int | None
    key: str
    message: str

    @property
    def told(self) -> str:
        """The key and what is wrong with it."""
        return f"{self.key}: {self.message}" if self.key else self.message


class InvalidSweep(SweepError, ValueError):
    """A sweep cannot be used as it is described; ``problems`` holds all that was found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self._line(problem) for problem in self.problems))

    def _line(self, problem: Problem) -> str:
        return problem.told


class SweepFileError(InvalidSweep):
    """The sweep file cannot be used; ``problems`` holds all that was found, in the order of the lines."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        super().__init__(sorted(problems, key=lambda problem: problem.line or 0))

    def _line(self, problem: Problem) -> str:
        place = self.file if problem.line is None else f"{self.file}:{problem.line}"
        return f"{place}: {problem.told}"


def nearest(given: str, allowed: Iterable[str]) -> str:
    """``did you mean "x"? `` where a name comes close, and the list of what is allowed."""
    names = sorted(allowed)
    by_lower = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(given.lower(), by_lower, n=1, cutoff=0.6)
    begun = [name for name in by_lower if len(given) > 1 and name.startswith(given.lower())]
    found = close or (begun if len(begun) == 1 else [])
    if not names:
        return "Allowed: nothing"
    return (f'did you mean "{by_lower[found[0]]}"? ' if found else "") + "Allowed: " + ", ".join(names)
