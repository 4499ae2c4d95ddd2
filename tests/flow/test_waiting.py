"""Waiting: how a wait ends, what it costs, and what it survives."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from aiomodelarts import (
    AsyncSession,
    Cadence,
    JobStatus,
    ModelArtsError,
    NotAllowed,
    SessionClosed,
    TokenExpired,
    TrainingCancelled,
    TrainingFailed,
    TrainingJob,
    VersionGone,
    WaitTimeout,
)
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import Service, answer, refusal, session_on

pytestmark = pytest.mark.looptime


@pytest.fixture
def service() -> Service:
    return Service()


@pytest_asyncio.fixture
async def session(service: Service) -> AsyncIterator[AsyncSession]:
    async with session_on(service.transport) as session:
        yield session


def version(
    session: AsyncSession, service: Service, version_id: int, status: int | str = 8, job: int = 5
) -> TrainingJob:
    service.add(job, version_id, status)
    return TrainingJob.attach(session, job, version_id)


async def ends(service: Service, after_s: float, version_id: int, status: int | str = 10, job: int = 5) -> None:
    await asyncio.sleep(after_s)
    service.status[job, version_id] = status


async def test_a_wait_returns_the_detail_of_a_completed_version(session: AsyncSession, service: Service) -> None:
    handle = version(session, service, 1)
    detail, _ = await asyncio.gather(handle.wait(), ends(service, 30, 1, "10"))
    assert detail.status is JobStatus.COMPLETED
    assert handle.detail is detail
    assert handle.status is JobStatus.COMPLETED


@pytest.mark.parametrize("number", [3, 5, 6, 11, 16, 17, 21, 22])
async def test_a_failure_carries_the_last_fifty_lines_and_where_the_rest_is(
    session: AsyncSession, service: Service, number: int
) -> None:
    service.log = [f"line {index}" for index in range(80)]
    with pytest.raises(TrainingFailed) as caught:
        await version(session, service, 1, number).wait()
    error = caught.value
    assert not isinstance(error, TrainingCancelled)
    assert error.log_tail == tuple(service.log[-50:])
    assert error.log_url == "/bucket/log/"
    assert error.detail.status == number
    for part in ("line 79", "/bucket/log/", JobStatus(number).name, "job 5", "version 1"):
        assert part in str(error)


async def test_a_failure_with_one_line_of_log_says_so(session: AsyncSession, service: Service) -> None:
    service.log = ["MemoryError"]
    with pytest.raises(TrainingFailed, match="last log line:\n  MemoryError"):
        await version(session, service, 1, 11).wait()


@pytest.mark.parametrize("number", [12, 13])
async def test_a_stopped_version_is_told_from_a_failed_one(
    session: AsyncSession, service: Service, number: int
) -> None:
    with pytest.raises(TrainingCancelled):
        await version(session, service, 1, number).wait()


async def test_a_log_that_cannot_be_read_does_not_hide_the_failure(session: AsyncSession, service: Service) -> None:
    service.overrides["log_files"] = lambda _: refusal("ModelArts.2819")
    with pytest.raises(TrainingFailed) as caught:
        await version(session, service, 1, 11).wait()
    assert caught.value.log_tail == ()


@pytest.mark.parametrize(("timeout_s", "at_most_s"), [(10, 11), (None, 45)])
async def test_a_log_that_hangs_does_not_keep_back_the_failure(
    session: AsyncSession, service: Service, timeout_s: float | None, at_most_s: float
) -> None:
    async def hangs(_: Request) -> Response:
        await asyncio.sleep(3600)
        raise AssertionError

    service.overrides["log_files"] = hangs
    began = asyncio.get_running_loop().time()
    ending = asyncio.ensure_future(ends(service, 9, 1, 11))
    with pytest.raises(TrainingFailed) as caught:
        await version(session, service, 1).wait(timeout_s, poll_s=0.5)
    assert caught.value.log_tail == ()
    assert asyncio.get_running_loop().time() - began <= at_most_s
    await ending


async def test_a_wait_has_a_limit_that_is_also_a_timeout_error(session: AsyncSession, service: Service) -> None:
    handle = version(session, service, 1)
    loop = asyncio.get_running_loop()
    before = loop.time()
    with pytest.raises(TimeoutError) as caught:
        await handle.wait(timeout_s=12.5)
    assert isinstance(caught.value, WaitTimeout)
    assert caught.value.detail.status is JobStatus.RUNNING
    assert loop.time() - before == pytest.approx(12.5)
    assert service.counts["stop"] == 0


async def test_cancelling_a_wait_leaves_the_version_and_the_other_waits_alone(
    session: AsyncSession, service: Service
) -> None:
    handle = version(session, service, 1)
    first, second = asyncio.ensure_future(handle.wait()), asyncio.ensure_future(handle.wait())
    await asyncio.sleep(1)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await ends(service, 1, 1)
    assert (await second).status is JobStatus.COMPLETED
    assert service.counts["stop"] == 0


async def test_an_unlisted_status_is_not_final_and_is_told_once(
    session: AsyncSession, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    handles = [version(session, service, number, 77) for number in (1, 2)]
    with pytest.raises(WaitTimeout):
        await session.wait_all(handles, timeout_s=60)
    assert len([record for record in caplog.records if "77" in record.getMessage()]) == 1


async def test_lost_is_final_only_when_seen_twice(session: AsyncSession, service: Service) -> None:
    handle = version(session, service, 1, 14)
    wait = asyncio.ensure_future(handle.wait())
    while service.counts["version"] < 1:
        await asyncio.sleep(0.01)
    service.status[5, 1] = 8
    await asyncio.sleep(20)
    assert not wait.done()
    service.status[5, 1] = 14
    with pytest.raises(TrainingFailed, match="LOST"):
        await wait


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


@pytest.mark.parametrize("count", [1, 8])
async def test_a_deleted_version_ends_its_wait(session: AsyncSession, service: Service, count: int) -> None:
    handles = [version(session, service, number) for number in range(1, count + 1)]
    waits = [asyncio.ensure_future(handle.wait(timeout_s=300)) for handle in handles]
    await asyncio.sleep(20)
    del service.status[5, 1]
    with pytest.raises(VersionGone, match=r"job 5, version 1"):
        await waits[0]
    assert not any(wait.done() for wait in waits[1:])
    for wait in waits[1:]:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


@pytest.mark.parametrize("count", [1, 8])
async def test_a_deleted_job_ends_all_its_waits(session: AsyncSession, service: Service, count: int) -> None:
    handles = [version(session, service, number) for number in range(1, count + 1)]
    waits = [asyncio.ensure_future(handle.wait(timeout_s=300)) for handle in handles]
    await asyncio.sleep(20)
    service.status.clear()
    service.overrides["versions"] = lambda _: refusal("ModelArts.2775")
    for result in await asyncio.gather(*waits, return_exceptions=True):
        assert isinstance(result, VersionGone)


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize(
    ("given", "error"),
    [
        (refusal("ModelArts.0206", 403), NotAllowed),
        (refusal("ModelArts.0202", 401), TokenExpired),
        (refusal("ModelArts.0104", 400), ModelArtsError),
    ],
)
async def test_a_question_that_is_refused_for_good_ends_the_waits(
    session: AsyncSession, service: Service, count: int, given: Response, error: type[Exception]
) -> None:
    service.overrides = {"version": lambda _: given, "versions": lambda _: given}
    handles = [version(session, service, number) for number in range(1, count + 1)]
    results = await asyncio.gather(*(handle.wait(timeout_s=300) for handle in handles), return_exceptions=True)
    assert all(isinstance(result, error) and not isinstance(result, TimeoutError) for result in results)


async def test_a_session_without_credentials_says_so_to_whoever_waits() -> None:
    session = AsyncSession()
    with pytest.raises(ModelArtsError, match="no credentials"):
        await TrainingJob.attach(session, 5, 1).wait(timeout_s=60)
    await session.close()


async def test_closing_the_session_ends_the_waits(service: Service) -> None:
    session = session_on(service.transport)
    waits = [asyncio.ensure_future(version(session, service, number).wait()) for number in range(1, 20)]
    await asyncio.sleep(3)
    await session.close()
    for result in await asyncio.gather(*waits, return_exceptions=True):
        assert isinstance(result, SessionClosed)
    with pytest.raises(SessionClosed):
        await version(session, service, 1).wait()


async def test_a_wait_cancelled_while_the_session_closes_leaves_no_unread_error(service: Service) -> None:
    session = session_on(service.transport)
    wait = asyncio.ensure_future(version(session, service, 1).wait())
    await asyncio.sleep(3)
    closing = asyncio.ensure_future(session.close())
    await asyncio.sleep(0)
    wait.cancel()
    await asyncio.gather(wait, closing, return_exceptions=True)


async def test_as_completed_gives_each_handle_once_in_the_order_of_their_ends(
    session: AsyncSession, service: Service
) -> None:
    handles = [version(session, service, number) for number in (1, 2, 3, 4, 5)]
    order = [4, 1, 5, 3, 2]
    ending = [asyncio.ensure_future(ends(service, 60 * place, number)) for place, number in enumerate(order, 1)]
    assert [done.version_id async for done in session.as_completed(handles)] == order
    await asyncio.gather(*ending)


async def test_leaving_as_completed_early_leaves_nothing_running(session: AsyncSession, service: Service) -> None:
    handles = [version(session, service, number) for number in (1, 2, 3)]
    service.status[5, 2] = 11
    iterator = session.as_completed(handles)
    assert (await anext(iterator)).version_id == 2
    await iterator.aclose()
    assert len(asyncio.all_tasks()) <= 2 + 1


async def test_as_completed_has_one_limit_for_all(session: AsyncSession, service: Service) -> None:
    handles = [version(session, service, 1, 10), version(session, service, 2)]
    seen = []
    with pytest.raises(WaitTimeout):
        async for done in session.as_completed(handles, timeout_s=30):
            seen.append(done.version_id)
    assert seen == [1]


async def test_wait_all_has_one_limit_for_all_also_under_a_bound(session: AsyncSession, service: Service) -> None:
    handles = [version(session, service, number) for number in range(20)]
    loop = asyncio.get_running_loop()
    before = loop.time()
    with pytest.raises(WaitTimeout):
        await session.wait_all(handles, timeout_s=30, max_concurrency=2)
    assert loop.time() - before == pytest.approx(30)


async def test_as_completed_and_wait_all_of_nothing(session: AsyncSession) -> None:
    assert [done async for done in session.as_completed([])] == []
    assert await session.wait_all([]) == []


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
