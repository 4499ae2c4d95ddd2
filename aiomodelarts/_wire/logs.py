"""Logs of a version: the names of its files, and lines by marker."""

from functools import partial

from ..errors import Where
from ..models.logs import LogFileList, LogPage
from .call import Call, Kind, Share, Site
from .envelope import read_value

MAX_LINES = 500


def list_training_job_log_files(site: Site, job_id: int, version_id: int) -> Call[LogFileList]:
    """listTrainingJobLogFiles: names have no fixed form, so they are always asked for."""
    where = Where("listTrainingJobLogFiles", job_id, version_id)
    request = site.request("GET", f"/training-jobs/{job_id}/versions/{version_id}/log/file-names")
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=LogFileList), Share.LOG)


def get_training_job_log(
    site: Site,
    job_id: int,
    version_id: int,
    log_file: str,
    base_line: str | None = None,
    lines: int = MAX_LINES,
    *,
    forward: bool = True,
) -> Call[LogPage]:
    """getTrainingJobLog: lines beside a marker, or the newest ones.

    Args:
        site: the project's.
        job_id: the job.
        version_id: the version.
        log_file: a name from listTrainingJobLogFiles.
        base_line: a marker of an earlier page; None for the newest lines.
        lines: 1 to 500.
        forward: the lines that follow the marker, else those before it.
    """
    where = Where("getTrainingJobLog", job_id, version_id)
    # The contract's words are the other way round: desc is what follows, asc what precedes.
    query: tuple[tuple[str, str], ...] = (
        ("log_file", log_file),
        ("lines", str(lines)),
        ("order", "desc" if forward else "asc"),
    )
    if base_line is not None:
        query += (("base_line", base_line),)
    request = site.request("GET", f"/training-jobs/{job_id}/versions/{version_id}/aom-log", query)
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=LogPage), Share.LOG)
