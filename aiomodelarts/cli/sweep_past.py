"""``aiomodelarts sweep status``, ``results``, ``why`` and ``retry``: what a sweep's ledger holds."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ..errors import InvalidArgument, SweepError, nearest
from ..sweep.failures import Failure
from ..sweep.ledger.records import Event
from ..sweep.result import SweepResult
from ..sweep.run import Sweep
from ..sweep.trial import Trial
from ._obs_progress import progress_bar
from ._run import DONE, FAILED, USAGE, run
from ._session import LocalOption, OutputOption, open_session
from .render import Output, brief_path, number, print_json, table, tell_error, writer
from .sweep import FileArgument
from .sweep_view import print_ranking

app = typer.Typer()

# Narrower than this, a table has no room for the reasons.
_TABLE_FROM_WIDTH = 60
# Narrower than this, a table that spans no midnight leaves the day out.
_DATE_FROM_WIDTH = 72

TrialArgument = Annotated[int, typer.Argument(metavar="TRIAL", help="The trial's number.", show_default=False, min=1)]
ClassOption = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="CLASS[,CLASS]",
        help=f"Only failures of these classes: {', '.join(one.value for one in Failure)}. May be given several times.",
    ),
]


@app.command("status")
def status_command(file: FileArgument, output: OutputOption = Output.TABLE) -> None:
    """Say how far a sweep is. Nothing is sent."""
    run(_status(file, output))


@app.command("results")
def results_command(
    file: FileArgument,
    download: Annotated[
        str | None,
        typer.Option("--download", metavar="WHAT", help="Fetch what trials wrote: best, all, or a trial's number."),
    ] = None,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print the best trials so far. Nothing is sent, unless --download fetches what trials wrote."""
    run(_results(file, download, local, output))


@app.command("why")
def why_command(file: FileArgument, trial: TrialArgument, output: OutputOption = Output.TABLE) -> None:
    """Print every step of a trial. It says when each was taken, and why. Nothing is sent."""
    run(_why(file, trial, output))


@app.command("retry")
def retry_command(file: FileArgument, classes: ClassOption = None, output: OutputOption = Output.TABLE) -> None:
    """Have failed trials tried again. The controllers that run do so, or the next `sweep run`."""
    run(_retry(file, classes, output))


async def _status(file: Any, output: Output) -> int:
    sweep, result = await _past(file)
    states = Counter(trial.state.value for trial in result.trials)
    best = result.best
    to_go = max(0, sweep.config.count - len(result.trials))
    if output is Output.JSON:
        value = None if best is None else best.value
        print_json({"sweep": result.name, "to_go": to_go, "states": dict(states), "best": value})
        return DONE
    parts = [f"{count} {state}" for state, count in sorted(states.items())] + [f"{to_go} to go"]
    told = f"sweep {result.name}: {', '.join(parts)}"
    if best is not None and best.value is not None:
        told += f"; best {number(best.value)} in trial {best.number}"
    writer().print(Text(told), soft_wrap=True)
    return DONE


async def _results(file: Any, download: str | None, local: bool, output: Output) -> int:
    sweep, result = await _past(file)
    places = [] if download is None else await _download(sweep, _chosen(result, download), local)
    if output is Output.JSON:
        print_json(result.as_json() | ({"downloaded": [str(place) for place in places]} if download else {}))
        return DONE if result.best is not None else FAILED
    console = writer()
    print_ranking(result, console)
    for place in places:
        console.print(Text(f"outputs: {brief_path(place)}"), soft_wrap=True)
    return DONE if result.best is not None else FAILED


def _chosen(result: SweepResult, what: str) -> list[Trial]:
    """The trials whose outputs are asked for."""
    if what == "best":
        chosen = [] if result.best is None else [result.best]
    elif what == "all":
        chosen = list(result.ranked)
    elif what.isdecimal():
        chosen = [trial for trial in result.trials if trial.number == int(what)]
    else:
        raise InvalidArgument("--download", what, "it is best, all, or the number of a trial")
    if not chosen:
        raise SweepError(f"sweep {result.name} has no trial to download for {what!r}")
    return chosen


async def _download(sweep: Sweep, trials: list[Trial], local: bool) -> list[Path]:
    async with open_session(local) as place:
        with progress_bar() as progress:
            return [await sweep.download(place.session, trial, progress=progress) for trial in trials]


async def _why(file: Any, trial: int, output: Output) -> int:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    events = await sweep.why(trial)
    if not events:
        tell_error(f"trial {trial} of sweep {sweep.config.name} was not begun")
        return USAGE
    if output is Output.JSON:
        print_json([_event_as_json(one) for one in events])
        return DONE
    console = writer()
    _print_history(events, console)
    for one in events:
        if one.detail:
            console.print(Text(f"The log of attempt {one.attempt} ended:", style="bold"))
            console.print(Text(one.detail), soft_wrap=True)
    return DONE


def _print_history(events: Sequence[Event], console: Console) -> None:
    """One row a step, or on a narrow terminal one paragraph."""
    columns = _columns(events, console.width)
    if console.width < _TABLE_FROM_WIDTH:
        for one in events:
            console.print(Text(f"{columns['time'](one)}  {one.state.value}", style="bold"))
            more = [f"{name} {columns[name](one)}" for name in ("attempt", "lease") if name in columns]
            console.print(Padding(Text(", ".join([one.why, *more])), (0, 0, 0, 2)))
        return
    shown = table(*columns)
    for column, name in zip(shown.columns, columns, strict=True):
        column.no_wrap = name != "why"
        column.justify = "left"
    for one in events:
        shown.add_row(*(Text(tell(one)) for tell in columns.values()))
    console.print(shown)


def _columns(events: Sequence[Event], width: int) -> dict[str, Callable[[Event], str]]:
    """What is told of each step; what would say the same of each is left out, for the reasons are long."""
    days = {_moment(one).date() for one in events}
    is_tight = _TABLE_FROM_WIDTH <= width < _DATE_FROM_WIDTH
    clock = "%H:%M:%S" if is_tight and len(days) == 1 else "%Y-%m-%d %H:%M:%S"
    columns: dict[str, Callable[[Event], str]] = {
        "time": lambda one: format(_moment(one), clock),
        "state": lambda one: one.state.value,
        "why": lambda one: one.why,
    }
    if len({one.attempt for one in events}) > 1:
        columns["attempt"] = lambda one: str(one.attempt)
    if len({one.token for one in events}) > 1:
        columns["lease"] = lambda one: str(one.token or "")
    return columns


def _moment(event: Event) -> datetime:
    return datetime.fromtimestamp(event.at).astimezone()


def _event_as_json(one: Event) -> dict[str, Any]:
    return {
        "at": one.at,
        "attempt": one.attempt,
        "state": one.state.value,
        "why": one.why,
        "lease": one.token,
        "detail": one.detail,
    }


async def _retry(file: Any, classes: list[str] | None, output: Output) -> int:
    wanted = _classes(classes or ())
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    opened = [trial.number for trial in await sweep.retry(wanted or None)]
    if output is Output.JSON:
        print_json({"sweep": sweep.config.name, "trials": opened})
    else:
        told = f"{len(opened)} trials will be tried again" + (", by the next sweep run." if opened else ".")
        writer().print(told)
    return DONE


def _classes(given: Iterable[str]) -> list[Failure]:
    """The classes of failure that are named, several of them between commas."""
    known = {failure.value: failure for failure in Failure}
    names = [name.strip() for one in given for name in one.split(",")]
    for name in names:
        if name not in known:
            allowed = f"it is one of {', '.join(known)}, or several with commas between"
            raise InvalidArgument("--class", name, allowed, nearest=nearest(name, known))
    return [known[name] for name in names]


async def _past(file: Any) -> tuple[Sweep, SweepResult]:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    return sweep, await sweep.past()
