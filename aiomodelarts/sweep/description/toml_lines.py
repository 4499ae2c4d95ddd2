"""TOML as the standard library reads it, and the line on which each key stands, which it does not tell."""

import re
import tomllib
from typing import Any

from attrs import frozen

KeyPath = tuple[str, ...]

_POSITION = re.compile(r"(?s)^(?P<what>.*?) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
# A statement of several lines is an array or a text in triple quotes: only a line with one of these ends it.
_CAN_END_A_STATEMENT = ("]", '"""', "'''")


class TomlSyntaxError(ValueError):
    """The text is not TOML; ``line`` counts from 1 and is None where the parser does not tell."""

    def __init__(self, what: str, line: int | None) -> None:
        super().__init__(what)
        self.line = line


@frozen
class TomlDocument:
    """The decoded tables, and the line of every key path in them."""

    data: dict[str, Any]
    lines: dict[KeyPath, int]

    def line_of(self, path: KeyPath) -> int | None:
        """The line of the key, or of the nearest table around it, or None when there is not even that."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None

    def label_of(self, path: KeyPath) -> str:
        """The key as the file has it."""
        return f"[{path[0]}] {'.'.join(path[1:])}".rstrip() if path else ""


def parse_toml(text: str) -> TomlDocument:
    """Return the decoded text with the line of every key.

    Raises:
        TomlSyntaxError: the text is not TOML.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.match(str(error))
        what, line = (found["what"], found["line"]) if found else (str(error), None)
        raise TomlSyntaxError(what, int(line) if line else text.rstrip("\n").count("\n") + 1) from None
    except RecursionError:
        raise TomlSyntaxError("Nested too deeply", None) from None
    except ValueError as error:
        # Python turns no text of thousands of digits into a number.
        raise TomlSyntaxError(str(error), None) from None
    return TomlDocument(data, _key_lines(text))


def _key_lines(text: str) -> dict[KeyPath, int]:
    """Cut a valid document into statements by letting the standard library decode each alone."""
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    statement: list[str] = []
    start = 1
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if not statement:
            start = number
        elif not any(mark in line for mark in _CAN_END_A_STATEMENT):
            statement.append(line)
            continue
        statement.append(line)
        try:
            decoded = tomllib.loads("\n".join(statement))
        except tomllib.TOMLDecodeError:
            continue
        if statement[0].lstrip().startswith("["):
            table = _header(decoded)
            lines.setdefault(table, start)
        else:
            for path in _paths(decoded):
                lines.setdefault(table + path, start)
        statement = []
    return lines


def _header(decoded: dict[str, Any]) -> KeyPath:
    path: list[str] = []
    inner: Any = decoded
    while inner:
        if isinstance(inner, list):
            inner = inner[0]
            continue
        key, inner = next(iter(inner.items()))
        path.append(key)
    return tuple(path)


def _paths(decoded: dict[str, Any], above: KeyPath = ()) -> list[KeyPath]:
    found: list[KeyPath] = []
    for key, value in decoded.items():
        found.append((*above, key))
        if isinstance(value, dict):
            found += _paths(value, (*above, key))
    return found
