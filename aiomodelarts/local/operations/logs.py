"""Log files and their lines. A line's marker is its byte offset, shifted so that it has 19 digits."""

import re

from aiomodelarts.local import queries, refusals
from aiomodelarts.local.answers import Answer
from aiomodelarts.local.board import Job, Version
from aiomodelarts.local.calls import Call, Platform
from aiomodelarts.local.operations.training import find_version
from aiomodelarts.local.ports import LogQuery

MARKER_BASE = 10**18
MAX_LINES = 500
_MARKER = re.compile(r"[0-9]{1,19}")


def log_names(job: Job, version: Version) -> list[str]:
    """The names of a version's log files, one per worker."""
    return [f"{job.name}.{index}" for index in range(version.settings.workers)]


async def list_training_job_log_files(platform: Platform, call: Call) -> Answer:
    """The names of the log files of a version that has run."""
    job, version = find_version(platform, call)
    return Answer(200, {"log_file_list": [] if version.start_ms is None else log_names(job, version)})


async def get_training_job_log(platform: Platform, call: Call) -> Answer:
    """A page of lines of one log file."""
    job, version = find_version(platform, call)
    name = call.query.get("log_file", "")
    if not name:
        raise refusals.invalid("log_file", "it is required")
    names = log_names(job, version)
    if name not in names:
        raise refusals.no_such_log(name[:100])
    query = LogQuery(
        worker=names.index(name),
        base=_base(call.query.get("base_line", "").strip()),
        lines=queries.integer(call.query, "lines", 50, 0, MAX_LINES),
        following=queries.choice(call.query, "order", ("asc", "desc"), "desc") == "desc",
    )
    if version.start_ms is None:
        if platform.style.log_wait_is_empty():
            return Answer(204, None)
        raise refusals.log_not_ready()
    page = await platform.ports.logs.page(job, version, query)
    payload = {
        "content": page.content.decode("utf-8", "replace"),
        "lines": str(page.count),
        "start_line": None if page.first is None else MARKER_BASE + page.first,
        "end_line": None if page.last is None else str(MARKER_BASE + page.last),
    }
    return Answer(200, payload)


def _base(marker: str) -> int | None:
    if not marker:
        return None
    if _MARKER.fullmatch(marker) is None or int(marker) < MARKER_BASE:
        raise refusals.invalid("base_line", "it is not a marker of an earlier answer")
    return int(marker) - MARKER_BASE
