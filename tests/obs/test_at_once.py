"""Transfers that are broken off, and several at once."""

import asyncio
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts.obs import Obs, ObsEntry, ObsPath, Progress, TransferLimits
from aiomodelarts.obs.errors import (
    ObsChanged,
    ObsExists,
)

from .conftest import PART, SMALL, Place, content, fill, tree


class TestResuming:
    async def test_parts_of_an_object_that_was_written_anew_are_not_taken_over(
        self, place: Place, tmp_path: Path
    ) -> None:
        before, after = content(12 * PART, 1), content(12 * PART, 2)
        await place.put("big", before)
        with pytest.raises(ZeroDivisionError):
            await place.obs.download_file(place.root + "big", tmp_path, progress=_ends_at(5 * PART))
        assert [name for name in await tree(tmp_path) if name.endswith(".journal")]
        await place.put("big", after)
        seen: list[Progress] = []
        await place.obs.download_file(place.root + "big", tmp_path, progress=seen.append)
        assert await tree(tmp_path) == {"big": after}
        # Nothing was there, and nothing had to be given up.
        assert [one.bytes_done for one in seen] == sorted(one.bytes_done for one in seen)
        assert seen[1].bytes_done <= PART


def _ends_at(count: int) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        if progress.bytes_done >= count:
            raise ZeroDivisionError

    return tell


class TestAtOnce:
    async def test_what_is_there_is_left_alone_when_asked(self, place: Place) -> None:
        path = place.root + "code/once"
        await place.obs.write(path, b"first", if_absent=True)
        for held in (b"second", content(3 * PART)):
            with pytest.raises(ObsExists, match="already"):
                await place.obs.write(path, held, if_absent=True)
        assert await place.all() == {"code/once": b"first"}
        await place.obs.write(path, b"over")
        assert await place.obs.read(path) == b"over"

    # Moto looks first and writes then, which is not what a storage does.
    @pytest.mark.parametrize("place", ["folder"], indirect=True)
    async def test_one_of_several_who_write_what_is_absent_succeeds(self, place: Place) -> None:
        writes = [place.obs.write(place.root + "k", b"%d" % i, if_absent=True) for i in range(6)]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        (written,) = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, ObsEntry)]
        assert [type(one) for one in outcomes if not isinstance(one, ObsEntry)] == [ObsExists] * 5
        assert await place.all() == {"k": b"%d" % written}

    async def test_an_object_that_changes_while_it_is_read(self, place: Place) -> None:
        await place.put("k", content(3 * PART))
        async with place.obs.open(place.root + "k") as reader:
            assert await reader.read(10) == content(3 * PART)[:10]
            await place.put("k", content(3 * PART, 1))
            with pytest.raises(ObsChanged, match="anew"):
                await reader.read()

    async def test_never_more_than_the_ceilings_allow(self, place: Place, tmp_path: Path) -> None:
        store = await place.obs._opened()
        now = {"bytes": 0, "transfers": 0}
        most = dict(now)

        class Counted(type(store)):  # type: ignore[misc]
            async def _held(self, size: int, work: Any) -> Any:
                now["bytes"] += size
                now["transfers"] += 1
                most.update({name: max(most[name], now[name]) for name in now})
                try:
                    return await work
                finally:
                    now["bytes"] -= size
                    now["transfers"] -= 1

            async def put(self, path: ObsPath, held: bytes, **options: Any) -> Any:
                return await self._held(len(held), super().put(path, held, **options))

            async def get(self, entry: ObsEntry, start: int, end: int) -> Any:
                return await self._held(end - start, super().get(entry, start, end))

        store.__class__ = Counted
        try:
            files = {f"f{i}": content(PART - i, i) for i in range(40)} | {"big": content(20 * PART)}
            await fill(tmp_path / "src", files)
            await place.obs.sync_up(tmp_path / "src", place.root)
            await place.obs.sync_down(place.root, tmp_path / "back")
        finally:
            store.__class__ = Counted.__bases__[0]
        assert await tree(tmp_path / "back") == files
        assert 4 < most["transfers"] <= SMALL.transfers
        assert most["bytes"] <= SMALL.bytes_in_flight

    async def test_what_came_in_is_let_go_before_more_is_asked_for(self, place: Place, tmp_path: Path) -> None:
        store = await place.obs._opened()
        alive, most = [0], [0]

        class Watched(type(store)):  # type: ignore[misc]
            async def get(self, entry: ObsEntry, start: int, end: int) -> Any:
                for _ in range(200):
                    # A thread that has done its work needs a moment to let go of what it was given.
                    if alive[0] + end - start <= 4 * PART:
                        break
                    await asyncio.sleep(0.01)
                most[0] = max(most[0], alive[0] + end - start)
                held = memoryview(bytearray(await super().get(entry, start, end)))
                alive[0] += end - start
                weakref.finalize(held, let_go, end - start)
                return held

        def let_go(size: int) -> None:
            alive[0] -= size

        async def opened() -> Any:
            watched = Watched.__new__(Watched)
            watched.__dict__.update(store.__dict__)
            return watched

        files = {f"f{i}": content(PART - i, i) for i in range(30)} | {"big": content(40 * PART)}
        for name, held in files.items():
            await place.put(name, held)
        obs = Obs(opened, TransferLimits(transfers=8, bytes_in_flight=4 * PART, part_bytes=PART))
        await obs.sync_down(place.root, tmp_path)
        assert await tree(tmp_path) == files
        async with obs.open(place.root + "big") as reader:
            async for _ in reader:
                pass
        assert 0 < most[0] <= 4 * PART
