"""What holds for the governor whatever comes: random calls, answers, pauses and cancellations, in virtual time."""

import asyncio
import random

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts import Limits
from aiomodelarts._net.governor import Governor, GovernorSnapshot
from aiomodelarts._net.rate import Pace
from aiomodelarts._wire.call import Share
from tests.support.clocks import LoopClock
from tests.support.throttling import virtually

ENDS = ["answered", "answered", "answered", "lost", "throttled"]


@define
class Run:
    """Many calls at once, each with a fate of its own."""

    governor: Governor
    drawn: random.Random
    out: dict[Share, int] = field(factory=lambda: dict.fromkeys(Share, 0))
    most: int = 0
    entered: dict[Share, list[int]] = field(factory=lambda: {share: [] for share in Share})
    ended: dict[str, int] = field(factory=lambda: dict.fromkeys(ENDS, 0))

    async def call(self, number: int, share: Share) -> None:
        turn = None
        while True:
            place = await self.governor.enter(share, turn)
            self.out[share] += 1
            self.most = max(self.most, self.out[share])
            if turn is None:
                self.entered[share].append(number)
            end = "lost"
            try:
                await asyncio.sleep(self.drawn.choice([0, 0.01, 0.3]))
                end = self.drawn.choice(ENDS)
            finally:
                self.out[share] -= 1
                self.ended[end] += 1
                if end == "throttled":
                    place.throttled(self.drawn.choice([None, 0.5, 3.0, 1e9, -1.0]))
                else:
                    getattr(place, end)()
            if end != "throttled":
                return
            turn = place.turn


def consistent(shot: GovernorSnapshot, run: Run, in_flight: int) -> None:
    for share, part in ((Share.CREATE, shot.creates), (Share.READ, shot.reads), (Share.LOG, shot.logs)):
        # A place is handed out a turn of the loop before its call goes on.
        assert run.out[share] <= part.in_flight <= in_flight
        assert part.waiting >= 0
        assert part.sent >= part.answered + part.throttled + part.in_flight


@given(
    seed=st.integers(0, 2**32),
    in_flight=st.integers(1, 6),
    calls=st.integers(1, 60),
    ceiling=st.none() | st.floats(1, 100),
)
def test_bounds_turns_and_counts(seed: int, in_flight: int, calls: int, ceiling: float | None) -> None:
    async def main() -> None:
        limits = Limits(in_flight=in_flight, creates_per_s=ceiling, pause_cap_s=5.0)
        run = Run(Governor(limits, LoopClock()), random.Random(seed))
        tasks = [asyncio.create_task(run.call(number, run.drawn.choice(list(Share)))) for number in range(calls)]
        cancelled = set()
        for _ in range(calls // 4):
            await asyncio.sleep(run.drawn.choice([0, 0.02, 0.5]))
            number = run.drawn.randrange(calls)
            cancelled.add(number)
            tasks[number].cancel()
            consistent(run.governor.snapshot(), run, in_flight)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert run.most <= in_flight
        for numbers in run.entered.values():
            assert numbers == sorted(numbers)
        assert set(range(calls)) == cancelled | {number for numbers in run.entered.values() for number in numbers}
        end = run.governor.snapshot()
        consistent(end, run, in_flight)
        assert [part.waiting + part.in_flight for part in (end.creates, end.reads, end.logs)] == [0, 0, 0]
        assert sum(part.throttled for part in (end.creates, end.reads, end.logs)) == run.ended["throttled"]
        assert sum(part.answered for part in (end.creates, end.reads, end.logs)) == run.ended["answered"]

    virtually(main)


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["answered", "lost", "throttled"]),
            st.floats(0, 5),
            st.none() | st.floats(allow_nan=False),
            st.integers(1, 20),
        ),
        max_size=60,
    ),
    ceiling=st.none() | st.floats(0.1, 1e6),
)
def test_the_pace_stays_within_its_bounds(
    steps: list[tuple[str, float, float | None, int]], ceiling: float | None
) -> None:
    pace, now = Pace(ceiling, 60.0), 0.0
    for end, takes_s, asked_s, count in steps:
        sent = []
        for _ in range(count):
            wait_s = pace.wait_s(now)
            assert wait_s >= 0
            if wait_s == float("inf"):
                break
            now += wait_s
            # At a rate of one in fifty seconds the wait for a turn is longer than any pause.
            assert wait_s <= 60.0 + 1e-9
            sent.append((now, pace.take(now, waited=wait_s > 0)))
        assert sent, "with all answers in, somebody may leave"
        now += takes_s
        for sent_at, epoch in sent:
            if end == "answered":
                pace.heard(epoch, waited=True)
            elif end == "lost":
                pace.lost(epoch, sent_at)
            else:
                pace.refused(epoch, sent_at, now, asked_s)
        assert 0 <= pace.paused_s(now) <= 60.0 + 1e-9
        assert pace.rate is None or 0 < pace.rate <= (ceiling or 10_000)
