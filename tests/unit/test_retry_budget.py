"""Repetitions as a share of all traffic."""

import asyncio
import random

import pytest

from aiomodelarts import RetryPolicy
from aiomodelarts._net.retry import Retry
from aiomodelarts.errors import NotSent, ServiceTrouble, Throttled
from tests.support.clocks import LoopClock
from tests.support.throttling import virtually


def retry(**policy: float) -> Retry:
    return Retry(RetryPolicy(**policy), LoopClock(), random.Random(1))  # type: ignore[arg-type]


def test_an_outage_is_not_multiplied() -> None:
    tries = 0

    async def attempt() -> None:
        nonlocal tries
        tries += 1
        raise ServiceTrouble("down", status=503)

    async def main() -> None:
        one = retry()
        results = await asyncio.gather(*(one.read(attempt) for _ in range(5000)), return_exceptions=True)
        assert all(isinstance(result, ServiceTrouble) for result in results)
        assert asyncio.get_running_loop().time() <= 130
        # Without a bound it would be 6 tries a call; 100 are in reserve, and 10 come each second.
        assert tries <= 5000 + 100 + 10 * 130

    virtually(main)


def test_a_service_that_answers_two_of_three_is_asked_again_without_an_error_shown() -> None:
    drawn = random.Random(3)

    async def attempt() -> int:
        await asyncio.sleep(0.01)
        if drawn.random() < 0.35:
            raise ServiceTrouble("down", status=502)
        return 1

    async def main() -> None:
        one = retry(max_tries=12)
        room = asyncio.Semaphore(64)

        async def call() -> int:
            async with room:
                return await one.read(attempt)

        assert sum(await asyncio.gather(*(call() for _ in range(3000)))) == 3000

    virtually(main)


def test_refusals_for_the_rate_are_left_to_the_governor() -> None:
    tries = 0

    async def attempt() -> None:
        nonlocal tries
        tries += 1
        raise Throttled("slow down", status=429)

    async def main() -> None:
        with pytest.raises(Throttled):
            await retry().read(attempt)
        with pytest.raises(Throttled):
            await retry().create(attempt)

    virtually(main)
    assert tries == 2


def test_the_time_for_repetitions_begins_with_the_first_failure() -> None:
    tries = 0

    async def attempt() -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            await asyncio.sleep(1000)
            raise NotSent("no connection")
        return tries

    async def main() -> None:
        assert await retry().create(attempt) == 2

    virtually(main)
