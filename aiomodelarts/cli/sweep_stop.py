"""``aiomodelarts sweep stop``: end a sweep from another terminal, or from another machine."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from ..sweep.engine.halts import Running
from ..sweep.run import Sweep
from ..sweep.stopping import Stopped
from ._run import DONE, FAILED, run
from ._session import LocalOption, OutputOption, open_session
from .render import Output, print_json, writer
from .sweep import FileArgument
from .sweep_left import print_going

app = typer.Typer()

RunningOption = Annotated[
    Running, typer.Option("--running", help="What becomes of running versions: they go on, or are stopped.")
]


@app.command("stop")
def stop_command(
    file: FileArgument,
    running: RunningOption = Running.LEAVE,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """End a sweep, wherever it is driven. No more versions are made; `sweep run` goes on with it."""
    run(_stop(file, running, local, output))


async def _stop(file: Any, running: Running, local: bool, output: Output) -> int:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    console = writer(stderr=True)
    with console.status("asking") as status:

        async def told(left: int) -> None:
            status.update(f"waiting for {left} of the sweep's controllers to end" if left else "stopping versions")

        found = await sweep.stop(running, told=told)
        running_before = len(found.going)
        if running is Running.STOP and found.going:
            async with open_session(local) as place:
                after = await sweep.stop(running, place.session, files=place.files, told=told)
            found = Stopped(found.controllers, found.silent, after.trials)
    stopped = running_before - len(found.going)
    if output is Output.JSON:
        print_json(_as_json(sweep, found, stopped))
    else:
        _print(sweep, found, stopped, writer())
    return DONE if running is Running.LEAVE or not found.going else FAILED


def _as_json(sweep: Sweep, found: Stopped, stopped: int) -> dict[str, Any]:
    going = [
        {
            "trial": trial.number,
            "job_id": trial.job_id,
            "version_id": trial.version_id,
            "output_path": trial.output_path,
        }
        for trial in found.going
    ]
    return {
        "sweep": sweep.config.name,
        "controllers": found.controllers,
        "silent": found.silent,
        "stopped": stopped,
        "going": going,
    }


def _print(sweep: Sweep, found: Stopped, stopped: int, console: Console) -> None:
    driven = {0: "Nobody drives", 1: "1 controller drove"}.get(
        found.controllers, f"{found.controllers} controllers drove"
    )
    over, total = sum(trial.state.is_final for trial in found.trials), max(sweep.config.count, len(found.trials))
    console.print(Text(f"{driven} sweep {sweep.config.name}; {over} of {total} trials are over."), soft_wrap=True)
    if found.silent:
        what = "gave no answer and is" if found.silent == 1 else "gave no answer and are"
        console.print(f"{found.silent} of them {what} taken for dead.")
    if stopped:
        console.print(f"{stopped} {'version was' if stopped == 1 else 'versions were'} stopped here.")
    print_going(found.going, console)
    if over < total:
        console.print("`aiomodelarts sweep run` goes on with it.")
