"""How many versions wait in the platform's queue: few, and never so few that a slot is idle."""

import asyncio
import random
from collections import deque

import pytest
from attrs import define, field

from aiomodelarts.sweep.engine.backlog import FIRST, Backlog, Place
from tests.support.throttling import virtually


@define
class Slots:
    """A platform with so many slots; a start is seen when somebody looks.

    Args:
        free: slots.
        takes_s: a version, half as long or half as long again.
        look_s: between two looks.
    """

    free: int
    takes_s: float
    look_s: float
    queued: deque[tuple[Place, asyncio.Event]] = field(factory=deque)
    lengths: list[int] = field(factory=list)
    chance: random.Random = field(factory=lambda: random.Random(1))
    _started: list[Place] = field(factory=list)

    async def run(self, place: Place) -> None:
        over = asyncio.Event()
        self.queued.append((place, over))
        self.lengths.append(len(self.queued))
        self._fill()
        await over.wait()

    def _fill(self) -> None:
        while self.free and self.queued:
            place, over = self.queued.popleft()
            self.free -= 1
            self._started.append(place)
            asyncio.get_running_loop().call_later(self.takes_s * self.chance.uniform(0.5, 1.5), self._end, over)

    def _end(self, over: asyncio.Event) -> None:
        self.free += 1
        over.set()
        self._fill()

    async def look(self) -> None:
        while True:
            await asyncio.sleep(self.look_s)
            started, self._started = self._started, []
            for place in started:
                place.runs()


async def driven(backlog: Backlog, slots: Slots, concurrency: int, count: int) -> float:
    """Seconds that so many versions take."""
    left = count

    async def work() -> None:
        nonlocal left
        while left:
            left -= 1
            async with backlog.place() as place:
                await slots.run(place)

    looking = asyncio.create_task(slots.look())
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(concurrency):
            tasks.create_task(work())
    looking.cancel()
    return asyncio.get_running_loop().time() - began


@pytest.mark.parametrize("slots", [1, 4, 16, 64])
def test_the_queue_is_short_and_no_slot_idle(slots: int) -> None:
    platform, backlog = Slots(slots, takes_s=20.0, look_s=1.0), Backlog(200)
    count = max(200, slots * 50)
    took = virtually(lambda: driven(backlog, platform, 200, count))
    assert took <= count / slots * 20.0 * 1.1 + 20.0
    # Where versions take that long, nothing needs more than a few in reserve; at its end the queue runs dry anyway.
    middle = platform.lengths[len(platform.lengths) // 2 : len(platform.lengths) * 9 // 10]
    assert max(middle) <= max(8, slots)


def test_it_grows_to_what_short_versions_need_between_two_looks() -> None:
    platform, backlog = Slots(16, takes_s=1.0, look_s=1.0), Backlog(64)
    took = virtually(lambda: driven(backlog, platform, 64, 1600))
    assert took <= 100 * 1.1


def test_where_all_may_be_on_the_platform_at_once_nothing_is_watched() -> None:
    backlog = Backlog(FIRST)

    async def main() -> list[bool]:
        async with asyncio.TaskGroup() as tasks:
            told = [tasks.create_task(_watched(backlog)) for _ in range(FIRST)]
        return [one.result() for one in told]

    assert virtually(main) == [False] * FIRST


async def _watched(backlog: Backlog) -> bool:
    async with backlog.place() as place:
        await asyncio.sleep(1)
        return place.watched


def test_a_version_that_is_there_already_waits_for_no_place_and_is_counted() -> None:
    backlog = Backlog(100)

    async def main() -> bool:
        async with asyncio.TaskGroup() as tasks:
            there = [tasks.create_task(_held(backlog, at_once=True)) for _ in range(FIRST)]
            await asyncio.sleep(0)
            another = tasks.create_task(_held(backlog))
            await asyncio.sleep(0.5)
            waited = not any(one.done() for one in there) and backlog._queued == FIRST
            await asyncio.sleep(5)
            return waited and another.done()

    assert virtually(main)


async def _held(backlog: Backlog, *, at_once: bool = False) -> None:
    async with backlog.place(at_once=at_once):
        await asyncio.sleep(1)


def test_a_place_is_given_back_once() -> None:
    backlog = Backlog(100)

    async def main() -> None:
        async with backlog.place() as place:
            place.runs()
            place.runs()
            place.leave()

    virtually(main)
    assert backlog._queued == 0
