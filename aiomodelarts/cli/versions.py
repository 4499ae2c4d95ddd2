"""``aiomodelarts versions``: the versions of a training job."""

from typing import Annotated, Any

import typer

from ..estimator import AsyncEstimator
from ..models.job import VersionInfo
from ..models.spec import check_id
from ._run import DONE, run
from ._session import AllOption, JobArgument, LimitOption, LocalOption, OutputOption, open_session
from .jobs import status_of
from .render import Output, moment, moment_as_text, point, print_json, print_rows, seconds, tell_more

app = typer.Typer()

_HEADS = ("version_id", "name", "status", "time", "hyperparameters", "created")
StatusesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="NAME",
        help="Only versions in this status, as RUNNING; can be given again.",
        show_default=False,
    ),
]


@app.command("versions")
def versions_command(
    job_id: JobArgument,
    status: StatusesOption = None,
    limit: LimitOption = 20,
    every: AllOption = False,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the versions of a job, the newest first."""
    run(_versions(job_id, status or [], None if every else limit, local, output))


async def _versions(job_id: str, statuses: list[str], limit: int | None, local: bool, output: Output) -> int:
    wanted = {status_of(text) for text in statuses}
    job = check_id(job_id, "job_id")
    versions: list[VersionInfo] = []
    async with open_session(local) as place:
        # The service does not filter versions, so who wants some of them reads on until there are enough.
        most = None if limit is None or wanted else limit + 1
        async for version in AsyncEstimator(place.session, job_id=job).iter_job_versions(limit=most):
            if not wanted or version.status in wanted:
                versions.append(version)
            if limit is not None and len(versions) > limit:
                break
    shown = versions[:limit]
    if output is Output.JSON:
        print_json([_as_json(job, version) for version in shown])
    else:
        print_rows(_HEADS, [_cells(version) for version in shown], spare=("name", "created"))
    if len(versions) > len(shown):
        tell_more(len(shown), "versions")
    return DONE


def _cells(version: VersionInfo) -> tuple[str, ...]:
    return (
        str(version.version_id),
        version.version_name or "",
        version.status.name,
        seconds(version.duration),
        point(dict(version.hyperparameters.pairs)),
        moment(version.create_time),
    )


def _as_json(job_id: int, version: VersionInfo) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "version_id": version.version_id,
        "version_name": version.version_name,
        "pre_version_id": version.pre_version_id,
        "status": version.status.name,
        "outcome": version.status.outcome.value,
        "created": moment_as_text(version.create_time),
        "duration_s": None if version.duration is None else version.duration / 1000,
        "hyperparameters": dict(version.hyperparameters.pairs),
        "output_path": version.train_url,
    }
