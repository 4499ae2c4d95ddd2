"""What waits cost, and what they survive: lists and reads that hang, lag, fail or repeat themselves."""

import asyncio

import pytest

from aiomodelarts import (
    AsyncSession,
    Cadence,
    JobStatus,
    TrainingJob,
    WaitTimeout,
)
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import Service, answer, refusal
from tests.watch.versions import ends, version

pytestmark = pytest.mark.looptime


async def test_a_thousand_waits_on_one_job_cost_one_list_a_look(session: AsyncSession, service: Service) -> None:
    handles = [version(session, service, number) for number in range(1, 1001)]
    everything = asyncio.ensure_future(session.wait_all(handles))
    await asyncio.sleep(60)
    looks = service.counts["versions"]
    assert 12 <= looks <= 60
    assert service.counts["version"] == 0
    for number in range(1, 1001):
        service.status[5, number] = 10
    details = await everything
    assert [detail.version_id for detail in details] == list(range(1, 1001))
    assert service.counts["version"] == 0


async def test_a_thousand_waits_on_one_version_cost_one_read_a_look(session: AsyncSession, service: Service) -> None:
    handle = version(session, service, 1)
    everything = asyncio.gather(*(handle.ended() for _ in range(1000)))
    await ends(service, 60, 1)
    assert len(await everything) == 1000
    assert service.counts["version"] <= 60


async def test_waits_on_the_rows_of_several_pages(session: AsyncSession, service: Service) -> None:
    handles = [version(session, service, number, 10) for number in range(1, 2501)]
    assert len(await session.wait_all(handles)) == 2500
    assert service.counts["versions"] == 3


async def test_a_service_that_repeats_a_page_for_ever_is_not_asked_for_ever(
    session: AsyncSession, service: Service
) -> None:
    rows = [{"version_id": number, "status": 8} for number in range(1000)]
    service.overrides["versions"] = lambda _: answer({"versions": rows})
    handles = [version(session, service, number) for number in (5000, 5001, 5002, 5003)]
    with pytest.raises(WaitTimeout):
        await session.wait_all(handles, timeout_s=5)
    assert service.counts["versions"] < 200


async def test_a_job_whose_looks_hang_does_not_hold_up_another(session: AsyncSession, service: Service) -> None:
    async def hangs(request: Request) -> Response:
        if "/training-jobs/6/" in request.path:
            await asyncio.sleep(3600)
        return service._version(request, *map(int, request.path.split("/")[4::2]))

    service.overrides["version"] = hangs
    slow = asyncio.ensure_future(version(session, service, 1, job=6).wait())
    await asyncio.sleep(1)
    quick = asyncio.ensure_future(version(session, service, 2).wait(timeout_s=60))
    await ends(service, 10, 2)
    assert (await quick).status is JobStatus.COMPLETED
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)


async def test_an_undecodable_version_does_not_hold_up_its_neighbours(session: AsyncSession, service: Service) -> None:
    first, second = version(session, service, 1, "nonsense"), version(session, service, 2, 10)
    wait = asyncio.ensure_future(first.wait(timeout_s=60))
    assert (await second.wait(timeout_s=60)).version_id == 2
    service.status[5, 1] = 10
    assert (await wait).version_id == 1


async def test_a_failing_look_does_not_fail_the_waits(session: AsyncSession, service: Service) -> None:
    handles = [version(session, service, number) for number in range(1, 9)]
    service.overrides["versions"] = lambda _: refusal("ModelArts.6102", 500)
    everything = asyncio.ensure_future(session.wait_all(handles))
    await asyncio.sleep(120)
    assert not everything.done()
    del service.overrides["versions"]
    for number in range(1, 9):
        service.status[5, number] = 10
    assert len(await everything) == 8


async def test_one_failing_detail_leaves_no_reads_behind(session: AsyncSession, service: Service) -> None:
    handles = [version(session, service, number, 10) for number in range(1, 9)]

    async def detail(request: Request) -> Response:
        number = int(request.path.rpartition("/")[2])
        if number == 8 and service.counts["version"] < 12:
            return refusal("ModelArts.6102", 500)
        await asyncio.sleep(5)
        return service._version(request, 5, number)

    service.overrides["version"] = detail
    assert len(await session.wait_all(handles, timeout_s=120)) == 8
    assert service.counts["version"] < 20


@pytest.mark.parametrize("count", [1, 8])
async def test_a_version_that_a_lagging_service_does_not_show_yet_is_not_gone(
    session: AsyncSession, service: Service, count: int
) -> None:
    handles = [TrainingJob.attach(session, 5, number) for number in range(1, count + 1)]
    wait = asyncio.ensure_future(session.wait_all(handles))
    await asyncio.sleep(5)
    for number in range(1, count + 1):
        service.add(5, number, 10)
    assert len(await wait) == count


@pytest.mark.parametrize("count", [1, 8])
async def test_a_list_that_lags_longer_is_checked_against_the_versions_themselves(
    session: AsyncSession, service: Service, count: int
) -> None:
    service.overrides["versions"] = lambda _: answer({"versions": []})
    handles = [version(session, service, number) for number in range(1, count + 1)]
    wait = asyncio.ensure_future(session.wait_all(handles))
    await asyncio.sleep(100)
    assert not wait.done()
    del service.overrides["versions"]
    for number in range(1, count + 1):
        service.status[5, number] = 10
    assert len(await wait) == count


async def test_single_reads_that_lag_behind_the_list_do_not_make_a_version_gone(
    session: AsyncSession, service: Service
) -> None:
    service.overrides["version"] = lambda _: refusal("ModelArts.2775", 404)
    waits = [asyncio.ensure_future(version(session, service, number).ended(poll_s=0.2)) for number in range(1, 9)]
    await asyncio.sleep(1)
    assert service.counts["versions"] > 0
    for wait in waits[1:]:
        wait.cancel()
    await asyncio.sleep(3)
    assert service.counts["version"] > 10
    del service.overrides["version"]
    service.status[5, 1] = 10
    assert (await waits[0]).status is JobStatus.COMPLETED


def test_cadence_is_short_for_the_young_capped_for_the_old_and_slows_down_after_failures() -> None:
    cadence = Cadence(min_s=0.1, max_s=10, share=0.5)
    assert cadence.pause_s(0) == 0.1
    assert cadence.pause_s(4) == 2
    assert cadence.pause_s(10_000) == 10
    pauses = [cadence.pause_s(4, failures) for failures in range(2000)]
    assert pauses == sorted(pauses)
    assert pauses[1] == 4
    assert max(pauses) == 30


@pytest.mark.parametrize("bad", [{"min_s": 0}, {"max_s": -1}, {"share": 0}])
def test_a_cadence_without_pauses_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Cadence(**bad)
