"""How far a transfer is: a bar on a terminal, nothing anywhere else."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from ..obs.values import OnProgress, Progress


@contextmanager
def progress_bar() -> Iterator[OnProgress | None]:
    """What a transfer is to call with each step, or None where nobody would see it."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.fields[files]}"),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, expand=True) as bar:
        task = bar.add_task("", total=None, files="")

        def show(at: Progress) -> None:
            files = f"{at.files_done}/{at.files_total}" if at.files_total > 1 else ""
            bar.update(task, completed=at.bytes_done, total=at.bytes_total, files=files)

        yield show
