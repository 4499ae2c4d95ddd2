"""Events of all jobs of a project, and of jobs that are not there."""

import asyncio
import random
from typing import Any

import pytest

from aiomodelarts import AsyncSession, InvalidArgument, NotAllowed, NotFound
from aiomodelarts._cursor import Told, encode
from aiomodelarts._wire.message import Response
from aiomodelarts.events import BEGINNING, Appeared, Disappeared, Event, Finished, VersionEvent
from tests.support.fakes import Service, answer, refusal, session_on

pytestmark = pytest.mark.looptime


def told(event: Event) -> tuple[Any, ...]:
    assert isinstance(event, VersionEvent)
    return (type(event).__name__, event.job_id, event.version_id, int(event.status))


async def collect(session: AsyncSession, seconds: float, after: str | None, **options: Any) -> list[Event]:
    """What comes within so many seconds."""
    events: list[Event] = []
    stream = session.events(after=after, **options)
    try:
        async with asyncio.timeout(seconds):
            async for event in stream:
                events.append(event)
    except TimeoutError:
        pass
    finally:
        await stream.aclose()
    return events


async def moves(service: Service, *steps: tuple[float, int, int, int | None]) -> None:
    for after_s, job, version, status in steps:
        await asyncio.sleep(after_s)
        if status is None:
            del service.status[job, version]
        else:
            service.add(job, version, status)


async def test_jobs_that_are_there_and_jobs_that_come(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 10)
    service.add(6, 1, 8)
    steps = moves(service, (60, 6, 1, 10), (300, 7, 1, 8), (60, 5, 2, 8), (60, 5, 2, 11), (60, 7, 1, 12))
    events, _ = await asyncio.gather(collect(session, 900, None), steps)
    assert [told(event) for event in events] == [
        ("Finished", 6, 1, 10),
        ("Appeared", 7, 1, 8),
        ("Appeared", 5, 2, 8),
        ("Finished", 5, 2, 11),
        ("Finished", 7, 1, 12),
    ]


async def test_from_the_beginning_and_from_a_cursor(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 10)
    service.add(6, 1, 8)
    first = await collect(session, 30, BEGINNING)
    assert sorted(map(told, first)) == [("Appeared", 5, 1, 10), ("Appeared", 6, 1, 8), ("Finished", 5, 1, 10)]
    service.add(6, 1, 11)
    service.add(9, 3, 7)
    second = await collect(session, 60, first[-1].cursor)
    assert sorted(map(told, second)) == [("Appeared", 9, 3, 7), ("Finished", 6, 1, 11)]


async def test_a_job_that_was_deleted_is_told_version_by_version(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 10)
    service.add(5, 2, 10)
    service.add(6, 1, 8)
    answering = service._versions

    def job_of(request: Any) -> int:
        return int(request.path.split("/")[-2])

    def versions(request: Any) -> Any:
        job = job_of(request)
        return answering(request, job) if any(key[0] == job for key in service.status) else refusal("ModelArts.2775")

    service.overrides["versions"] = versions
    steps = moves(service, (60, 5, 1, None), (0, 5, 2, None), (100, 6, 1, 10))
    events, _ = await asyncio.gather(collect(session, 400, None), steps)
    assert [told(event) for event in events] == [
        ("Disappeared", 5, 1, 10),
        ("Disappeared", 5, 2, 10),
        ("Finished", 6, 1, 10),
    ]


async def test_jobs_at_rest_are_left_alone(session: AsyncSession, service: Service) -> None:
    for job in range(1, 201):
        service.add(job, 1, 10 if job > 2 else 8)
    reading = asyncio.ensure_future(collect(session, 3000, None))
    await asyncio.sleep(300)
    before = service.counts["versions"]
    await asyncio.sleep(200)
    # Two jobs where something goes on, at most one look in two seconds each, and not 200 of them.
    assert 40 <= service.counts["versions"] - before <= 200
    service.add(150, 2, 8)
    await asyncio.sleep(30)
    service.add(150, 2, 10)
    events = await reading
    assert [told(event) for event in events] == [("Appeared", 150, 2, 8), ("Finished", 150, 2, 10)]


@pytest.mark.parametrize("seed", range(10))
async def test_over_restarts_nothing_is_told_twice_or_missing(service: Service, seed: int) -> None:
    chance = random.Random(seed)
    ends: dict[tuple[int, int], int] = {}

    async def live() -> None:
        for _ in range(80):
            await asyncio.sleep(chance.uniform(0, 12))
            running = [key for key, status in service.status.items() if status in (7, 8)]
            if not running or chance.random() < 0.4:
                job = chance.randint(1, 6)
                number = sum(key[0] == job for key in service.status) + 1
                service.add(job, number, chance.choice([7, 8, 10]))
                if service.status[job, number] == 10:
                    ends[job, number] = 10
            else:
                key = chance.choice(running)
                service.status[key] = chance.choice([8, 10, 11])
                if service.status[key] != 8:
                    ends[key] = int(service.status[key])

    living = asyncio.ensure_future(live())
    cursor, events = BEGINNING, list[Event]()
    while True:
        over = living.done()
        async with session_on(service.transport) as session:
            got = await collect(session, 60 if over else chance.uniform(0.5, 90), cursor, buffer=chance.choice([3, 99]))
        got = got if over else got[: chance.randint(0, len(got))]
        events += got
        cursor = got[-1].cursor if got else cursor
        if over:
            break
        await asyncio.sleep(chance.uniform(0, 30))
    await living
    ids = [event.id for event in events if isinstance(event, VersionEvent)]
    assert len(ids) == len(set(ids))
    finished = {(event.job_id, event.version_id): event.status for event in events if isinstance(event, Finished)}
    assert finished == ends
    appeared = {(event.job_id, event.version_id) for event in events if isinstance(event, Appeared)}
    assert appeared == service.status.keys()
    assert not any(isinstance(event, Disappeared) for event in events)


@pytest.mark.parametrize("instead", [refusal("ModelArts.0010", 500), answer(b"<html>Please log in</html>")])
async def test_a_list_of_jobs_that_fails_is_asked_for_again_unless_it_is_refused(
    session: AsyncSession, service: Service, caplog: pytest.LogCaptureFixture, instead: Response
) -> None:
    service.add(5, 1, 8)
    service.overrides["jobs"] = lambda _: instead
    stream = session.events(after=BEGINNING)
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(60)
    assert not first.done()
    assert "could not be listed" in caplog.text
    del service.overrides["jobs"]
    assert told(await first) == ("Appeared", 5, 1, 8)
    service.overrides["jobs"] = lambda _: refusal("ModelArts.0206", 403)
    with pytest.raises(NotAllowed):
        await anext(stream)


@pytest.mark.parametrize("after", [None, BEGINNING, encode({5: {1: Told(8)}})])
async def test_a_job_that_is_not_there_ends_the_stream(
    session: AsyncSession, service: Service, after: str | None
) -> None:
    service.overrides["versions"] = lambda _: refusal("ModelArts.2775")
    began, events = asyncio.get_running_loop().time(), list[Event]()
    with pytest.raises(NotFound, match="there is no job 5"):
        async for event in session.events(5, after):
            events.append(event)
    assert 10 <= asyncio.get_running_loop().time() - began < 20
    assert [told(event) for event in events] == ([("Disappeared", 5, 1, 8)] if after not in (None, BEGINNING) else [])


async def test_a_job_that_shows_up_late_is_no_error(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 8)
    service.overrides["versions"] = lambda _: refusal("ModelArts.2775")
    stream = session.events(5, BEGINNING)
    first = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(8)
    service.overrides.clear()
    assert told(await first) == ("Appeared", 5, 1, 8)
    await stream.aclose()


async def test_without_a_cursor_a_job_that_was_not_looked_at_yet_begins_anew(
    session: AsyncSession, service: Service
) -> None:
    """What ``after=None`` has as its cursor: of jobs without a whole look, nothing."""
    service.add(5, 1, 10)
    service.add(6, 1, 10)
    answering = service._versions

    def slow(request: Any) -> Any:
        if "/training-jobs/6/" in request.path:
            return refusal("ModelArts.0010", 500)
        return answering(request, 5)

    service.overrides["versions"] = slow
    reading = session.events([5, 6])
    first = asyncio.ensure_future(anext(reading))
    await asyncio.sleep(20)
    service.add(5, 2, 8)
    cursor = (await first).cursor
    await reading.aclose()
    service.overrides.clear()
    again = session.events([5, 6], cursor)
    second = asyncio.ensure_future(anext(again))
    await asyncio.sleep(20)
    service.add(6, 2, 8)
    # The version that job 6 had all the time is no news.
    assert told(await second) == ("Appeared", 6, 2, 8)
    await again.aclose()


async def test_a_cursor_of_all_jobs_is_for_all_jobs(session: AsyncSession) -> None:
    every, one = encode({5: {}}, everything=True), encode({5: {}})
    with pytest.raises(InvalidArgument, match="belongs to all jobs, and this is about job 5"):
        session.events(5, every)
    with pytest.raises(InvalidArgument, match="belongs to job 5, and this is about all jobs"):
        session.events(after=one)
