"""A session that lives for months: what it keeps of what it made, and of what was there, is little."""

import asyncio
import gc
import sys
from typing import Any

import pytest

from aiomodelarts import TrainingJob
from aiomodelarts._create.desk import JobDesk
from aiomodelarts._wire.message import Request, Response
from aiomodelarts.models.job import VersionInfo
from tests.support.fakes import Service, answer, estimator_on, session_on

pytestmark = pytest.mark.looptime
_ROWS = 2500


class Busy(Service):
    """Makes a new job each time, and has one with many versions."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 10**6
        for number in range(1, _ROWS + 1):
            self.add(99, number, 10)

    def _create_job(self, request: Request) -> Response:
        self._next += 1
        return answer({"is_success": True, "job_id": self._next, "version_id": self._next, "status": 1})

    def row(self, job_id: int, version_id: int) -> dict[str, Any]:
        return {**super().row(job_id, version_id), "train_url": f"/bucket/out/{version_id}/"}


def _alive(kind: type) -> list[Any]:
    gc.collect()
    return [thing for thing in gc.get_objects() if type(thing) is kind]


def _more(kind: type, before: list[Any]) -> int:
    """How many there are now that were not there before; what others have left is theirs."""
    return len({id(thing) for thing in _alive(kind)} - {id(thing) for thing in before})


async def test_jobs_that_get_no_second_version_leave_next_to_nothing() -> None:
    service, before = Busy(), _alive(JobDesk)
    async with session_on(service.transport) as session:
        estimator = estimator_on(session)
        jobs = [await estimator.fit("/bucket/data/", job_name=f"job-{number}") for number in range(50)]
        assert _more(JobDesk, before) == 0
        # One that does get another one needs no look at its list all the same.
        await estimator.create_job_version(jobs[7].job_id, jobs[7].version_id, "/bucket/data/")
        assert not service.counts["versions"]
        assert _more(JobDesk, before) == 1


async def test_rows_that_were_there_before_are_not_kept_whole() -> None:
    before = _alive(VersionInfo)
    service = Busy()
    async with session_on(service.transport) as session:
        estimator = estimator_on(session)
        await estimator.create_job_version(99, 5, "/bucket/data/")
        assert service.counts["versions"] == _ROWS // 1000 + 1
        assert _more(VersionInfo, before) == 0
        # What is kept is enough to find one again by its path.
        service.overrides["version"] = lambda _: answer({"job_id": 99, **service.row(99, 17), "status": 10})
        found = await estimator.create_job_version(
            99, 5, "/bucket/data/", output_path="/bucket/out/17/", intent_id="seventeen"
        )
        assert (found.version_id, found.origin) == (17, "adopted")


async def test_thousands_of_waits_leave_nothing_behind() -> None:
    service = Busy()
    async with session_on(service.transport) as session:

        async def round_of_waits() -> None:
            await asyncio.gather(*(TrainingJob.attach(session, 99, number).wait() for number in range(1, 501)))
            gc.collect()

        await round_of_waits()
        held = sys.getallocatedblocks()
        for _ in range(4):
            await round_of_waits()
        assert sys.getallocatedblocks() - held < 500
