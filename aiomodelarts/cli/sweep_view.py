"""What the command line shows of a sweep: how it gets on, and what it found."""

from collections.abc import Sequence
from typing import Protocol, Self

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from ..sweep.engine.engine import Resumed, SweepEvent
from ..sweep.result import SweepResult
from ..sweep.trial import Progress as SweepProgress
from ..sweep.trial import Trial, TrialState
from .render import duration, number, point, scalar, table

_ROWS = 10
_BAR_FROM_WIDTH = 90
_TIME_FROM_WIDTH = 70
# As in "1:00:00 left", with the gap before it.
_TIME_WIDTH = 13
# What is waited for takes a line of its own in less room than that.
_BEST_FROM_ROOM = 50


class Tally:
    """What a sweep has told so far: the trials that go on, and how far it is."""

    def __init__(self) -> None:
        self.going: dict[int, Trial] = {}
        self.progress: SweepProgress | None = None

    @property
    def before(self) -> int:
        """Trials that were over before this run."""
        return self.progress.before if self.progress else 0

    @property
    def elapsed_s(self) -> float:
        """Seconds from the sweep's start to its last step."""
        return self.progress.elapsed_s if self.progress else 0.0

    def running(self) -> int | None:
        """How many versions may be running; None before the sweep has begun."""
        if self.progress is None:
            return None
        return sum(trial.state is not TrialState.RESERVED for trial in self.going.values())

    def take(self, event: SweepEvent) -> None:
        """Take one step in."""
        self.progress = event.progress
        if event.trial is None:
            return
        if event.trial.state.is_final:
            self.going.pop(event.trial.number, None)
        else:
            self.going[event.trial.number] = event.trial


class SweepView(Protocol):
    """Shows how a sweep gets on, for as long as its block lasts."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...

    def pause(self) -> None:
        """Make room for a question."""
        ...

    def resume(self) -> None:
        """Draw on."""
        ...

    async def listen(self, event: SweepEvent) -> None:
        """Show one step."""
        ...


def sweep_view(console: Console, tally: Tally) -> SweepView:
    """A live line on a terminal; one line per finished trial elsewhere."""
    redrawn = console.is_terminal and not console.is_dumb_terminal
    return LiveView(console, tally) if redrawn else PlainView(console, tally)


class PlainView:
    """One line for each finished trial."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._console = console
        self._tally = tally
        self._waiting_for: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass

    async def listen(self, event: SweepEvent) -> None:
        self._tally.take(event)
        trial, now = event.trial, event.progress
        if event.resumed is not None:
            self._console.print(resumption(event.resumed, now.total), soft_wrap=True)
        for line in _known_before(event):
            self._console.print(Text(line), soft_wrap=True)
        if now.waiting_for is not None and now.waiting_for != self._waiting_for:
            self._console.print(Text(f"{now.done}/{now.total}  {now.waiting_for}"), soft_wrap=True)
        self._waiting_for = now.waiting_for
        if trial is None or not trial.state.is_final:
            return
        parts = [
            f"{now.done}/{now.total}",
            f"trial {trial.number}",
            number(trial.value) if trial.value is not None else f"{trial.state.value}: {trial.reason}",
            f"({point(trial.point)})",
        ]
        if now.best is not None and now.best.value is not None:
            parts.append(f"best {number(now.best.value)}")
        if now.time_left_s:
            parts.append(f"{duration(now.time_left_s)} left")
        self._console.print(Text("  ".join(parts)), soft_wrap=True)


class _TimeLeft(TimeRemainingColumn):
    """The time that is left, once it can be told."""

    def render(self, task: Task) -> Text:
        return Text() if task.time_remaining is None else super().render(task).append(" left")


class LiveView:
    """One line that is drawn again and again, and a lasting line for each trial that has no value."""

    def __init__(self, console: Console, tally: Tally) -> None:
        words = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True))
        columns: list[ProgressColumn] = [words]
        if console.width >= _BAR_FROM_WIDTH:
            columns.append(BarColumn(bar_width=None))
        if console.width >= _TIME_FROM_WIDTH:
            columns.append(_TimeLeft(compact=True, table_column=Column(no_wrap=True)))
        # The pace is taken from the whole sweep: trials may be minutes apart.
        self._shown = Progress(*columns, console=console, transient=True, speed_estimate_period=1e9)
        self._line = self._shown.add_task("starting", total=None)
        self._tally = tally
        # While a question is asked, nothing is printed into it.
        self._held: list[Text] | None = None

    def __enter__(self) -> Self:
        self._shown.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._shown.stop()

    def pause(self) -> None:
        self._shown.stop()
        self._held = []

    def resume(self) -> None:
        held, self._held = self._held or [], None
        for line in held:
            self._shown.console.print(line)
        self._shown.start()

    async def listen(self, event: SweepEvent) -> None:
        self._tally.take(event)
        trial, now = event.trial, event.progress
        if event.resumed is not None:
            self._shown.console.print(resumption(event.resumed, now.total))
        for line in _known_before(event):
            self._shown.console.print(Text(line))
        if trial is not None and trial.state.is_final and trial.value is None:
            told = Text(f"trial {trial.number} {trial.state.value}: {trial.reason}", style="yellow")
            if self._held is None:
                self._shown.console.print(told)
            else:
                self._held.append(told)
        # A terminal can be made wider or narrower meanwhile.
        width = self._shown.console.width
        room = width - _TIME_WIDTH if width >= _TIME_FROM_WIDTH else width
        line = progress_line(now, room)
        self._shown.update(self._line, total=now.total, completed=now.done, description=line)


def progress_line(now: SweepProgress, room: int = 80) -> str:
    """How far a sweep is, in as many words as there is room for."""
    best = number(now.best.value) if now.best is not None and now.best.value is not None else "-"
    how_far = f"{now.done}/{now.total}"
    if now.waiting_for is not None:
        known = f" done  best {best}" if room >= _BEST_FROM_ROOM else ""
        return f"{how_far}{known}  {now.waiting_for}"
    counts = f"{now.running} running  {now.failed} failed  best {best}"
    lines = [f"{how_far} done  {counts}", f"{how_far}  {counts}", f"{how_far}  best {best}"]
    return next((line for line in lines if len(line) <= room), lines[-1])


def _known_before(event: SweepEvent) -> list[str]:
    """What the sweep took in before it began, with the first event."""
    return [] if event.warm_start is None else event.warm_start.lines()


def resumption(resumed: Resumed, total: int) -> str:
    """What earlier runs have left, in one line."""
    if resumed.done == total:
        return f"All {total} trials were over already; --fresh begins anew."
    return f"Resumed: {resumed.done} of {total} done, {resumed.reattached} taken up again, {resumed.to_go} to go."


def print_result(result: SweepResult, elapsed_s: float, console: Console, before: int = 0) -> None:
    """Print what a sweep found: a sentence, the best trials, the best point, and what went wrong.

    Args:
        result: what it found.
        elapsed_s: seconds of this run.
        console: where to.
        before: trials that were over before this run.
    """
    trained, total = len(result.ranked), len(result.trials)
    when = f" in {duration(elapsed_s)}"
    if before:
        when = f", {total - before} of them in this run of {duration(elapsed_s)}" if before < total else ""
    console.print(f"{trained} of {total} models trained{when}.")
    print_ranking(result, console)
    if result.stopped_by is not None:
        console.print()
        console.print(Text(f"No more trials were begun: {result.stopped_by}", style="yellow"))


def print_ranking(result: SweepResult, console: Console) -> None:
    """Print the best trials, the best point, and what went wrong."""
    trained = len(result.ranked)
    if trained:
        console.print(_ranking(result.ranked, console))
        if trained > _ROWS:
            console.print(Text(f"and {trained - _ROWS} more in results.csv", style="dim"))
    if result.without_value:
        console.print(_failures(result.without_value))
    best = result.best
    if best is not None and best.value is not None:
        console.print()
        where = f" in trial {best.number} (job {best.job_id}, version {best.version_id})"
        console.print(Text.assemble("Best: ", (number(best.value), "bold green"), where))
        console.print(Text(f"  {point(best.point)}"))
        console.print(Text(f"  {best.output_path}"), soft_wrap=True)


def _ranking(ranked: Sequence[Trial], console: Console) -> Table:
    """One column per hyperparameter where they fit, else all of them in one."""
    names = list(dict.fromkeys(name for trial in ranked for name in trial.point))
    wide = table("trial", "value", *names, "time")
    narrow = table("trial", "value", "hyperparameters", "time")
    for trial in ranked[:_ROWS]:
        head = (str(trial.number), number(trial.value or 0.0))
        time = duration(trial.duration_s or 0.0)
        # One that waits for others is not there in every trial.
        values = (Text(scalar(trial.point[name]) if name in trial.point else "") for name in names)
        wide.add_row(*head, *values, time)
        narrow.add_row(*head, Text(point(trial.point)), time)
    fits = Measurement.get(console, console.options.update(max_width=10_000), wide).maximum <= console.width
    return wide if fits else narrow


def _failures(trials: Sequence[Trial]) -> Table:
    shown = table("trial", "state", "reason")
    for trial in trials[:_ROWS]:
        shown.add_row(str(trial.number), trial.state.value, Text(trial.reason or ""))
    more = f", the first {_ROWS}" if len(trials) > _ROWS else ""
    shown.title = Text(f"{len(trials)} without a value{more}", style="yellow")
    shown.title_justify = "left"
    return shown
