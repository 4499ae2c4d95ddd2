"""The learned rate against a service with a token bucket, in virtual time under a seed."""

import asyncio
import random
from functools import partial

import pytest

from tests.support.throttling import Bucket, Client, for_a_while, virtually

LIMIT = 50.0
BURSTS = [1, 10, 50, 100]
LATENCIES = [(0.005, 0.005), (0.05, 0.05), (0.2, 0.2), (0.005, 0.2)]


def bucket(size: float, latency: tuple[float, float], asked_s: float | None, seed: int = 1) -> Bucket:
    return Bucket(LIMIT, size, latency, asked_s, random.Random(seed))


def used(one: Bucket, begin: float, end: float, limit: float = LIMIT) -> float:
    return sum(begin <= at < end for at in one.accepted) / (limit * (end - begin))


def refused(one: Bucket) -> float:
    return len(one.refused) / (len(one.refused) + len(one.accepted))


@pytest.mark.parametrize("asked_s", [None, 1.0])
@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("size", BURSTS)
def test_nine_tenths_of_the_limit_are_used_and_one_call_in_twenty_is_refused(
    size: int, latency: tuple[float, float], asked_s: float | None
) -> None:
    far = bucket(size, latency, asked_s)
    virtually(lambda: for_a_while(60, Client(far)))
    assert used(far, 5, 60) >= 0.9
    assert refused(far) <= 0.05


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("asked_s", [None, 1.0])
@pytest.mark.parametrize("latency", [(0.005, 0.005), (0.05, 0.05), (0.005, 0.2)])
@pytest.mark.parametrize("size", [10, 50, 100])
def test_two_sessions_share_a_limit(size: int, latency: tuple[float, float], asked_s: float | None, seed: int) -> None:
    far = bucket(size, latency, asked_s, seed)
    one, other = Client(far), Client(far)
    virtually(lambda: for_a_while(60, one, other))
    assert used(far, 5, 60) >= 0.9
    assert refused(far) <= 0.05
    assert min(one.accepted, other.accepted) >= max(one.accepted, other.accepted) / 3


def test_a_service_as_slow_as_the_start_gets_no_more_than_a_first_batch_of_refusals() -> None:
    far = bucket(1, (0.2, 0.2), 1.0)
    virtually(lambda: for_a_while(1, Client(far)))
    assert len(far.refused) + len(far.accepted) <= 128 + 8


@pytest.mark.parametrize("asked_s", [None, 1.0])
def test_two_sessions_on_a_bucket_of_one_do_not_stop_each_other(asked_s: float | None) -> None:
    far = bucket(1, (0.005, 0.2), asked_s)
    virtually(lambda: for_a_while(60, Client(far), Client(far)))
    assert all(used(far, begin, begin + 10) > 0.02 for begin in range(0, 60, 10))


@pytest.mark.parametrize("asked_s", [None, 1.0])
@pytest.mark.parametrize("size", BURSTS)
@pytest.mark.parametrize("limit", [2.0, 17.0, 100.0])
def test_a_limit_that_changes_is_followed_within_a_minute(size: int, asked_s: float | None, limit: float) -> None:
    far = bucket(size, (0.005, 0.005), asked_s)

    async def main() -> None:
        async def change() -> None:
            await asyncio.sleep(20)
            far.rate = limit

        await for_a_while(140, Client(far), meanwhile=change)

    virtually(main)
    assert used(far, 80, 140, limit) >= 0.9
    assert sum(at > 80 for at in far.refused) <= 0.05 * sum(at > 80 for at in far.accepted) + 2


@pytest.mark.parametrize("asked_s", [None, 1.0])
@pytest.mark.parametrize("size", BURSTS)
def test_an_outage_leaves_the_learned_rate_alone(size: int, asked_s: float | None) -> None:
    far = bucket(size, (0.005, 0.005), asked_s)
    client = Client(far)
    rates: list[float | None] = []

    async def main() -> None:
        async def outage() -> None:
            await asyncio.sleep(20)
            far.down = True
            await asyncio.sleep(1)
            rates.append(client.governor.snapshot().creates.rate_per_s)
            await asyncio.sleep(29)
            rates.append(client.governor.snapshot().creates.rate_per_s)
            far.down = False

        await for_a_while(80, client, meanwhile=outage)

    virtually(main)
    before, after = rates
    assert before is not None
    assert after == before
    assert used(far, 51, 80) >= 0.9


def test_an_unlimited_service_is_never_held_back() -> None:
    far = Bucket(1e9, 1e9, (0.05, 0.05), None, random.Random(1))
    client = Client(far)
    virtually(lambda: for_a_while(5, client, callers=400))
    # What bounds it is the places: 128 for each answer's time.
    assert used(far, 1, 5, 128 / 0.05) >= 0.99


def test_the_rate_is_found_again_after_a_time_when_everything_was_refused() -> None:
    far = bucket(10, (0.05, 0.05), None)

    async def main() -> None:
        async def shut() -> None:
            await asyncio.sleep(20)
            rate, far.rate = far.rate, 0.0
            await asyncio.sleep(60)
            far.rate = rate

        await for_a_while(200, Client(far), meanwhile=shut)

    virtually(main)
    assert used(far, 150, 200) >= 0.9
    assert sum(20.5 < at < 80 for at in far.refused) <= 30


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("asked_s", [None, 1.0])
@pytest.mark.parametrize("share", [0.02, 0.05, 0.1])
def test_refusals_that_come_by_chance_cost_their_pauses_and_little_more(
    share: float, asked_s: float | None, seed: int
) -> None:
    far = Bucket(1e9, 1e9, (0.05, 0.05), asked_s, random.Random(seed), by_chance=share)
    virtually(lambda: for_a_while(60, Client(far)))
    # A quarter of a second is what is kept when nothing is asked for; all 128 places are answered every 50 ms.
    possible = 1 / (share * (asked_s or 0.25) + 0.05 / 128)
    assert used(far, 20, 60, possible) >= 0.8
    assert all(used(far, begin, begin + 10, 1.0) >= 2 for begin in range(0, 60, 10))


@pytest.mark.parametrize("seed", range(3))
def test_each_refusal_that_comes_by_chance_has_its_pause(seed: int) -> None:
    far = Bucket(1e9, 1e9, (0.005, 0.005), 1.0, random.Random(seed), by_chance=0.05)
    virtually(lambda: for_a_while(60, Client(far)))
    for at in far.refused:
        assert not any(at + 0.0051 < sent < at + 1.0 for sent in far.accepted)


@pytest.mark.parametrize("size", [10, 50, 100])
def test_refusals_by_chance_leave_a_real_limit_in_use(size: int) -> None:
    runs = [Bucket(LIMIT, size, (0.005, 0.005), None, random.Random(seed), by_chance=0.05) for seed in range(4)]
    for far in runs:
        virtually(partial(for_a_while, 60, Client(far)))
    shares = [used(far, 5, 60) for far in runs]
    assert sum(shares) / len(shares) >= 0.75
    assert min(shares) >= 0.5
    assert max(refused(far) for far in runs) <= 0.25
