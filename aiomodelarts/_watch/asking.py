"""The questions of one look, under the ceiling on polls."""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, Protocol

from .._clock import Clock
from ..errors import NotFound
from ..models.job import JobDetail
from ..models.states import StatePage
from .ceiling import Ceiling
from .plan import PAGE
from .track import JobWatch, Sighting

_REQUESTS_AT_ONCE = 8


class Reads(Protocol):
    """What the watcher asks."""

    async def version(self, job_id: int, version_id: int) -> JobDetail: ...

    async def states(self, job_id: int, page: int, per_page: int, known: StatePage | None) -> StatePage: ...

    def row(self, page: StatePage, job_id: int, version_id: int) -> JobDetail: ...


class Asker:
    """Asks for pages and single versions, each in its turn.

    Args:
        reads: asks the service.
        clock: measures time.
        ceiling: bounds the requests in a second, over all jobs.
    """

    def __init__(self, reads: Reads, clock: Clock, ceiling: Ceiling) -> None:
        self._reads = reads
        self._clock = clock
        self._ceiling = ceiling

    async def version(self, job_id: int, version_id: int) -> JobDetail:
        """One version whole."""
        await self._ceiling.turn()
        return await self._reads.version(job_id, version_id)

    async def page(self, job: JobWatch, number: int, sighting: Sighting) -> StatePage | None:
        """One page, or None where there is nothing new on it; what it shows is taken note of."""
        await self._ceiling.turn()
        try:
            known = job.pages.get(number) if sighting.may_reuse else None
            page = await self._reads.states(job.job_id, number, PAGE, known)
        except NotFound as error:
            sighting.complete = True
            sighting.absent = error if number == 1 else None
            return None
        if number == 1:
            job.total = page.total
            sighting.complete |= page.count < PAGE
        if not sighting.add(page):
            return None
        if page is not known:
            job.pages[number] = page.without_rows()
        job.positions.learn(page.states.keys())
        return page

    async def walk(self, job: JobWatch, sighting: Sighting, *, to_the_end: bool) -> int:
        """The pages from the first on, until everybody's version was seen or the list ends; how many there were."""
        number = 0
        while True:
            number += 1
            page = await self.page(job, number, sighting)
            # A service that pays no heed to the page number would give the same rows for ever.
            if page is None or page.count < PAGE:
                sighting.complete = True
                break
            if not to_the_end and job.tracks.keys() <= sighting.states.keys():
                break
        if sighting.complete:
            job.swept_at = self._clock.monotonic()
            job.positions.drop(job.positions.ids - sighting.states.keys())
        return number


async def at_once(coroutines: Sequence[Coroutine[Any, Any, object]]) -> None:
    """Run them a few at a time; an error of one comes up only after the others are done."""
    waiting = iter(coroutines)
    errors: list[Exception] = []

    async def work() -> None:
        for one in waiting:
            try:
                await one
            except Exception as error:  # noqa: BLE001  (raised below, when nothing goes on any more)
                errors.append(error)

    workers: list[Awaitable[None]] = [work() for _ in range(min(_REQUESTS_AT_ONCE, len(coroutines)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for one in waiting:
            one.close()
    if errors:
        raise errors[0]
