"""Room for what is on its way, and short work in threads."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from aiomodelarts.obs import TransferLimits
from aiomodelarts.obs._aside import Batched
from aiomodelarts.obs._transfer.flow import Lanes


def lanes(transfers: int = 1) -> Lanes:
    return Lanes(TransferLimits(transfers=transfers, bytes_in_flight=100))


class TestLanes:
    async def test_one_who_is_cancelled_while_room_becomes_free(self) -> None:
        shared = lanes()

        async def hold() -> None:
            async with shared.take(1):
                pass

        async with shared.take(1):
            waiting = asyncio.create_task(hold())
            await asyncio.sleep(0)
            waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(hold(), 5)

    async def test_one_who_is_cancelled_when_the_turn_has_come(self) -> None:
        shared = lanes()

        async def hold() -> None:
            async with shared.take(1):
                pass

        async with shared.take(1):
            waiting = asyncio.create_task(hold())
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(hold(), 5)

    async def test_first_come_first_served(self) -> None:
        shared = lanes(2)
        order: list[int] = []

        async def hold(number: int, size: int) -> None:
            async with shared.take(size):
                order.append(number)
                await asyncio.sleep(0)

        async with shared.take(60):
            tasks = [asyncio.create_task(hold(number, size)) for number, size in enumerate((90, 1, 1_000, 1))]
            await asyncio.sleep(0.01)
            # The first one does not fit beside what is held, and nobody overtakes it.
            assert order == []
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2, 3]


class TestBatched:
    async def test_each_gets_what_its_own_work_did(self) -> None:
        batched = Batched()
        came = await asyncio.gather(*(batched(divmod, 100, number) for number in range(40)), return_exceptions=True)
        assert isinstance(came[0], ZeroDivisionError)
        assert came[1:] == [divmod(100, number) for number in range(1, 40)]

    async def test_a_cancelled_caller_waits_for_its_work(self) -> None:
        batched, go, ended = Batched(), threading.Event(), threading.Event()

        def work() -> None:
            go.wait(5)
            ended.set()

        waiting = asyncio.create_task(batched(work))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.sleep(0.01)
        assert not waiting.done()
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert ended.is_set()

    async def test_short_work_shares_threads(self) -> None:
        batched = Batched()
        await asyncio.gather(*(batched(threading.get_ident) for _ in range(64)))
        assert len(set(await asyncio.gather(*(batched(threading.get_ident) for _ in range(64))))) <= 2

    async def test_long_work_is_done_at_the_same_time(self) -> None:
        batched, all_there = Batched(), threading.Barrier(4)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(8))
        await asyncio.gather(*(batched(time.sleep, 0.02) for _ in range(2)))
        # Each waits for the others, which would never come were one thread to do all.
        await asyncio.gather(*(batched(all_there.wait, 5) for _ in range(4)))

    async def test_what_the_program_has_no_threads_for_any_more_fails(self) -> None:
        executor = ThreadPoolExecutor(1)
        asyncio.get_running_loop().set_default_executor(executor)
        executor.shutdown()
        with pytest.raises(RuntimeError, match="shutdown"):
            await asyncio.wait_for(Batched()(int), 5)
