"""Updates: each state of a version once, in order."""

import asyncio

import pytest

from aiomodelarts import (
    AsyncSession,
    JobStatus,
    SessionClosed,
    TrainingJob,
    VersionGone,
)
from tests.support.fakes import Service, estimator_on, session_on
from tests.watch.versions import passes_through, version

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("others", [0, 8])
async def test_updates_give_each_state_once_and_stop_after_the_last(
    session: AsyncSession, service: Service, others: int
) -> None:
    waits = [asyncio.ensure_future(version(session, service, 10 + n).ended()) for n in range(others)]
    handle = version(session, service, 1, 7)
    moving = asyncio.ensure_future(passes_through(service, 1, 8, 15, 8, 10))
    seen = [detail.status async for detail in handle.updates()]
    assert seen == [7, 8, 15, 8, 10]
    assert handle.status is JobStatus.COMPLETED
    await moving
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


@pytest.mark.parametrize("others", [0, 8])
async def test_a_state_that_goes_back_is_told_and_ends_nothing(
    session: AsyncSession, service: Service, others: int
) -> None:
    waits = [asyncio.ensure_future(version(session, service, 10 + n).ended()) for n in range(others)]
    handle = version(session, service, 1, 8)
    ended = asyncio.ensure_future(handle.ended())
    moving = asyncio.ensure_future(passes_through(service, 1, 1, 8, 7, 1, 8, 10))
    assert [detail.status async for detail in handle.updates()] == [8, 1, 8, 7, 1, 8, 10]
    assert (await ended).status is JobStatus.COMPLETED
    await moving
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


async def test_a_slow_reader_of_updates_gets_all_of_them(session: AsyncSession, service: Service) -> None:
    handle = version(session, service, 1, 7)
    moving = asyncio.ensure_future(passes_through(service, 1, 8, 15, 8, 10))
    seen = []
    async for detail in handle.updates():
        seen.append(detail.status)
        await asyncio.sleep(300)
    assert seen == [7, 8, 15, 8, 10]
    await moving


async def test_leaving_updates_early_leaves_nothing_behind(session: AsyncSession, service: Service) -> None:
    updates = version(session, service, 1).updates()
    await anext(updates)
    await updates.aclose()
    before = service.counts["version"]
    await asyncio.sleep(600)
    assert service.counts["version"] == before


@pytest.mark.parametrize("others", [0, 8])
async def test_updates_of_a_deleted_version_say_so(session: AsyncSession, service: Service, others: int) -> None:
    waits = [asyncio.ensure_future(version(session, service, 10 + n).ended()) for n in range(others)]
    updates = version(session, service, 1).updates()
    await anext(updates)
    del service.status[5, 1]
    with pytest.raises(VersionGone):
        await anext(updates)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


async def test_the_state_of_a_version_made_here_is_known_without_asking(
    session: AsyncSession, service: Service
) -> None:
    made = await estimator_on(session).create_job_version(5, 1, "/bucket/data/")
    updates = made.updates()
    assert (await anext(updates)).status is JobStatus.INIT
    assert service.counts["version"] == service.counts["versions"] - 1 == 0
    await updates.aclose()


async def test_updates_after_closing_are_refused(service: Service) -> None:
    session = session_on(service.transport)
    await session.close()
    with pytest.raises(SessionClosed):
        await anext(TrainingJob.attach(session, 5, 1).updates())
