"""``aiomodelarts jobs``: the training jobs of a project."""

from typing import Annotated, Any

import typer

from ..errors import InvalidArgument, nearest
from ..estimator import AsyncEstimator
from ..models.job import JobSummary
from ..status import JobStatus
from ._run import DONE, run
from ._session import AllOption, LimitOption, LocalOption, OutputOption, open_session
from .render import Output, moment, moment_as_text, print_json, print_rows, seconds, tell_more

app = typer.Typer()

_HEADS = ("job_id", "name", "status", "versions", "time", "created")
_LISTED = tuple(status.name for status in JobStatus)
SearchOption = Annotated[
    str, typer.Option("--search", metavar="TEXT", help="Only jobs whose name holds this.", show_default=False)
]
StatusOption = Annotated[
    str | None,
    typer.Option("--status", metavar="NAME", help="Only jobs in this status, as RUNNING.", show_default=False),
]
SortOption = Annotated[
    str, typer.Option("--sort-by", metavar="KEY", help="job_name, job_desc, status, duration or create_time.")
]
AscendingOption = Annotated[bool, typer.Option("--ascending", help="The smallest or oldest first.")]


@app.command("jobs")
def jobs_command(
    search: SearchOption = "",
    status: StatusOption = None,
    sort_by: SortOption = "create_time",
    ascending: AscendingOption = False,
    limit: LimitOption = 20,
    every: AllOption = False,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List training jobs, the newest first."""
    run(_jobs(search, status, sort_by, "asc" if ascending else "desc", None if every else limit, local, output))


def status_of(text: str) -> JobStatus:
    """The status of this name or number.

    Raises:
        InvalidArgument: when there is none.
    """
    if text.isascii() and text.isdecimal():
        return JobStatus(int(text))
    name = text.upper().replace("-", "_")
    if name not in _LISTED:
        allowed = f"it is one of {', '.join(_LISTED)}, or the number of one"
        raise InvalidArgument("--status", text, allowed, nearest=nearest(name, _LISTED))
    return JobStatus[name]


async def _jobs(
    search: str, status: str | None, sort_by: str, order: str, limit: int | None, local: bool, output: Output
) -> int:
    wanted = None if status is None else status_of(status)
    async with open_session(local) as place:
        listed = AsyncEstimator.iter_jobs(
            place.session,
            status=wanted,
            sort_by=sort_by,
            order=order,
            search_content=search,
            limit=None if limit is None else limit + 1,
        )
        jobs = [job async for job in listed]
    shown = jobs[:limit]
    if output is Output.JSON:
        print_json([_as_json(job) for job in shown])
    else:
        print_rows(_HEADS, [_cells(job) for job in shown], spare=("created", "versions"))
    if len(jobs) > len(shown):
        tell_more(len(shown), "jobs")
    return DONE


def _cells(job: JobSummary) -> tuple[str, ...]:
    return (
        str(job.job_id),
        job.job_name or "",
        job.status.name,
        "" if job.version_count is None else str(job.version_count),
        seconds(job.duration),
        moment(job.create_time),
    )


def _as_json(job: JobSummary) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "job_name": job.job_name,
        "job_desc": job.job_desc,
        "status": job.status.name,
        "version_id": job.version_id,
        "version_count": job.version_count,
        "created": moment_as_text(job.create_time),
        "duration_s": None if job.duration is None else job.duration / 1000,
    }
