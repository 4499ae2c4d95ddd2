"""``aiomodelarts sweep report``: what a sweep has found, as one HTML file."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ..sweep.report.write import link_to
from ..sweep.run import Sweep
from ..sweep.trial import Trial
from ._run import DONE, run
from ._session import LOCAL_ROOT, OutputOption
from .render import Output, brief_path, print_json, writer
from .sweep import FileArgument

app = typer.Typer()

OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="F", help="The file to write.", show_default="report.html, in results_dir"),
]
LogsOption = Annotated[bool, typer.Option("--local", help=f"Link the logs of the platform in {LOCAL_ROOT}.")]


@app.command("report")
def report_command(
    file: FileArgument, out: OutOption = None, local: LogsOption = False, output: OutputOption = Output.TABLE
) -> None:
    """Write a page with charts and all trials. It is made from the ledger alone; nothing is sent."""
    run(_report(file, out, local, output))


async def _report(file: Path, out: Path | None, local: bool, output: Output) -> int:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    page = out or sweep.config.results_dir / "report.html"

    def log_of(trial: Trial) -> str | None:
        log = LOCAL_ROOT / "logs" / str(trial.version_id) / "0.log"
        return link_to(log, page) if log.exists() else None

    await sweep.report(page, log_of=log_of if local else None)
    if output is Output.JSON:
        print_json({"sweep": sweep.config.name, "report": str(page)})
    else:
        writer().print(Text(f"{brief_path(page)}"), soft_wrap=True)
    return DONE
