"""How the command line prints. Results go to stdout; progress and errors to stderr."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich import filesize
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..sweep.space import Point, Scalar

_FLUSH_RIGHT = {"size", "trial", "value", "time", "cores", "memory", "gpus", "max_instances"}


class Output(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


def tell_error(message: str) -> None:
    """Print an error as it is: no wrapping, so that a path or a line number stays in one piece."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text.assemble(("error: ", "bold red"), message))


def print_json(value: Any) -> None:
    """Print one JSON value, indented."""
    Console(highlight=False, soft_wrap=True, markup=False, color_system=None).print(
        json.dumps(value, indent=2, ensure_ascii=False), emoji=False
    )


def number(value: float) -> str:
    """A metric in at most six digits that matter."""
    return f"{value:.6g}"


def size(count: int) -> str:
    """A number of bytes as people say it."""
    return filesize.decimal(count)


def scalar(value: Scalar) -> str:
    """A hyperparameter as the script receives it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def duration(seconds: float) -> str:
    """A length of time in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def point(values: Point) -> str:
    """A point on one line."""
    return "  ".join(f"{name}={scalar(value)}" for name, value in values.items())


def brief_path(path: Path) -> Path:
    """The path as seen from the current folder, where it lies below that."""
    resolved = path.resolve()
    here = Path.cwd()
    return resolved.relative_to(here) if resolved.is_relative_to(here) else resolved


def table(*heads: str) -> Table:
    """An empty table with these columns; columns of numbers are flush right."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for head in heads:
        right = head in _FLUSH_RIGHT
        made.add_column(Text(head), justify="right" if right else "left", no_wrap=right, overflow="fold")
    return made
