"""``aiomodelarts logs``: the log of a version, now or while it grows."""

import asyncio
import shlex
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

import orjson
import typer

from ..job import TrainingJob
from ..models.logs import LogLine
from ._run import DONE, run
from ._session import JobArgument, LocalOption, VersionArgument, open_session
from .render import Output, tell

app = typer.Typer()

FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the version has ended.")]
TailOption = Annotated[
    int | None, typer.Option("--tail", "-n", metavar="N", help="Only the last N lines.", min=1, show_default=False)
]
AfterOption = Annotated[
    str | None,
    typer.Option("--after", metavar="MARKER", help="Go on behind the line with this marker.", show_default=False),
]
LinesOption = Annotated[
    Output, typer.Option("--output", "-o", help="Print the lines, or a JSON object with its marker for each.")
]


@app.command("logs")
def logs_command(
    job_id: JobArgument,
    version_id: VersionArgument,
    follow: FollowOption = False,
    tail: TailOption = None,
    after: AfterOption = None,
    local: LocalOption = False,
    output: LinesOption = Output.TABLE,
) -> None:
    """Print the log of a version, now or while it grows.

    Who interrupts --follow is told the marker to go on with.
    """
    if tail is not None and (follow or after is not None):
        raise typer.BadParameter("--tail is for what is there now, without --follow and --after")
    run(_logs(job_id, version_id, follow, tail, after, local, output))


async def _logs(
    job_id: str, version_id: str, follow: bool, tail: int | None, after: str | None, local: bool, output: Output
) -> int:
    marker = after
    try:
        async with open_session(local) as place:
            version = TrainingJob.attach(place.session, job_id, version_id)
            if follow:
                # Who follows waits patiently for a version to show up; one that is not there is better told at once.
                await version.refresh()
            lines = version.logs(follow=follow, after=after) if tail is None else _last(version, tail)
            async with aclosing(lines):
                async for line in lines:
                    typer.echo(orjson.dumps(_as_json(line)) if output is Output.JSON else _sendable(line))
                    marker = line.marker or marker
    except asyncio.CancelledError:
        if follow and marker is not None:
            again = ["aiomodelarts", "logs", job_id, version_id, "--follow", *(["--local"] if local else [])]
            tell(f"To go on from here: {shlex.join([*again, '--after', marker])}")
        raise
    return DONE


async def _last(version: TrainingJob, count: int) -> AsyncGenerator[LogLine, None]:
    for line in await version.tail(count):
        yield line


def _as_json(line: LogLine) -> dict[str, Any]:
    return {"line": _sendable(line), "log_file": line.log_file, "marker": line.marker}


def _sendable(line: str) -> str:
    # A script can print half of a pair of surrogates, which no output takes.
    return line.encode("utf-8", "replace").decode("utf-8")
