"""How far a transfer is: a bar on a terminal, nothing anywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bar
from rich.table import Column

from ..obs.values import OnProgress, Progress
from .render import writer

# A size, a rate and a time take 35 columns at most, and a bar says something from 25 more.
_NARROW, _WIDE = 36, 64


@contextmanager
def progress_bar() -> Iterator[OnProgress | None]:
    """What a transfer is to call with each step, or None where nobody would see it."""
    console = writer(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Bar(*_columns(console.width), console=console, transient=True, expand=True) as bar:
        task = bar.add_task("", total=None, files="")

        def show(at: Progress) -> None:
            files = f"{at.files_done}/{at.files_total}" if at.files_total > 1 else ""
            bar.update(task, completed=at.bytes_done, total=at.bytes_total, files=files)

        yield show


def _columns(width: int) -> list[ProgressColumn]:
    """What there is room for in one line."""
    if width < _NARROW:
        return [TaskProgressColumn(table_column=Column(no_wrap=True))]
    rest: list[ProgressColumn] = [
        DownloadColumn(table_column=Column(no_wrap=True)),
        TransferSpeedColumn(table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
    ]
    if width < _WIDE:
        return rest
    return [TextColumn("{task.fields[files]}", table_column=Column(no_wrap=True)), BarColumn(bar_width=None), *rest]


def shared(tell: OnProgress | None, count: int) -> list[OnProgress | None]:
    """What each of several transfers is to call, so that ``tell`` hears of them as of one."""
    if tell is None or count == 1:
        return [tell] * count
    at = [Progress(0, 0, 0, 1)] * count

    def share(number: int) -> OnProgress:
        def show(now: Progress) -> None:
            at[number] = now
            tell(
                Progress(
                    sum(one.bytes_done for one in at),
                    sum(one.bytes_total for one in at),
                    sum(one.files_done for one in at),
                    sum(one.files_total for one in at),
                )
            )

        return show

    return [share(number) for number in range(count)]
