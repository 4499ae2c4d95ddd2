"""Lists of versions as the watcher reads them: states first, the rest of a row only for those who want it."""

import hashlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from .._convert import structure
from ..errors import DecodeError, Where
from ..models.job import JobDetail
from ..models.states import StatePage
from ..status import JobStatus
from .call import Call, Kind, Site
from .envelope import read_object, request_id
from .message import Response
from .slices import NotInSlices, in_slices


def list_version_states(
    site: Site, job_id: int, page: int, per_page: int, known: StatePage | None = None
) -> Call[StatePage]:
    """listTrainingJobVersions: one page of states.

    Args:
        site: where to ask.
        job_id: the job.
        page: from 1.
        per_page: up to 1000.
        known: the page as it was. The answer then holds the whole rows of those only whose state is another one.
    """
    where = Where("listTrainingJobVersions", job_id)
    query = (("per_page", str(per_page)), ("page", str(page)))
    request = site.request("GET", f"/training-jobs/{job_id}/versions", query)
    return Call(where, Kind.READ, request, partial(_read_states, where=where, known=known))


def read_row(page: StatePage, job_id: int, version_id: int) -> JobDetail:
    """One row whole; members that only a detail has stay None.

    Raises:
        DecodeError: when the row is not what the contract says.
    """
    row = page.rows[version_id]
    job = {"job_id": job_id, "job_name": page.head.get("job_name"), "job_desc": page.head.get("job_desc")}
    return structure({**row, **job}, JobDetail)


def _read_states(response: Response, where: Where, known: StatePage | None) -> StatePage:
    # A digest takes a sixth of the time that reading takes, and between two looks a page often stays as it was.
    digest = hashlib.sha256(response.body).digest()
    if known is not None and known.digest == digest and response.status == 200:
        return known
    before = {} if known is None else known.states
    try:
        head, slices = in_slices(response.body, "versions")
        if response.status == 200 and head.get("is_success") is not False and not head.get("error_code"):
            return _page(head, slices, before, digest)
    except NotInSlices:
        pass
    head = read_object(response, where)
    rows = head.get("versions")
    if not isinstance(rows, list):
        reason = f"expected a list, got {type(rows).__name__}"
        status, request = response.status, request_id(response)
        raise DecodeError(reason, path="versions", where=where, status=status, request_id=request)
    return _page({**head, "versions": []}, [rows], before, digest)


def _page(
    head: Mapping[str, Any], slices: Iterable[list[Any]], before: Mapping[int, JobStatus], digest: bytes
) -> StatePage:
    states: dict[int, JobStatus] = {}
    changed: dict[int, Mapping[str, Any]] = {}
    count = 0
    for rows in slices:
        count += len(rows)
        for row in rows:
            version_id, state = _identified(row)
            if version_id is not None and state is not None:
                states[version_id] = state
                if before.get(version_id) != state:
                    changed[version_id] = row
                else:
                    # Listed twice on this page, it is in the state that was said last.
                    changed.pop(version_id, None)
    total = _whole(head.get("version_count"))
    return StatePage(states=states, rows=changed, count=count, total=total, head=head, digest=digest)


def _identified(row: Any) -> tuple[int | None, JobStatus | None]:
    if not isinstance(row, dict):
        return None, None
    return _whole(row.get("version_id")), _status(row.get("status"))


def _status(value: Any) -> JobStatus | None:
    if value is None:
        return JobStatus.UNKNOWN
    number = _whole(value)
    return None if number is None else JobStatus(number)


def _whole(value: Any) -> int | None:
    if type(value) is int:
        return value
    try:
        return structure(value, int)
    except DecodeError:
        return None
