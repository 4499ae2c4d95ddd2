"""Reading a job's versions until everything new was seen."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Protocol

from ..models.job import VersionInfo, VersionPage

PAGE = 1000


class ReadsPages(Protocol):
    """Asks for one page of a job's versions."""

    async def page(self, job_id: int, page: int, per_page: int) -> VersionPage: ...


async def new_rows(reads: ReadsPages, job_id: int, known: Mapping[int, float], since: float) -> dict[int, VersionInfo]:
    """The versions of a job that are not known yet and were made after a moment, by id; read as ``new_pages`` are."""
    found: dict[int, VersionInfo] = {}
    async with aclosing(new_pages(reads, job_id, known, since)) as pages:
        async for rows in pages:
            found |= {row.version_id: row for row in rows}
    return found


async def new_pages(
    reads: ReadsPages, job_id: int, known: Mapping[int, float], since: float
) -> AsyncGenerator[list[VersionInfo], None]:
    """Page by page, the versions of a job that are not known yet and were made after a moment.

    The list is newest first, so what stands below a page that was known whole at that moment is older. A page of rows
    that became known later ends nothing: with many creates at once, more than a page can be answered while one is
    looked for. A list in any other order is read to its end.

    Args:
        reads: asks for pages.
        job_id: the job.
        known: ids that need not be told again, with the moment when each became known.
        since: nothing older is of interest.
    """
    page = 1
    while True:
        rows = (await reads.page(job_id, page, PAGE)).versions
        ids = [row.version_id for row in rows]
        all_older = all(id_ in known and known[id_] < since for id_ in ids) and ids == sorted(ids, reverse=True)
        yield [row for row in rows if row.version_id not in known]
        if len(rows) < PAGE or all_older:
            return
        page += 1
