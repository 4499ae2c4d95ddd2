"""``aiomodelarts logs`` and ``watch``: versions that are there already."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from ..job import TrainingJob
from ..models.job import JobDetail
from ..status import Outcome
from ._run import DONE, FAILED, run
from ._session import LocalOption, OutputOption, open_session
from .render import Output, duration, print_json

app = typer.Typer()

JobArgument = Annotated[str, typer.Argument(metavar="JOB_ID", help="The training job.", show_default=False)]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION_ID", help="Its version.", show_default=False)]
VersionsArgument = Annotated[
    list[str], typer.Argument(metavar="VERSION_ID...", help="Its versions.", show_default=False)
]


@app.command("logs")
def logs_command(
    job_id: JobArgument, version_id: VersionArgument, local: LocalOption = False, output: OutputOption = Output.TABLE
) -> None:
    """Print the log of a version, as far as it goes now."""
    run(_logs(job_id, version_id, local, output))


@app.command("watch")
def watch_command(
    job_id: JobArgument, version_ids: VersionsArgument, local: LocalOption = False, output: OutputOption = Output.TABLE
) -> None:
    """Wait for versions to end, and say how each did; exit code 1 unless all of them succeeded."""
    run(_watch(job_id, version_ids, local, output))


async def _logs(job_id: str, version_id: str, local: bool, output: Output) -> int:
    async with open_session(local) as place:
        lines = TrainingJob.attach(place.session, job_id, version_id).logs()
        if output is Output.JSON:
            print_json([line async for line in lines])
            return DONE
        async for line in lines:
            typer.echo(line)
    return DONE


async def _watch(job_id: str, version_ids: list[str], local: bool, output: Output) -> int:
    console = Console(highlight=False)
    details: list[JobDetail] = []
    async with open_session(local) as place:
        versions = [TrainingJob.attach(place.session, job_id, version_id) for version_id in version_ids]
        async for version in place.session.as_completed(versions):
            detail = version.detail
            assert detail is not None
            details.append(detail)
            if output is Output.TABLE:
                console.print(Text(_told(detail)), soft_wrap=True)
    if output is Output.JSON:
        print_json([_as_json(detail) for detail in details])
    return DONE if all(detail.status.outcome is Outcome.SUCCEEDED for detail in details) else FAILED


def _told(detail: JobDetail) -> str:
    lasted = "" if detail.duration is None else f" after {duration(detail.duration / 1000)}"
    return f"version {detail.version_id}: {detail.status.name}{lasted}"


def _as_json(detail: JobDetail) -> dict[str, Any]:
    return {
        "job_id": detail.job_id,
        "version_id": detail.version_id,
        "status": detail.status.name,
        "succeeded": detail.status.outcome is Outcome.SUCCEEDED,
        "duration_s": None if detail.duration is None else detail.duration / 1000,
        "output_path": detail.train_url,
    }
