"""Waiting: how a wait ends."""

import asyncio

import pytest

from aiomodelarts import (
    AsyncSession,
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
from tests.support.fakes import Service, estimator_on, refusal, session_on
from tests.watch.versions import ends, version

pytestmark = pytest.mark.looptime


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


async def test_a_version_that_was_made_long_ago_is_looked_at_soon() -> None:
    service = Service()
    async with session_on(service.transport) as session:
        made = await estimator_on(session).create_job_version(7, 5, "/bucket/data/")
        service.add(7, made.version_id, 10)
        await asyncio.sleep(3600)
        began = asyncio.get_running_loop().time()
        await made.wait()
        assert asyncio.get_running_loop().time() - began < 0.2
