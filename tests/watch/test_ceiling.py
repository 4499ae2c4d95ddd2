"""Turns under a ceiling: no more in a second, first come, first served, and none for those who have left."""

import asyncio
import itertools
import random

import pytest

from aiomodelarts import TrainingJob
from aiomodelarts._watch.ceiling import Ceiling
from tests.support.fakes import LoopClock, Service, session_on

pytestmark = pytest.mark.looptime
_PER_S = 10


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _ask(ceiling: Ceiling, asked: list[tuple[int, float]], number: int) -> None:
    await ceiling.turn()
    asked.append((number, _now()))


@pytest.mark.parametrize("seed", range(20))
async def test_no_more_than_the_ceiling_begin_in_any_second(seed: int) -> None:
    rng = random.Random(seed)
    ceiling, asked, tasks = Ceiling(_PER_S, LoopClock()), list[tuple[int, float]](), list[asyncio.Task[None]]()
    for number in range(100):
        tasks.append(asyncio.create_task(_ask(ceiling, asked, number)))
        if rng.random() < 0.3:
            rng.choice(tasks).cancel()
        await asyncio.sleep(rng.choice([0.0, 0.0, 0.05, 0.1, 1.0]))
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [number for number, _ in asked] == [n for n, task in enumerate(tasks) if not task.cancelled()]
    moments = [moment for _, moment in asked]
    assert all(later - sooner >= 1 / _PER_S - 1e-5 for sooner, later in itertools.pairwise(moments))


async def test_those_who_leave_take_no_turns_with_them() -> None:
    ceiling, asked = Ceiling(_PER_S, LoopClock()), list[tuple[int, float]]()
    leaving = [asyncio.create_task(_ask(ceiling, asked, number)) for number in range(500)]
    staying = [asyncio.create_task(_ask(ceiling, asked, number)) for number in range(500, 505)]
    await asyncio.sleep(0.05)
    for task in leaving:
        task.cancel()
    await asyncio.gather(*staying)
    assert _now() == pytest.approx(0.5, abs=0.01)


async def test_a_turn_that_came_too_late_for_the_first_is_the_next_ones() -> None:
    ceiling, asked = Ceiling(_PER_S, LoopClock()), list[tuple[int, float]]()
    await ceiling.turn()
    first = asyncio.create_task(_ask(ceiling, asked, 1))
    second = asyncio.create_task(_ask(ceiling, asked, 2))
    # Cancelled in the moment in which it has its turn.
    asyncio.get_running_loop().call_later(0.1, lambda: asyncio.get_running_loop().call_soon(first.cancel))
    await second
    assert first.cancelled()
    assert _now() == pytest.approx(0.1, abs=0.01)


async def test_a_new_wait_is_not_held_up_by_thousands_that_were_given_up() -> None:
    service = Service()
    for job_id in range(1, 2001):
        service.add(job_id, 1)
    async with session_on(service.transport) as session:
        waits = [asyncio.ensure_future(TrainingJob.attach(session, job_id, 1).wait()) for job_id in range(1, 2001)]
        await asyncio.sleep(0.2)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        service.add(5, 1, 10)
        began = _now()
        await TrainingJob.attach(session, 5, 1).wait()
        assert _now() - began < 0.2
