"""How the command line prints. Results go to stdout; progress and errors to stderr."""

import errno
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from rich import filesize
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..sweep.space.space import Point, Scalar

_GAP = "   "
_FLUSH_RIGHT = {
    "job_id",
    "version_id",
    "versions",
    "size",
    "trial",
    "value",
    "time",
    "cores",
    "memory",
    "gpus",
    "max_instances",
}


class Output(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # As it comes, the process would end on the spot, from within whatever is told here.
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def writer(*, stderr: bool = False) -> Console:
    """What writes to the standard output, or the standard error; raises BrokenPipeError when nobody reads any more."""
    return _Console(stderr=stderr, highlight=False)


def tell_error(message: str) -> None:
    """Print an error as it is: no wrapping, so that a path or a line number stays in one piece."""
    writer(stderr=True).print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)


def tell(message: str) -> None:
    """Print what is good to know beside the results."""
    writer(stderr=True).print(Text(message), soft_wrap=True)


def tell_more(shown: int, what: str) -> None:
    """Say that a list goes on."""
    tell(f"These are the first {shown} {what}; --limit N shows more, --all shows every one.")


def print_json(value: Any) -> None:
    """Print one JSON value, indented."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=writer().options.ascii_only))


def number(value: float) -> str:
    """A metric in at most six digits that matter."""
    return f"{value:.6g}"


def size(count: int) -> str:
    """A number of bytes as people say it."""
    return filesize.decimal(count)


def scalar(value: Scalar) -> str:
    """A hyperparameter as the script receives it, on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _on_one_line(str(value))


def duration(seconds: float) -> str:
    """A length of time in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def seconds(milliseconds: int | None) -> str:
    """A length of time that the service tells, or nothing."""
    return "" if milliseconds is None else duration(milliseconds / 1000)


def moment(milliseconds: int | None) -> str:
    """A moment that the service tells, by the clock on the wall, or nothing."""
    told = _moment(milliseconds)
    return "" if told is None else f"{told.astimezone():%Y-%m-%d %H:%M:%S}"


def moment_as_text(milliseconds: int | None) -> str | None:
    """A moment that the service tells, for programs."""
    told = _moment(milliseconds)
    return None if told is None else told.isoformat()


def point(values: Point) -> str:
    """A point on one line."""
    return "  ".join(f"{_on_one_line(name)}={scalar(value)}" for name, value in values.items())


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


def print_rows(heads: Sequence[str], rows: Sequence[Sequence[str]], spare: Sequence[str] = ()) -> None:
    """Print a table; where the output is no terminal, no row is broken to fit one.

    Args:
        heads: the columns.
        rows: a text for each column.
        spare: columns that are left out, first to last, where the terminal is too narrow for whole rows.
    """
    if not rows:
        tell("There are none.")
        return
    rows = [[_on_one_line(cell) for cell in row] for row in rows]
    console = writer()
    limited = console.is_terminal or "COLUMNS" in os.environ
    widths = {head: max(map(cell_len, (head, *(row[at] for row in rows)))) for at, head in enumerate(heads)}
    kept = list(heads)
    for head in spare:
        if limited and _whole(kept, widths) > console.width:
            kept.remove(head)
    ats = [at for at, head in enumerate(heads) if head in kept]
    if limited and _whole(kept, widths) > console.width:
        shown = table(*kept)
        for row in rows:
            shown.add_row(*(Text(row[at]) for at in ats))
        console.print(shown)
        return
    # Rows that fit need none of the care that makes tables of thousands of rows slow.
    console.print(Text(_line(kept, kept, widths), style="bold"), soft_wrap=True)
    console.print(("-" if console.options.ascii_only else "\u2500") * _whole(kept, widths), soft_wrap=True)
    typer.echo("\n".join(_line([row[at] for at in ats], kept, widths) for row in rows))


def _on_one_line(cell: str) -> str:
    # A hyperparameter can hold line ends, and whatever else moves a terminal.
    return cell if cell.isprintable() else cell.encode("unicode_escape").decode()


def _whole(heads: Sequence[str], widths: Mapping[str, int]) -> int:
    return sum(widths[head] for head in heads) + len(_GAP) * (len(heads) - 1)


def _line(cells: Sequence[str], heads: Sequence[str], widths: Mapping[str, int]) -> str:
    padded = []
    for cell, head in zip(cells, heads, strict=True):
        blank = " " * (widths[head] - cell_len(cell))
        padded.append(blank + cell if head in _FLUSH_RIGHT else cell + blank)
    return _GAP.join(padded).rstrip()


def _moment(milliseconds: int | None) -> datetime | None:
    try:
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        # One document has a time stamp of eleven digits; what is out of all bounds is not shown.
        return None
