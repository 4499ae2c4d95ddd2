"""``aiomodelarts sweep status``, ``results``, ``why`` and ``retry``: what a sweep's ledger holds."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from ..sweep.failures import Failure
from ..sweep.result import SweepResult
from ..sweep.run import Sweep
from ._run import DONE, FAILED, USAGE, run
from ._session import OutputOption
from .render import Output, number, print_json, table, tell_error
from .sweep import FileArgument
from .sweep_view import print_ranking

app = typer.Typer()

TrialArgument = Annotated[int, typer.Argument(metavar="TRIAL", help="The trial's number.", show_default=False, min=1)]
ClassOption = Annotated[
    list[Failure] | None, typer.Option("--class", help="Only failures of this class; may be given several times.")
]


@app.command("status")
def status_command(file: FileArgument, output: OutputOption = Output.TABLE) -> None:
    """Say how far a sweep is. Nothing is sent."""
    run(_status(file, output))


@app.command("results")
def results_command(file: FileArgument, output: OutputOption = Output.TABLE) -> None:
    """Print what a sweep has found so far. Nothing is sent."""
    run(_results(file, output))


@app.command("why")
def why_command(file: FileArgument, trial: TrialArgument, output: OutputOption = Output.TABLE) -> None:
    """Print the history of a trial: every step, when it was taken, and why."""
    run(_why(file, trial, output))


@app.command("retry")
def retry_command(file: FileArgument, classes: ClassOption = None, output: OutputOption = Output.TABLE) -> None:
    """Have failed trials tried again, by the controllers that run, or by the next `sweep run`."""
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
    Console(highlight=False).print(Text(told), soft_wrap=True)
    return DONE


async def _results(file: Any, output: Output) -> int:
    _, result = await _past(file)
    if output is Output.JSON:
        print_json(result.as_json())
    else:
        print_ranking(result, Console(highlight=False))
    return DONE if result.best is not None else FAILED


async def _why(file: Any, trial: int, output: Output) -> int:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    events = await sweep.why(trial)
    if not events:
        tell_error(f"trial {trial} of sweep {sweep.config.name} was not begun")
        return USAGE
    if output is Output.JSON:
        print_json(
            [
                {"at": one.at, "attempt": one.attempt, "state": one.state.value, "why": one.why, "lease": one.token}
                for one in events
            ]
        )
        return DONE
    shown = table("time", "attempt", "state", "why", "lease")
    for one in events:
        when = f"{datetime.fromtimestamp(one.at).astimezone():%Y-%m-%d %H:%M:%S}"
        shown.add_row(when, str(one.attempt), one.state.value, Text(one.why), str(one.token or ""))
    Console(highlight=False).print(shown)
    return DONE


async def _retry(file: Any, classes: list[Failure] | None, output: Output) -> int:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    opened = [trial.number for trial in await sweep.retry(classes or None)]
    if output is Output.JSON:
        print_json({"sweep": sweep.config.name, "trials": opened})
    else:
        told = f"{len(opened)} trials will be tried again" + (", by the next sweep run." if opened else ".")
        Console(highlight=False).print(told)
    return DONE


async def _past(file: Any) -> tuple[Sweep, SweepResult]:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    return sweep, await sweep.past()
