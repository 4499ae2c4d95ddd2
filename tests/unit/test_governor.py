"""The governor: places, turns, pauses, and what it tells."""

import asyncio
import itertools
import logging
import math
import random

import pytest

from aiomodelarts import InvalidArgument, Limits, SessionClosed
from aiomodelarts._net.governor import Governor, Place
from aiomodelarts._wire.call import Share
from tests.support.clocks import LoopClock
from tests.support.throttling import virtually


def governor(**limits: float) -> Governor:
    return Governor(Limits(**limits), LoopClock())  # type: ignore[arg-type]


async def entered(one: Governor, share: Share = Share.CREATE, turn: int | None = None) -> "asyncio.Task[Place]":
    task = asyncio.create_task(one.enter(share, turn))
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "12", None, 1.5])
def test_a_bound_in_flight_is_a_whole_number_from_one_on(value: object) -> None:
    with pytest.raises(InvalidArgument, match="in_flight"):
        Limits(in_flight=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["creates_per_s", "reads_per_s", "pause_cap_s", "throttle_patience_s"])
@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, True, "12"])
def test_a_ceiling_is_a_finite_number_above_zero(name: str, value: object) -> None:
    with pytest.raises(InvalidArgument, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]


def test_a_read_among_ten_thousand_queued_creations_leaves_at_once() -> None:
    async def main() -> None:
        one = governor(in_flight=128)
        creations = [asyncio.create_task(one.enter(Share.CREATE)) for _ in range(10_000)]
        await asyncio.sleep(1)
        assert one.snapshot().creates.waiting == 10_000 - 128
        read = await entered(one, Share.READ)
        log = await entered(one, Share.LOG)
        assert read.done()
        assert log.done()
        for task in creations:
            task.cancel()
        await asyncio.gather(*creations, return_exceptions=True)

    virtually(main)


def test_a_pause_for_creations_does_not_hold_reads() -> None:
    async def main() -> None:
        one = governor()
        (await one.enter(Share.CREATE)).throttled(30.0)
        assert one.snapshot().creates.paused_s == 30.0
        assert one.snapshot().reads.paused_s == 0.0
        (await one.enter(Share.READ)).answered()
        assert asyncio.get_running_loop().time() == 0.0
        (await one.enter(Share.CREATE)).answered()
        assert asyncio.get_running_loop().time() == pytest.approx(30.0)

    virtually(main)


def test_all_of_a_first_batch_is_out_within_a_fifth_of_a_second() -> None:
    async def main() -> None:
        one = governor(in_flight=128)
        await asyncio.gather(*(one.enter(Share.CREATE) for _ in range(128)))
        assert asyncio.get_running_loop().time() < 0.2
        assert one.snapshot().creates.in_flight == 128

    virtually(main)


def test_no_more_than_a_first_batch_leaves_before_any_answer() -> None:
    async def main() -> None:
        one = governor(in_flight=1000)
        tasks = [asyncio.create_task(one.enter(Share.CREATE)) for _ in range(1000)]
        await asyncio.sleep(10)
        assert one.snapshot().creates.in_flight == 128
        (await tasks[0]).answered()
        await asyncio.gather(*tasks[:-1])
        assert one.snapshot().creates.in_flight == 999

    virtually(main)


def test_a_burst_of_refusals_backs_off_once() -> None:
    async def main() -> None:
        one = governor()
        places = [await one.enter(Share.CREATE) for _ in range(50)]
        begun = asyncio.get_running_loop().time()
        for place in places[10:]:
            place.throttled(2.0)
            await asyncio.sleep(0.01)
        for place in places[:10]:
            place.answered()
        assert asyncio.get_running_loop().time() - begun + one.snapshot().creates.paused_s == pytest.approx(2.0)
        first = await one.enter(Share.CREATE)
        assert asyncio.get_running_loop().time() - begun == pytest.approx(2.0)
        assert one.snapshot().creates.rate_per_s == pytest.approx(8.6, abs=2.0)
        first.answered()

    virtually(main)


@pytest.mark.parametrize(
    ("asked_s", "paused_s"), [(None, 0.25), (0.0, 0.25), (-1.0, 0.25), (2.0, 2.0), (1e9, 60.0), (math.inf, 60.0)]
)
def test_a_pause_is_as_asked_for_within_bounds(asked_s: float | None, paused_s: float) -> None:
    async def main() -> None:
        one = governor()
        (await one.enter(Share.CREATE)).throttled(asked_s)
        assert one.snapshot().creates.paused_s == paused_s

    virtually(main)


def test_a_service_that_refuses_everything_is_asked_with_one_at_a_time_and_ever_less() -> None:
    async def main() -> None:
        one = governor()
        sent = []

        async def call() -> None:
            turn = None
            while True:
                place = await one.enter(Share.CREATE, turn)
                sent.append(asyncio.get_running_loop().time())
                await asyncio.sleep(0.1)
                turn = place.turn
                place.throttled(None)

        tasks = [asyncio.create_task(call()) for _ in range(100)]
        await asyncio.sleep(120)
        assert len([at for at in sent if at > 1.0]) < 12
        assert max(late - early for early, late in itertools.pairwise(sent)) <= 60.2
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtually(main)


def test_a_ceiling_is_kept_from_the_first_request_on() -> None:
    async def main() -> None:
        one = governor(creates_per_s=20)
        at = []
        for _ in range(100):
            (await one.enter(Share.CREATE)).answered()
            at.append(asyncio.get_running_loop().time())
        assert all(late - early >= 1 / 20 - 1e-5 for early, late in itertools.pairwise(at))
        assert at[-1] == pytest.approx(99 / 20, rel=0.01)
        assert one.snapshot().creates.rate_per_s == 20

    virtually(main)


def test_who_is_sent_again_keeps_its_turn() -> None:
    async def main() -> None:
        one = governor(in_flight=1)
        first = await one.enter(Share.CREATE)
        queued = [await entered(one) for _ in range(3)]
        first.throttled(1.0)
        again = await entered(one, turn=first.turn)
        await asyncio.sleep(5)
        assert again.done()
        assert not any(task.done() for task in queued)
        for task in (again, *queued):
            (await task).answered()

    virtually(main)


@pytest.mark.parametrize("granted", [False, True])
def test_a_cancelled_waiter_gives_its_turn_on(granted: bool) -> None:
    async def main() -> None:
        one = governor(in_flight=1)
        first = await one.enter(Share.CREATE)
        leaving, staying = await entered(one), await entered(one)
        if granted:
            first.answered()
        leaving.cancel()
        if not granted:
            first.answered()
        (await staying).answered()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        shot = one.snapshot().creates
        assert (shot.waiting, shot.in_flight) == (0, 0)

    virtually(main)


def test_closing_ends_the_waits() -> None:
    async def main() -> None:
        one = governor(in_flight=1)
        place = await one.enter(Share.CREATE)
        waiting = await entered(one)
        one.close()
        with pytest.raises(SessionClosed):
            await waiting
        with pytest.raises(SessionClosed):
            await one.enter(Share.READ)
        place.answered()
        assert one.snapshot().creates.waiting == 0

    virtually(main)


def test_one_line_says_what_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        one = governor()
        for _ in range(20):
            (await one.enter(Share.CREATE)).throttled(12.0)
            await asyncio.sleep(0)
            if asyncio.get_running_loop().time() > 20:
                break

    caplog.set_level(logging.INFO, logger="aiomodelarts.governor")
    virtually(main)
    said = [record.getMessage() for record in caplog.records]
    assert said == ["creations: 0 waiting, 1 out: the service refused some for their rate, so none leaves for 12.0 s"]


def test_a_full_house_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        one = governor(in_flight=2)
        out = [await one.enter(Share.READ) for _ in range(2)]
        tasks = [await entered(one, Share.READ) for _ in range(3)]
        await asyncio.sleep(5)
        for place in out:
            place.answered()
        for task in tasks:
            (await task).answered()

    caplog.set_level(logging.INFO, logger="aiomodelarts.governor")
    virtually(main)
    assert [record.getMessage() for record in caplog.records] == [
        "reads: 3 waiting, 1 out: 2 places for requests in flight (Limits.in_flight) are too few to keep up"
    ]


def test_counts_are_those_of_the_answers() -> None:
    async def main() -> None:
        one = governor()
        drawn = random.Random(7)
        ends = [drawn.choice(["answered", "lost", "throttled"]) for _ in range(200)]
        for end in ends:
            place = await one.enter(Share.LOG)
            if end == "throttled":
                place.throttled(None)
            else:
                getattr(place, end)()
        shot = one.snapshot().logs
        assert (shot.sent, shot.answered, shot.throttled, shot.in_flight) == (
            200,
            ends.count("answered"),
            ends.count("throttled"),
            0,
        )

    virtually(main)
