"""Room for what is on its way, and work in threads, short and long."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aiomodelarts.obs import ObsPath, TransferLimits
from aiomodelarts.obs._aside import Batched
from aiomodelarts.obs._transfer import digest, flow
from aiomodelarts.obs._transfer.flow import Lanes
from aiomodelarts.obs._transfer.sync_up import SyncUp
from aiomodelarts.obs.selection import Selection

from .conftest import SMALL, Place, content, fill


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


class TestWorkThatLasts:
    async def test_it_leaves_threads_for_others(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        go = threading.Event()

        def compared(*_: object) -> str:
            go.wait(20)
            return "etag"

        monkeypatch.setattr(flow, "digest_file", compared)
        shared = lanes()
        comparing = [asyncio.create_task(shared.digest(tmp_path, 10**9, digest.Digest())) for _ in range(100)]
        await asyncio.sleep(0.01)
        try:
            assert await asyncio.wait_for(asyncio.to_thread(int), 5) == 0
        finally:
            go.set()
        assert await asyncio.gather(*comparing) == ["etag"] * 100

    async def test_a_folder_is_not_walked_to_its_end_for_nobody(self, place: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {f"{number:03}": b"" for number in range(100)})
        looking, cancelled = asyncio.Event(), threading.Event()
        loop, seen = asyncio.get_running_loop(), []

        class Slow(Selection):
            def has(self, name: str) -> bool:
                seen.append(name)
                loop.call_soon_threadsafe(looking.set)
                cancelled.wait(5)
                return True

            def with_ignored(self, lines: Sequence[str]) -> Selection:
                return self

        store = await place.obs._opened()
        run = SyncUp(store, lanes(), tmp_path, ObsPath(place.bucket, "d/"), Slow())
        walking = asyncio.create_task(run.run(folders=False, delete=False, progress=None))
        await looking.wait()
        walking.cancel()
        await asyncio.sleep(0.05)
        cancelled.set()
        with pytest.raises(asyncio.CancelledError):
            await walking
        assert len(seen) == 1

    @pytest.mark.parametrize("way", ["up", "down"])
    async def test_a_large_file_is_not_compared_to_its_end_for_nobody(
        self, place: Place, tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = content(3 * SMALL.part_bytes)
        await fill(tmp_path, {"k": held})
        await place.obs.sync_up(tmp_path, place.root)
        reading, cancelled = asyncio.Event(), threading.Event()
        loop, read = asyncio.get_running_loop(), []

        def pieces_of(*_: object) -> Iterator[bytes]:
            while len(read) < 100:
                read.append(1)
                loop.call_soon_threadsafe(reading.set)
                yield b"x"
                cancelled.wait(5)

        monkeypatch.setattr(digest, "pieces_of", pieces_of)
        call = place.obs.sync_up(tmp_path, place.root) if way == "up" else place.obs.sync_down(place.root, tmp_path)
        comparing = asyncio.create_task(call)
        await reading.wait()
        comparing.cancel()
        await asyncio.sleep(0.05)
        cancelled.set()
        with pytest.raises(asyncio.CancelledError):
            await comparing
        assert len(read) <= 2
