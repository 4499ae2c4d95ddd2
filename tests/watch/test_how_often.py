"""How often is looked: newcomers, a ceiling over all jobs, bounds of one wait."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from aiomodelarts import (
    AsyncSession,
    Cadence,
    InvalidArgument,
    NotAllowed,
    TrainingJob,
    WaitTimeout,
)
from tests.support.fakes import Service, refusal, session_on
from tests.watch.versions import version

pytestmark = pytest.mark.looptime


async def test_a_newcomer_is_looked_at_within_its_first_interval(service: Service) -> None:
    async with session_on(service.transport, poll_s=(1, 60)) as session:
        old = asyncio.ensure_future(version(session, service, 1).ended())
        await asyncio.sleep(3600)
        began = asyncio.get_running_loop().time()
        await version(session, service, 2, 10).ended()
        assert asyncio.get_running_loop().time() - began <= 1.06
        old.cancel()
        await asyncio.gather(old, return_exceptions=True)


async def test_newcomers_do_not_hurry_a_service_that_fails(session: AsyncSession, service: Service) -> None:
    service.overrides["versions"] = service.overrides["version"] = lambda _: refusal("ModelArts.6102", 500)
    waits = []
    for number in range(200):
        waits.append(asyncio.ensure_future(version(session, service, number, 10).ended()))
        await asyncio.sleep(0.1)
    looks = service.counts["versions"] + service.counts["version"]
    assert 10 <= looks <= 60
    service.overrides.clear()
    assert len(await asyncio.gather(*waits)) == 200


async def test_polls_keep_to_the_ceiling_over_all_jobs_and_no_job_is_starved(service: Service) -> None:
    async with session_on(service.transport, cadence=Cadence(min_s=0.1, max_s=1, polls_per_s=10)) as session:
        handles = [version(session, service, number, job=job) for job in range(1, 51) for number in range(1, 21)]
        asked: dict[str, list[float]] = {}
        answering = service._versions

        def noted(request, job_id):  # type: ignore[no-untyped-def]
            asked.setdefault(request.path, []).append(asyncio.get_running_loop().time())
            return answering(request, job_id)

        service._versions = noted  # type: ignore[method-assign]
        everything = asyncio.ensure_future(session.wait_all(handles))
        await asyncio.sleep(100)
        moments = sorted(moment for some in asked.values() for moment in some)
        assert len(asked) == 50
        assert len(moments) <= 1001
        counts = [len(some) for some in asked.values()]
        assert max(counts) - min(counts) <= 1
        for key in service.status:
            service.status[key] = 10
        assert len(await everything) == 1000


async def test_one_poll_a_second_is_one_poll_a_second(service: Service) -> None:
    async with session_on(service.transport, poll_s=1) as session:
        handles = [version(session, service, number) for number in range(1, 1001)]
        everything = asyncio.ensure_future(session.wait_all(handles))
        for number in range(1, 1001):
            await asyncio.sleep(0.1)
            service.status[5, number] = 10
        await everything
        assert service.counts["versions"] + service.counts["version"] <= 2 * 101
        assert service.counts["versions"] >= 90


async def test_a_deadline_holds_while_every_answer_hangs(session: AsyncSession, service: Service) -> None:
    async def hangs(_):  # type: ignore[no-untyped-def]
        await asyncio.sleep(3600)

    service.overrides["version"] = hangs
    began = asyncio.get_running_loop().time()
    with pytest.raises(WaitTimeout):
        await version(session, service, 1).wait(timeout_s=20)
    assert asyncio.get_running_loop().time() - began <= 21


async def test_versions_made_by_others_do_not_hide_those_awaited_on_older_pages(
    session: AsyncSession, service: Service
) -> None:
    handles = [version(session, service, number) for number in range(1, 11)]
    for number in range(11, 1990):
        service.add(5, number, 10)
    everything = asyncio.ensure_future(session.wait_all(handles))
    await asyncio.sleep(60)
    for number in range(1990, 4000):
        service.add(5, number, 10)
    await asyncio.sleep(60)
    for number in range(1, 11):
        service.status[5, number] = 10
    assert len(await everything) == 10
    assert service.counts["version"] == 0


async def looks_within(service: Service, seconds: float) -> int:
    before = service.counts["version"] + service.counts["versions"]
    await asyncio.sleep(seconds)
    return service.counts["version"] + service.counts["versions"] - before


async def _events(session: AsyncSession, handle: TrainingJob) -> None:
    async with contextlib.aclosing(session.events(handle.job_id, poll_s=10)) as events:
        await anext(events)


async def _follows(handle: TrainingJob, **options: Any) -> None:
    async with contextlib.aclosing(handle.logs(follow=True, **options)) as lines:
        await anext(lines, None)


@pytest.mark.parametrize(
    "wait",
    [
        pytest.param(lambda session, handle: handle.ended(poll_s=10), id="ended"),
        pytest.param(lambda session, handle: handle.wait(poll_s=(10, 10)), id="wait"),
        pytest.param(lambda session, handle: _last(handle.updates(poll_s=10)), id="updates"),
        pytest.param(lambda session, handle: session.wait_all([handle], poll_s=10), id="wait_all"),
        pytest.param(lambda session, handle: _last(session.as_completed([handle], poll_s=10)), id="as_completed"),
        pytest.param(_events, id="events"),
        pytest.param(lambda session, handle: _follows(handle, poll_s=10), id="logs"),
    ],
)
async def test_whoever_waits_can_have_bounds_of_their_own(service: Service, wait: Any) -> None:
    async with session_on(service.transport, poll_s=1) as session:
        waiting = asyncio.ensure_future(wait(session, version(session, service, 1)))
        assert 9 <= await looks_within(service, 100) <= 11
        # A look serves everybody, so it comes as soon as anybody wants it, and no longer than that.
        hasty = asyncio.ensure_future(TrainingJob.attach(session, 5, 1).ended())
        assert 99 <= await looks_within(service, 100) <= 101
        hasty.cancel()
        await asyncio.sleep(10)
        assert 9 <= await looks_within(service, 100) <= 11
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, hasty, return_exceptions=True)


async def _last(iterator: AsyncIterator[Any]) -> Any:
    return [one async for one in iterator][-1]


async def test_the_log_itself_is_looked_at_within_the_bounds(session: AsyncSession, service: Service) -> None:
    following = asyncio.ensure_future(_follows(version(session, service, 1), poll_s=20))
    await asyncio.sleep(200)
    assert 9 <= service.counts["log_files"] <= 11
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


@pytest.mark.parametrize("poll_s", [0, (2, 1), float("nan"), "1"])
async def test_bounds_that_are_none_are_refused_before_anything_is_asked(
    session: AsyncSession, service: Service, poll_s: Any
) -> None:
    handle = version(session, service, 1)
    for wait in (
        lambda: handle.ended(poll_s=poll_s),
        lambda: handle.wait(poll_s=poll_s),
        lambda: anext(handle.updates(poll_s=poll_s)),
        lambda: session.wait_all([handle], poll_s=poll_s),
        lambda: anext(session.as_completed([handle], poll_s=poll_s)),
        lambda: anext(session.events(5, poll_s=poll_s)),
        lambda: anext(handle.logs(poll_s=poll_s)),
    ):
        with pytest.raises(InvalidArgument, match="poll_s"):
            await wait()
    assert not service.counts


async def test_what_has_ended_is_told_soon_however_seldom_looks_are_wanted(service: Service) -> None:
    async with session_on(service.transport, poll_s=600) as session:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in (1, 2):
            await version(session, service, number, 10).wait()
        assert loop.time() - began <= 1
        # Those who come one after the other while somebody waits bring nothing forward beyond the bounds.
        waits = [asyncio.ensure_future(version(session, service, 3).ended())]
        for number in range(10, 20):
            await asyncio.sleep(30)
            waits.append(asyncio.ensure_future(version(session, service, number).ended()))
        assert service.counts["version"] == 3
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


@pytest.mark.parametrize(("took_s", "most"), [(0.1, 25), (600, 4)])
async def test_what_is_known_to_take_long_is_looked_at_more_seldom(
    session: AsyncSession, service: Service, monkeypatch: pytest.MonkeyPatch, took_s: float, most: int
) -> None:
    row = service.row
    monkeypatch.setattr(service, "row", lambda *ids: {**row(*ids), "duration": took_s * 1000})
    # One after the other, so that the job is let go of in between.
    for number in (1, 2, 3):
        await version(session, service, number, 10).ended()
    waiting = asyncio.ensure_future(version(session, service, 4).ended())
    assert most * 0.5 <= await looks_within(service, 10) <= most
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.parametrize(("room", "least", "most"), [(1.0, 40, 60), (0.3, 10, 25), (0.0, 3, 9)])
async def test_looks_leave_room_to_others_when_the_rate_is_short(
    service: Service, monkeypatch: pytest.MonkeyPatch, room: float, least: int, most: int
) -> None:
    monkeypatch.setattr("aiomodelarts._parts.headroom", lambda _: room)
    async with session_on(service.transport, cadence=Cadence(min_s=0.1, max_s=1000, share=0.1)) as session:
        waiting = asyncio.ensure_future(version(session, service, 1).ended())
        await asyncio.sleep(1)
        assert least <= await looks_within(service, 100) <= most
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_job_that_nobody_follows_any_more_is_let_go(session: AsyncSession, service: Service) -> None:
    service.overrides["version"] = lambda _: refusal("ModelArts.0206", 403)
    with pytest.raises(NotAllowed):
        await version(session, service, 1).wait()
    assert await looks_within(service, 600) == 0
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("aiomodelarts")]


def test_bounds_are_given_once() -> None:
    with pytest.raises(InvalidArgument, match="poll_s"):
        AsyncSession(poll_s=1, cadence=Cadence())
