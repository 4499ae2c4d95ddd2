"""What a look means, look by look; and what a feed makes of it."""

import asyncio
from collections.abc import Mapping

import pytest

from aiomodelarts import JobStatus, Patience
from aiomodelarts._clock import SystemClock
from aiomodelarts._cursor import BEGINNING, Told, after_changes
from aiomodelarts._watch.cadence import Cadence
from aiomodelarts._watch.feed import Feed
from aiomodelarts._watch.history import Change, History
from aiomodelarts._watch.stalls import Stalls
from aiomodelarts.events import Event, LogStalled, Overflowed

PATIENCE = Patience(lost_s=30)


class Looks:
    """A history, and looks at it a second apart or as far as is said."""

    def __init__(self, told: Mapping[int, Told] | None) -> None:
        self.history = History(told)
        self.now = 0.0

    def look(self, states: Mapping[int, int], *, after_s: float = 1.0, complete: bool = True) -> list[Change]:
        self.now += after_s
        known = {number: JobStatus(status) for number, status in states.items()}
        changes = list(self.history.changes(known, self.now, PATIENCE, complete=complete))
        assert self.history.told is not None
        self.history.told = after_changes(self.history.told, [(change.version_id, change.told) for change in changes])
        return changes

    def kinds(self, states: Mapping[int, int], *, after_s: float = 1.0, complete: bool = True) -> list[str]:
        return [change.kind for change in self.look(states, after_s=after_s, complete=complete)]


def test_a_version_is_gone_after_three_whole_looks_and_ten_seconds() -> None:
    quick = Looks({1: Told(8)})
    assert [quick.kinds({}, after_s=4) for _ in range(4)] == [[], [], [], ["disappeared"]]
    slow = Looks({1: Told(8)})
    assert [slow.kinds({}, after_s=60) for _ in range(3)] == [[], [], ["disappeared"]]
    assert slow.history.told == {}


def test_a_look_at_a_part_says_nothing_about_the_rest() -> None:
    looks = Looks({1: Told(8)})
    assert [looks.kinds({}, after_s=60, complete=False) for _ in range(5)] == [[]] * 5


def test_a_version_that_is_seen_again_was_never_gone() -> None:
    looks = Looks({1: Told(8)})
    seen = [looks.kinds({} if number % 3 else {1: 8}, after_s=60) for number in range(9)]
    assert seen == [[]] * 9


def test_what_slipped_between_two_pages_of_the_first_look_is_no_news() -> None:
    looks = Looks(None)
    looks.history.begin({1: JobStatus.COMPLETED, 4: JobStatus.RUNNING})
    assert looks.kinds({1: 10, 2: 10, 3: 8, 4: 8, 5: 7}) == ["known", "known", "appeared"]
    # From then on it is like every other one.
    assert looks.kinds({1: 10, 2: 10, 3: 10, 4: 8, 5: 7}) == ["finished"]


def test_an_end_that_was_held_back_when_the_version_appeared_is_told_later() -> None:
    looks = Looks({1: Told(10), 2: Told(14), 3: Told(10, over=True), 4: Told(8)})
    assert looks.kinds({1: 10, 2: 14, 3: 10, 4: 8}) == ["finished"]
    assert looks.kinds({1: 10, 2: 14, 3: 10, 4: 8}, after_s=60) == ["finished"]
    assert looks.kinds({1: 10, 2: 14, 3: 10, 4: 8}, after_s=60) == []


def test_an_end_is_an_end_but_for_a_lost_version() -> None:
    looks = Looks({1: Told(8), 2: Told(8)})
    assert looks.kinds({1: 10, 2: 14}) == ["finished", "changed"]
    assert looks.kinds({1: 8, 2: 14}, after_s=31) == ["finished"]
    assert looks.kinds({1: 11, 2: 8}) == ["changed"]
    assert looks.kinds({1: 10, 2: 11}) == ["finished"]


def test_one_sight_of_a_lost_version_is_not_enough() -> None:
    looks = Looks({1: Told(8)})
    assert looks.kinds({1: 14}, after_s=100) == ["changed"]
    assert looks.kinds({1: 14}, after_s=29) == []
    assert looks.kinds({1: 14}, after_s=1) == ["finished"]


def a_feed(buffer: int = 10) -> Feed:
    feed = Feed([5], BEGINNING, SystemClock(), PATIENCE, list, buffer, lambda _: None, Cadence())
    feed.surveyed(5, {7: JobStatus.RUNNING}, complete=True)
    return feed


async def taken(feed: Feed) -> list[Event]:
    events: list[Event] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            while True:
                events.append(await feed.take())
    return events


async def test_an_overflow_is_told_and_a_whole_look_is_asked_for_when_there_is_room() -> None:
    asked: list[int] = []
    feed = Feed([5], BEGINNING, SystemClock(), PATIENCE, list, 2, asked.append, Cadence())
    states = dict.fromkeys(range(1, 6), JobStatus.RUNNING)
    feed.surveyed(5, states, complete=True)
    assert asked == []
    names = [type(event).__name__ for event in await taken(feed)]
    assert names == ["Appeared", "Appeared", "Overflowed"]
    assert asked == [5]
    feed.surveyed(5, states, complete=True)
    assert [event.id for event in await taken(feed) if not isinstance(event, Overflowed)] == [
        "5-3-appeared",
        "5-4-appeared",
    ]


async def test_one_standstill_is_told_once() -> None:
    feed = a_feed()
    for end in ("9", "9", "10"):
        feed.stalled(5, 7, end, 60)
    stalls = [event for event in await taken(feed) if isinstance(event, LogStalled)]
    assert [event.id for event in stalls] == ["5-7-log_stalled-0-9", "5-7-log_stalled-0-10"]


async def test_a_standstill_waits_for_room() -> None:
    feed = a_feed(buffer=1)
    feed.stalled(5, 7, "9", 60)
    assert [type(event).__name__ for event in await taken(feed)] == ["Appeared"]
    feed.stalled(5, 7, "9", 60)
    assert [type(event).__name__ for event in await taken(feed)] == ["LogStalled"]


class _Sleeper(SystemClock):
    """A clock that went on while the machine slept."""

    slept_s = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.slept_s


@pytest.mark.looptime
async def test_what_a_log_did_while_the_machine_slept_is_not_held_against_it() -> None:
    clock = _Sleeper()
    feed = Feed([5], BEGINNING, clock, PATIENCE, list, 10, lambda _: None, Cadence())
    feed.surveyed(5, {7: JobStatus.RUNNING}, complete=True)

    async def end(_job: int, _version: int) -> str:
        return "9"

    looking = asyncio.create_task(Stalls(feed, end, clock, still_s=60).run())
    await asyncio.sleep(31)
    clock.slept_s = 8 * 3600
    await asyncio.sleep(50)
    assert [type(event).__name__ for event in await taken(feed)] == ["Appeared"]
    await asyncio.sleep(50)
    assert [type(event).__name__ for event in await taken(feed)] == ["LogStalled"]
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
