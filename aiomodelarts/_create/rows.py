"""Reading a job's versions until everything new was seen."""

from typing import Protocol

from ..models.job import VersionInfo, VersionPage

PAGE = 1000


class ReadsPages(Protocol):
    """Asks for one page of a job's versions."""

    async def page(self, job_id: int, page: int, per_page: int) -> VersionPage: ...


async def new_rows(reads: ReadsPages, job_id: int, known: set[int]) -> dict[int, VersionInfo]:
    """The versions of a job that are not known yet, by id.

    The list is newest first, so a page of known rows in falling order ends the reading; a list in any other order is
    read to its end.

    Args:
        reads: asks for pages.
        job_id: the job.
        known: ids that need not be told again.
    """
    found: dict[int, VersionInfo] = {}
    page = 1
    while True:
        rows = (await reads.page(job_id, page, PAGE)).versions
        found |= {row.version_id: row for row in rows if row.version_id not in known}
        ids = [row.version_id for row in rows]
        nothing_new = known.issuperset(ids) and ids == sorted(ids, reverse=True)
        if len(rows) < PAGE or nothing_new:
            return found
        page += 1
