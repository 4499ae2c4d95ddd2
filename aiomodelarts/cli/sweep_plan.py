"""``aiomodelarts sweep plan``: what a sweep would make, with reads only."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ..sweep.planning.plan import Estimate, Plan
from ..sweep.result import replace
from ..sweep.run import Sweep
from ._run import DONE, FAILED, run
from ._session import LocalOption, OutputOption, open_session
from .render import Output, brief_path, duration, number, point, print_json, table, writer
from .sweep import FileArgument

app = typer.Typer()

_ROWS = 5
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="F", help="Keep the plan, for sweep run --plan F.", show_default=False),
]


@app.command("plan")
def plan_command(
    file: FileArgument, out: OutOption = None, local: LocalOption = False, output: OutputOption = Output.TABLE
) -> None:
    """Show what a sweep would make. It also says what is there, and what would be refused. Nothing is made."""
    run(_plan(file, out, local, output))


async def _plan(file: Path, out: Path | None, local: bool, output: Output) -> int:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    async with open_session(local) as place:
        plan = await sweep.plan(place.session, files=place.files)
    if out is not None:
        text = json.dumps(plan.as_json(), indent=2, ensure_ascii=False) + "\n"
        await asyncio.to_thread(replace, out, text)
    if output is Output.JSON:
        print_json(plan.as_json())
    else:
        _print(plan, out)
    return DONE if not plan.refused else FAILED


def _print(plan: Plan, out: Path | None) -> None:
    console = writer()
    chosen = f"{plan.search} search" if plan.search != "points" else "points of a file"
    console.print(Text(f"Sweep {plan.sweep}: {plan.to_make} of {plan.count} trials to make, {chosen}."), soft_wrap=True)
    there = {state: count for state, count in plan.states.items() if state != "to make"}
    lines = {
        "there already": ", ".join(f"{count} {state}" for state, count in sorted(there.items())) or "nothing",
        "job": plan.job,
        "at once": str(plan.concurrency),
        "training time": _hours(plan.hours),
        "from begin to end": _hours(plan.elapsed_h),
        "cost": "not known: there are no prices under [budget]" if plan.cost is None else _told(plan.cost),
    }
    for name, told in lines.items():
        console.print(Text.assemble((f"  {name}: ", "bold"), told), soft_wrap=True)
    for note in plan.notes:
        console.print(Text(f"  note: {note}"), soft_wrap=True)
    _print_points(plan, console)
    for one in plan.refused:
        console.print(Text.assemble(("would be refused: ", "bold red"), f"{one.what}: {one.why}"), soft_wrap=True)
    if out is not None:
        console.print(Text(f"Kept in {brief_path(out)}; to apply it: aiomodelarts sweep run --plan {brief_path(out)}"))


def _print_points(plan: Plan, console: Console) -> None:
    coming = [trial for trial in plan.trials if trial.state == "to make"]
    if coming:
        shown = table("trial", "hyperparameters")
        for trial in coming[:_ROWS]:
            shown.add_row(str(trial.number), Text(point(trial.point)))
        console.print(shown)
    if len(coming) > _ROWS:
        console.print(Text(f"and {len(coming) - _ROWS} more; --out and --output json list all", style="dim"))
    if plan.later:
        told = f"{plan.later} points are chosen later, from the values of the earlier ones"
        console.print(Text(told, style="dim"), soft_wrap=True)


def _hours(given: Estimate) -> str:
    return _told(given, lambda hours: duration(hours * 3600))


def _told(given: Estimate, tell: Callable[[float], str] = number) -> str:
    parts = [
        f"{word} {tell(value)}"
        for word, value in (("about", given.about), ("at most", given.most))
        if value is not None
    ]
    return ", ".join(parts) or "not known: no trial has ended yet, and [budget] sets no max_trial_hours"
