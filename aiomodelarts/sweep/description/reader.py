"""A cursor on one table of a sweep's description: typed reads that note a problem and go on."""

from collections.abc import Collection, Mapping
from datetime import date, time
from typing import Any, Protocol

from ..problems import Problem, nearest
from .toml_lines import KeyPath

_KINDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}

_MOST, _MOST_WHOLE = 1e300, 2**63 - 1


class Document(Protocol):
    """Where a sweep is described: tables of values, and how to name a place in them."""

    @property
    def data(self) -> Mapping[str, Any]: ...

    def line_of(self, path: KeyPath) -> int | None:
        """The line of the key, where there are lines."""
        ...

    def label_of(self, path: KeyPath) -> str:
        """The key as whoever wrote it would find it."""
        ...


def kind_of(value: object) -> str:
    """What a value is, in words."""
    if isinstance(value, date | time):
        return "a date or time"
    return _KINDS.get(type(value), f"of type {type(value).__name__}")


def shown(value: object) -> str:
    """A value as the file would write it, cut where it is long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        text = f'"{value}"' if isinstance(value, str) else str(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


class TableReader:
    """Reads one table of the document; what is wrong goes to ``problems``, shared by the tables of a file."""

    def __init__(self, document: Document, path: KeyPath, problems: list[Problem]) -> None:
        self._document = document
        self._path = path
        self._problems = problems
        values: Any = document.data
        for part in path:
            values = values.get(part, {}) if isinstance(values, dict) else {}
        self.values: Mapping[str, Any] = values if isinstance(values, dict) else {}

    @property
    def file_is_good(self) -> bool:
        """Whether nothing was found wrong so far, in any table of the file."""
        return not self._problems

    def inside(self, key: str) -> "TableReader":
        """Reads the table under the key."""
        return TableReader(self._document, (*self._path, key), self._problems)

    def problem(self, message: str, *inner: str) -> None:
        """Note what is wrong with this table, or with a key below it."""
        path = (*self._path, *inner)
        self._problems.append(Problem(self._document.line_of(path), self._document.label_of(path), message))

    def only(self, allowed: Collection[str]) -> None:
        """Note every key that is not allowed here."""
        for key in self.values:
            if key not in allowed:
                self.problem(f"unknown key; {nearest(key, allowed)}", key)

    def text(self, key: str, *, required: bool = False) -> str | None:
        """The text under the key, or None."""
        value = self._value(key, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self._wrong(key, value, "text in quotes")
            return None
        if not value.strip():
            self.problem("is empty", key)
            return None
        return value

    def integer(self, key: str, *, low: int, required: bool = False) -> int | None:
        """The whole number under the key, or None."""
        value = self._value(key, required)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong(key, value, f"a whole number of at least {low}")
            return None
        if not low <= value <= _MOST_WHOLE:
            most = " and at most 2^63 - 1" if value > low else ""
            self.problem(f"is {shown(value)}, and has to be at least {low}{most}", key)
            return None
        return value

    def number(self, key: str, *, low: float | None = None, high: float = _MOST) -> float | None:
        """The number under the key, or None."""
        value = self._value(key, required=False)
        wanted = "a number" if low is None else f"a number of at least {low:g}"
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            self._wrong(key, value, wanted)
            return None
        if not -high <= value <= high or (low is not None and value < low):
            most = f" and at most {high:g}" if value > high else ""
            self.problem(f"is {shown(value)}, and has to be {wanted}{most}", key)
            return None
        return float(value)

    def above_zero(self, key: str, *, high: float = _MOST) -> float | None:
        """The number above zero under the key, or None."""
        value = self.number(key, high=high)
        if value is not None and value <= 0:
            self.problem(f"is {value:g}, and has to be above 0", key)
            return None
        return value

    def one_of(self, key: str, allowed: Collection[str], *, required: bool = False) -> str | None:
        """The text under the key if it is one of these, or None."""
        value = self.text(key, required=required)
        if value is not None and value not in allowed:
            self.problem(f"is {shown(value)}; {nearest(value, allowed)}", key)
            return None
        return value

    def _value(self, key: str, required: bool) -> Any:
        if required and key not in self.values:
            self.problem(f"{key} is missing")
        return self.values.get(key)

    def _wrong(self, key: str, value: object, wanted: str) -> None:
        self.problem(f"is {kind_of(value)}, {shown(value)}, and has to be {wanted}", key)
