"""One piece of work for everybody who asks; one who leaves does not take it away from the others."""

import asyncio

import pytest

from aiomodelarts import SessionClosed
from aiomodelarts._net.singleflight import SingleFlight


class Work:
    def __init__(self, error: Exception | None = None) -> None:
        self.begun = 0
        self.error = error
        self.gate = asyncio.Event()

    async def __call__(self) -> int:
        self.begun += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.begun


async def test_a_hundred_callers_share_one_run() -> None:
    work = Work()
    flight = SingleFlight(work)
    callers = [asyncio.ensure_future(flight()) for _ in range(100)]
    await asyncio.sleep(0)
    work.gate.set()
    assert await asyncio.gather(*callers) == [1] * 100
    assert await flight() == 2


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_a_cancelled_caller_leaves_the_others(leaving: int) -> None:
    work = Work()
    flight = SingleFlight(work)
    callers = [asyncio.ensure_future(flight()) for _ in range(3)]
    await asyncio.sleep(0)
    callers[leaving].cancel()
    await asyncio.sleep(0)
    work.gate.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(results.pop(leaving), asyncio.CancelledError)
    assert results == [1, 1]


async def test_a_failure_nobody_waits_for_any_more_is_not_complained_about() -> None:
    work = Work(ValueError("broken"))
    flight = SingleFlight(work)
    caller = asyncio.ensure_future(flight())
    await asyncio.sleep(0)
    caller.cancel()
    work.gate.set()
    await asyncio.gather(caller, return_exceptions=True)
    with pytest.raises(ValueError, match="broken"):
        await flight()


async def test_closing_tells_those_who_wait_and_cancels_none_of_them() -> None:
    flight = SingleFlight(Work())
    callers = [asyncio.ensure_future(flight()) for _ in range(3)]
    await asyncio.sleep(0)
    await flight.close()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results] == [SessionClosed] * 3
    with pytest.raises(SessionClosed):
        await flight()


@pytest.mark.parametrize("first", ["caller", "flight"])
async def test_a_caller_who_is_cancelled_while_it_closes_is_cancelled(first: str) -> None:
    flight = SingleFlight(Work())
    caller = asyncio.ensure_future(flight())
    await asyncio.sleep(0)
    closing = flight.close()
    if first == "caller":
        caller.cancel()
        await closing
    else:
        # Both of its reasons to wake up come in the same turn.
        assert flight._task is not None
        flight._task.add_done_callback(lambda _: caller.cancel())
        await closing
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert caller.cancelled()
