"""``aiomodelarts logs``: the log of a version, now or while it grows."""

from typing import Annotated

import typer

from ..job import TrainingJob
from ._run import DONE, run
from ._session import LocalOption, OutputOption, open_session
from .render import Output, print_json

app = typer.Typer()

JobArgument = Annotated[str, typer.Argument(metavar="JOB_ID", help="The training job.", show_default=False)]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION_ID", help="Its version.", show_default=False)]
FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the version has ended.")]


@app.command("logs")
def logs_command(
    job_id: JobArgument,
    version_id: VersionArgument,
    follow: FollowOption = False,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print the log of a version, as far as it goes now."""
    run(_logs(job_id, version_id, follow, local, output))


async def _logs(job_id: str, version_id: str, follow: bool, local: bool, output: Output) -> int:
    async with open_session(local) as place:
        lines = TrainingJob.attach(place.session, job_id, version_id).logs(follow=follow)
        if output is Output.JSON:
            print_json([line async for line in lines])
            return DONE
        async for line in lines:
            typer.echo(line)
    return DONE
