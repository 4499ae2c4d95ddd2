"""Events: each once, in order for its version, over restarts, lagging lists and slow consumers."""

import asyncio
import random
from contextlib import aclosing
from typing import Any

import pytest

from aiomodelarts import (
    AsyncSession,
    Cadence,
    InvalidArgument,
    JobStatus,
    NotAllowed,
    Outcome,
    Patience,
    SessionClosed,
    TrainingSpec,
)
from aiomodelarts._create.made import Twin
from aiomodelarts._watch.feed import Feed
from aiomodelarts.events import (
    BEGINNING,
    Appeared,
    Event,
    Finished,
    LogStalled,
    Overflowed,
    StateChanged,
    TwinStopped,
)
from tests.support.fakes import LoopClock, Service, answer, refusal, session_on

pytestmark = pytest.mark.looptime


def told(event: Event) -> tuple[Any, ...]:
    name = type(event).__name__
    return (name, getattr(event, "version_id", None), int(getattr(event, "status", -1)))


async def collect(session: AsyncSession, seconds: float, after: str | None, **options: Any) -> list[Event]:
    """What comes within so many seconds."""
    events: list[Event] = []
    stream = session.events(5, after, **options)
    try:
        async with asyncio.timeout(seconds):
            async for event in stream:
                events.append(event)
    except TimeoutError:
        pass
    finally:
        await stream.aclose()
    return events


async def moves(service: Service, *steps: tuple[float, int, int | None]) -> None:
    for after_s, version, status in steps:
        await asyncio.sleep(after_s)
        if status is None:
            del service.status[5, version]
        else:
            service.add(5, version, status)


async def test_a_version_from_its_appearance_to_its_end(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 10)
    steps = moves(service, (60, 2, 7), (60, 2, 8), (60, 3, 1), (60, 2, 10), (60, 3, 12), (60, 1, None))
    events, _ = await asyncio.gather(collect(session, 600, None), steps)
    assert [told(event) for event in events] == [
        ("Appeared", 2, 7),
        ("StateChanged", 2, 8),
        ("Appeared", 3, 1),
        ("Finished", 2, 10),
        ("Finished", 3, 12),
        ("Disappeared", 1, 10),
    ]
    assert [event.outcome for event in events if isinstance(event, Finished)] == [Outcome.SUCCEEDED, Outcome.CANCELLED]
    assert events[1].before == 7  # type: ignore[attr-defined]
    assert events[0].time.tzinfo is not None


async def test_from_the_beginning_all_that_is_there_is_told(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 10)
    service.add(5, 2, 8)
    events = await collect(session, 30, BEGINNING)
    assert [told(event) for event in events] == [("Appeared", 1, 10), ("Finished", 1, 10), ("Appeared", 2, 8)]


async def test_a_program_that_starts_again_gets_what_changed_meanwhile(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 8)
    service.add(5, 2, 8)
    first, _ = await asyncio.gather(collect(session, 100, BEGINNING), moves(service, (30, 2, 10)))
    service.add(5, 1, 11)
    service.add(5, 3, 7)
    second = await collect(session, 60, first[-1].cursor)
    assert [told(event) for event in second] == [("Finished", 1, 11), ("Appeared", 3, 7)]


@pytest.mark.parametrize("seed", range(20))
async def test_over_restarts_from_any_cursor_nothing_is_told_twice_or_missing(service: Service, seed: int) -> None:
    chance = random.Random(seed)
    ends: dict[int, int] = {}

    async def live() -> None:
        number = 0
        for _ in range(120):
            await asyncio.sleep(chance.uniform(0, 8))
            running = [version for (_, version), status in service.status.items() if status in (1, 7, 8, 15)]
            if not running or chance.random() < 0.35:
                number += 1
                service.add(5, number, chance.choice([1, 7, 8, 10]))
                if service.status[5, number] == 10:
                    ends[number] = 10
            else:
                version = chance.choice(running)
                status = chance.choice([7, 8, 8, 15, 10, 11, 12])
                service.status[5, version] = status
                if status in (10, 11, 12):
                    ends[version] = status

    living = asyncio.ensure_future(live())
    cursor, events = BEGINNING, list[Event]()
    while True:
        over = living.done()
        async with session_on(service.transport) as session:
            got = await collect(session, 20 if over else chance.uniform(0.5, 60), cursor)
        # The program may be killed after having dealt with any one of them; the rest comes again.
        got = got[: chance.randint(0, len(got))] if not over else got
        events += got
        if got:
            cursor = got[-1].cursor
        if over:
            break
        await asyncio.sleep(chance.uniform(0, 30))
    await living
    ids = [event.id for event in events]
    assert len(ids) == len(set(ids))
    finished = [(event.version_id, event.status) for event in events if isinstance(event, Finished)]
    assert sorted(finished) == sorted(ends.items())
    appeared = [event.version_id for event in events if isinstance(event, Appeared)]
    assert sorted(appeared) == sorted(version for _, version in service.status)
    last: dict[int, int] = {}
    for event in events:
        if isinstance(event, StateChanged):
            assert last[event.version_id] == event.before != event.status
        if isinstance(event, Appeared | StateChanged):
            last[event.version_id] = event.status


async def test_a_list_that_lags_makes_nothing_disappear_and_nothing_end_twice(
    session: AsyncSession, service: Service
) -> None:
    service.add(5, 1, 8)
    chance = random.Random(3)
    old = service._versions

    def lagging(request: Any) -> Any:
        now = asyncio.get_running_loop().time()
        if 60 < now < 100 and chance.random() < 0.5:
            return answer({"versions": [{"version_id": 1, "status": 8}]})
        return old(request, 5)

    service.overrides["versions"] = lagging
    steps = moves(service, (30, 2, 8), (20, 2, 10), (10, 1, 10))
    events, _ = await asyncio.gather(collect(session, 200, BEGINNING), steps)
    assert [told(event) for event in events] == [
        ("Appeared", 1, 8),
        ("Appeared", 2, 8),
        ("Finished", 2, 10),
        ("Finished", 1, 10),
    ]


async def test_a_lost_version_that_returns_is_not_finished(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 8)
    steps = moves(service, (30, 1, 14), (10, 1, 8), (30, 1, 14))
    events, _ = await asyncio.gather(collect(session, 200, None), steps)
    assert [told(event) for event in events] == [
        ("StateChanged", 1, 14),
        ("StateChanged", 1, 8),
        ("StateChanged", 1, 14),
        ("Finished", 1, 14),
    ]


async def test_a_job_of_several_pages_is_seen_whole(session: AsyncSession, service: Service) -> None:
    for number in range(1, 3501):
        service.add(5, number, 8 if number < 6 else 10)
    steps = moves(service, (100, 3, 10), (1, 4000, 8), (20, 4, 11), (20, 2500, None))
    events, _ = await asyncio.gather(collect(session, 400, None), steps)
    assert {told(event) for event in events} == {
        ("Finished", 3, 10),
        ("Appeared", 4000, 8),
        ("Finished", 4, 11),
        ("Disappeared", 2500, 10),
    }
    assert len(events) == 4


async def test_a_slow_consumer_is_told_of_an_overflow_and_misses_no_end(
    session: AsyncSession, service: Service
) -> None:
    quick = asyncio.ensure_future(collect(session, 2000, None))
    slow = session.events(5, BEGINNING, buffer=10)
    events: list[Event] = []
    service.add(5, 1000, 8)
    events.append(await anext(slow))
    for number in range(1, 101):
        service.add(5, number, 8)
    await asyncio.sleep(100)
    for number in range(1, 101):
        service.status[5, number] = 10
    service.status[5, 1000] = 11
    while sum(isinstance(event, Finished) for event in events) < 101:
        await asyncio.sleep(0.5)
        async with asyncio.timeout(200):
            events.append(await anext(slow))
    await slow.aclose()
    assert any(isinstance(event, Overflowed) for event in events)
    finished = [event.version_id for event in events if isinstance(event, Finished)]
    assert sorted(finished) == [*range(1, 101), 1000]
    ids = [event.id for event in events]
    assert len(ids) == len(set(ids))
    assert sum(isinstance(event, Finished) for event in await quick) == 101


async def test_who_is_slow_all_the_time_is_told_that_changes_are_held_back(
    session: AsyncSession, service: Service
) -> None:
    for number in range(1, 41):
        service.add(5, number, 10)
    names = []
    async with asyncio.timeout(36_000), aclosing(session.events(5, BEGINNING, buffer=8)) as events:
        async for event in events:
            names.append(type(event).__name__)
            # There is room for one more, again and again, and never for half of what a buffer takes.
            await asyncio.sleep(30)
            if names.count("Finished") == 40:
                break
    assert names.index("Overflowed") == 8
    assert 5 <= names.count("Overflowed") <= 15


async def test_a_buffer_of_one_passes_everything_on_to_a_slow_consumer(session: AsyncSession, service: Service) -> None:
    for number in range(1, 6):
        service.add(5, number, 10)
    ids: set[str] = set()
    async with asyncio.timeout(3600), aclosing(session.events(5, BEGINNING, buffer=1)) as events:
        async for event in events:
            await asyncio.sleep(60)
            if not isinstance(event, Overflowed):
                assert event.id not in ids
                ids.add(event.id)
            if len(ids) == 10:
                break
    assert ids == {f"5-{number}-{kind}" for number in range(1, 6) for kind in ("appeared", "finished-10")}


async def test_a_log_that_stands_still_is_told_once_and_nothing_is_stopped(
    session: AsyncSession, service: Service
) -> None:
    service.add(5, 1, 8)
    grown = 0

    def page(_: Any) -> Any:
        nonlocal grown
        grown += asyncio.get_running_loop().time() < 300
        return answer({"content": "x\n", "lines": "1", "start_line": grown, "end_line": str(grown)})

    service.log = ["x"]
    service.overrides["log"] = page
    events = await collect(session, 2000, None, log_stalled_s=120)
    assert [type(event) for event in events] == [LogStalled]
    assert events[0].still_s >= 120  # type: ignore[attr-defined]
    assert service.counts["stop"] == 0


async def test_a_twin_that_was_stopped_is_told_once(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 8)
    reading = asyncio.ensure_future(collect(session, 100, None))
    await asyncio.sleep(30)
    spec: TrainingSpec = object()  # type: ignore[assignment]
    session._parts.maker.twins.append(Twin(job_id=5, version_id=7, spec=spec))
    session._parts.maker.twins.append(Twin(job_id=6, version_id=8, spec=spec))
    assert [(type(event), event.version_id) for event in await reading] == [(TwinStopped, 7)]  # type: ignore[attr-defined]


async def test_several_jobs_in_one_stream(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 8)
    service.add(6, 1, 8)
    stream = session.events([5, "6", 5], BEGINNING)
    events = [await anext(stream), await anext(stream)]
    await stream.aclose()
    assert sorted(event.job_id for event in events) == [5, 6]  # type: ignore[attr-defined]
    again = session.events([6, 5], events[-1].cursor)
    service.status[6, 1] = 10
    assert told(await anext(again)) == ("Finished", 1, 10)
    await again.aclose()


async def test_a_refusal_for_good_ends_the_stream(session: AsyncSession, service: Service) -> None:
    service.overrides["versions"] = lambda _: refusal("ModelArts.0206", 403)
    with pytest.raises(NotAllowed):
        await anext(session.events(5))


async def test_a_stream_that_nobody_reads_any_more_asks_for_nothing(session: AsyncSession, service: Service) -> None:
    service.add(5, 1, 8)
    await collect(session, 30, BEGINNING)
    before = service.counts["versions"]
    await asyncio.sleep(300)
    assert service.counts["versions"] == before


async def test_closing_the_session_ends_the_stream(service: Service) -> None:
    session = session_on(service.transport)
    reading = asyncio.ensure_future(anext(session.events(5)))
    await asyncio.sleep(10)
    await session.close()
    with pytest.raises(SessionClosed):
        await reading


@pytest.mark.parametrize("bad", [{"job_id": []}, {"job_id": "x"}, {"buffer": 0}, {"log_stalled_s": 0}])
async def test_arguments_that_mean_nothing_are_refused(session: AsyncSession, bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(bad))):
        session.events(**{"job_id": 5, **bad})


async def test_a_fault_beside_the_stream_ends_it_and_is_not_hidden(
    session: AsyncSession, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    service.add(5, 1)
    monkeypatch.setattr("aiomodelarts._watch.roster.Roster._take_in", lambda *_: {}["a fault of ours"])
    with pytest.raises(KeyError, match="a fault of ours"):
        async with asyncio.timeout(60), aclosing(session.events()) as events:
            async for _ in events:
                pass
    assert "looking for roster failed" in caplog.text


async def test_a_standstill_of_a_job_that_was_forgotten_meanwhile_is_told_to_nobody() -> None:
    feed = Feed(None, None, LoopClock(), Patience(), lambda: (), 10, lambda _: None, Cadence())
    feed.meet([5])
    feed.surveyed(5, {1: JobStatus.RUNNING}, complete=True)
    feed.forget(5)
    feed.stalled(5, 1, "0", 60.0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(feed.take(), 1)


@pytest.mark.parametrize("seconds", [0.01, 3.0])
async def test_a_stream_that_is_cancelled_twice_asks_no_more(
    session: AsyncSession, service: Service, seconds: float
) -> None:
    service.add(5, 1)
    taking = asyncio.ensure_future(anext(session.events()))
    await asyncio.sleep(seconds)
    taking.cancel()
    await asyncio.sleep(0)
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    service.counts.clear()
    await asyncio.sleep(120)
    assert not service.counts
