"""``aiomodelarts sweep``: try many hyperparameters."""

import asyncio
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer
from attrs import frozen
from rich.text import Text

from ..errors import SweepError
from ..obs.code.local import LocalCode
from ..sweep.engine.halts import Halt, Running, StoppedAsAsked
from ..sweep.planning.plan import Plan, PlanFileError
from ..sweep.result import SweepResult
from ..sweep.run import Sweep
from ..sweep.running import ResultsNotWritten
from ._interruption import Interruption
from ._run import DONE, FAILED, Signals, exit_code, run
from ._session import LocalOption, OutputOption, Place, open_session
from .render import Output, brief_path, print_json, size, tell_error, writer
from .sweep_left import Left, print_interruption
from .sweep_view import SweepView, Tally, print_result, sweep_view

# Of what is left out, so many are named.
_NAMED = 5

app = typer.Typer(help="Try many hyperparameters, and keep the best.", no_args_is_help=True)


def _there(file: Path | None) -> Path | None:
    """The file, if it is there; else the user is told of the one that looks most like it."""
    if file is None or file.is_file():
        return file
    if file.is_dir():
        raise typer.BadParameter(f"'{file}' is a directory")
    beside = {one.name: one for one in file.parent.glob("*.toml")} if file.parent.is_dir() else {}
    close = get_close_matches(file.name, beside, n=1)
    hint = f"; did you mean '{beside[close[0]]}'?" if close else ""
    raise typer.BadParameter(f"file '{file}' does not exist{hint}")


FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="The sweep file, TOML.", show_default=False, callback=_there)
]

MaybeFileArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="The sweep file, TOML; without it, the one of the plan.",
        show_default=False,
        callback=_there,
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
    on_interrupt: Annotated[
        Running | None,
        typer.Option(
            "--on-interrupt",
            help="What Ctrl-C and SIGTERM make of running versions, without asking.",
            show_default="asks on a terminal, else leave",
        ),
    ] = None,
) -> None:
    """Run a sweep, or go on with it.

    It is one training job with a version for each point; the best of them are printed.
    """
    if plan is None and file is None:
        raise typer.BadParameter("give the sweep file, or --plan")
    if plan is not None and (fresh or allow_change):
        raise typer.BadParameter(
            "a plan goes with neither --fresh nor --allow-change: it says what there is to go on with"
        )
    signals = Signals()
    wanted = _Wanted(local, output, fresh, allow_change, on_interrupt)
    run(_run(file, plan, wanted, signals), signals)


@frozen
class _Wanted:
    """How a sweep is to be run."""

    local: bool
    output: Output
    fresh: bool
    allow_change: bool
    on_interrupt: Running | None


async def _run(file: Path | None, plan_file: Path | None, wanted: _Wanted, signals: Signals) -> int:
    plan = None if plan_file is None else await read_plan(plan_file)
    sweep = await asyncio.to_thread(_sweep_of, file, plan)
    console = writer(stderr=True)
    left = Left(Tally(), sweep.config.results_dir, local=wanted.local)
    interruption = Interruption(
        sweep.interrupt,
        left.tally.running,
        console,
        usual=wanted.on_interrupt or Running.LEAVE,
        asks=wanted.on_interrupt is None,
        outlives=not wanted.local,
    )
    signals.take = interruption.take
    try:
        async with open_session(wanted.local) as place:
            if place.files is not None:
                await sweep.stage(place.files)
            code = await sweep.local_code()
            if code is not None:
                console.print(Text(_told(code)), soft_wrap=True)
            with sweep_view(console, left.tally) as view:
                interruption.over(view)
                result, unwritten = await _result(sweep, place, view, plan, wanted)
                interruption.close()
            signals.take = None
    except asyncio.CancelledError:
        print_interruption(left, console)
        raise
    _print(result, _paths(sweep, place, written=unwritten is None), left.tally, wanted.output)
    if isinstance(result.stopped_by, StoppedAsAsked):
        how = "Interrupted" if interruption.signal is not None else "Stopped as asked elsewhere"
        print_interruption(left, console, result.stopped_by.running, how)
    if unwritten is not None:
        tell_error(str(unwritten))
    if interruption.signal is not None and isinstance(result.stopped_by, StoppedAsAsked):
        return 128 + interruption.signal
    return _exit_code(result, written=unwritten is None)


def _print(result: SweepResult, paths: Mapping[str, Path], tally: Tally, output: Output) -> None:
    """What the sweep found; of one that was ended before its time there is more to say elsewhere."""
    if output is Output.JSON:
        print_json(result.as_json() | {name: str(path) for name, path in paths.items()})
    elif not isinstance(result.stopped_by, StoppedAsAsked):
        stdout = writer()
        print_result(result, tally.elapsed_s, stdout, tally.before)
        stdout.print()
        for name, path in paths.items():
            stdout.print(Text(f"{name.replace('_', '.')}: {brief_path(path)}"), soft_wrap=True)


def _exit_code(result: SweepResult, *, written: bool) -> int:
    """A sweep that was to end with its budget has ended well; one that somebody stopped has not."""
    if result.stopped_by is not None and not isinstance(result.stopped_by, Halt):
        return exit_code(result.stopped_by) or FAILED
    return DONE if result.best is not None and written and not isinstance(result.stopped_by, StoppedAsAsked) else FAILED


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
    sweep: Sweep, place: Place, view: SweepView, plan: Plan | None, wanted: _Wanted
) -> tuple[SweepResult, ResultsNotWritten | None]:
    """What the sweep found, and why its files are missing, if they are."""
    try:
        running = sweep.run(
            place.session, plan=plan, listener=view.listen, fresh=wanted.fresh, allow_change=wanted.allow_change
        )
        return await running, None
    except ResultsNotWritten as error:
        return error.result, error


def _paths(sweep: Sweep, place: Place, *, written: bool) -> dict[str, Path]:
    """Where everything is that the sweep left behind on this machine."""
    results = sweep.config.results_dir
    paths = {"results_csv": results / "results.csv", "results_json": results / "results.json"} if written else {}
    if place.root is not None:
        paths["buckets"] = place.root
    return paths
