"""``aiomodelarts sweep``: try many hyperparameters."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ..errors import SweepError
from ..obs.code import LocalCode
from ..sweep.plan import Plan, PlanFileError
from ..sweep.result import SweepResult
from ..sweep.run import ResultsNotWritten, Sweep
from ._run import DONE, FAILED, exit_code, run
from ._session import LocalOption, OutputOption, Place, open_session
from .render import Output, brief_path, print_json, size, tell_error
from .sweep_view import SweepView, Tally, print_interruption, print_result, sweep_view

# Of what is left out, so many are named.
_NAMED = 5

app = typer.Typer(help="Try many hyperparameters, and keep the best.", no_args_is_help=True)

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="The sweep file, TOML.", show_default=False, exists=True, dir_okay=False)
]

MaybeFileArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="The sweep file, TOML; without it, the one of the plan.",
        show_default=False,
        exists=True,
        dir_okay=False,
    ),
]


@app.command("run")
def run_command(
    file: MaybeFileArgument = None,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="F", help="Make what this plan says, or nothing.", exists=True, dir_okay=False),
    ] = None,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew; the earlier trials are kept aside.")] = False,
    allow_change: Annotated[
        bool, typer.Option("--allow-change", help="Go on although the sweep was changed since its last run.")
    ] = False,
) -> None:
    """Run a sweep, or go on with it: one training job with a version for each point, and the best of them."""
    if plan is None and file is None:
        raise typer.BadParameter("give the sweep file, or --plan")
    if plan is not None and (fresh or allow_change):
        raise typer.BadParameter(
            "a plan goes with neither --fresh nor --allow-change: it says what there is to go on with"
        )
    run(_run(file, plan, local, output, {"fresh": fresh, "allow_change": allow_change}))


async def _run(
    file: Path | None, plan_file: Path | None, local: bool, output: Output, options: Mapping[str, bool]
) -> int:
    plan = None if plan_file is None else await read_plan(plan_file)
    sweep = await asyncio.to_thread(_sweep_of, file, plan)
    console = Console(stderr=True, highlight=False)
    tally = Tally()
    try:
        async with open_session(local) as place:
            if place.files is not None:
                await sweep.stage(place.files)
            code = await sweep.local_code()
            if code is not None:
                console.print(Text(_told(code)), soft_wrap=True)
            with sweep_view(console, tally) as view:
                result, unwritten = await _result(sweep, place, view, plan, options)
    except asyncio.CancelledError:
        print_interruption(tally, sweep.config.results_dir, console, local=local)
        raise
    paths = _paths(sweep, place, written=unwritten is None)
    if output is Output.JSON:
        print_json(result.as_json() | {name: str(path) for name, path in paths.items()})
    else:
        stdout = Console(highlight=False)
        print_result(result, tally.elapsed_s, stdout, tally.before)
        stdout.print()
        for name, path in paths.items():
            stdout.print(Text(f"{name.replace('_', '.')}: {brief_path(path)}"), soft_wrap=True)
    if unwritten is not None:
        tell_error(str(unwritten))
    if result.stopped_by is not None:
        return exit_code(result.stopped_by) or FAILED
    return DONE if result.best is not None and unwritten is None else FAILED


def _told(code: LocalCode) -> str:
    """What goes up, and what stays at home, so that nobody misses a file only when it is too late."""
    files = len(code.manifest.files)
    told = f"code: {brief_path(code.folder)}, {files} {'file' if files == 1 else 'files'}, {size(code.manifest.size)}"
    named = ", ".join(code.left_out[:_NAMED]) + (", ..." if len(code.left_out) > _NAMED else "")
    return told + (f"; left out: {named}" if named else "")


def _sweep_of(file: Path | None, plan: Plan | None) -> Sweep:
    if file is None:
        assert plan is not None
        file = Path(plan.file or "")
        if not file.is_file():
            raise SweepError(f"the plan is of {plan.file}, which is not there; name the sweep file too")
    return Sweep.from_file(file)


async def read_plan(file: Path) -> Plan:
    """The plan in a file.

    Raises:
        SweepError: it cannot be read, or holds no plan.
    """
    try:
        return Plan.from_json(await asyncio.to_thread(file.read_bytes))
    except OSError as error:
        raise SweepError(f"the plan {file} cannot be read: {error.strerror}") from error
    except PlanFileError as error:
        raise SweepError(f"{file}: {error}") from error


async def _result(
    sweep: Sweep, place: Place, view: SweepView, plan: Plan | None, options: Mapping[str, bool]
) -> tuple[SweepResult, ResultsNotWritten | None]:
    """What the sweep found, and why its files are missing, if they are."""
    try:
        result = await sweep.run(place.session, plan=plan, files=None, listener=view.listen, **options)
        return result, None
    except ResultsNotWritten as error:
        return error.result, error


def _paths(sweep: Sweep, place: Place, *, written: bool) -> dict[str, Path]:
    """Where everything is that the sweep left behind on this machine."""
    results = sweep.config.results_dir
    paths = {"results_csv": results / "results.csv", "results_json": results / "results.json"} if written else {}
    if place.root is not None:
        paths["buckets"] = place.root
    return paths
