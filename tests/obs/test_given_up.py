"""Transfers that are given up in the middle leave nothing half behind."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts.obs import Progress
from aiomodelarts.obs.values import OnProgress

from .conftest import EVER, PART, Place, content, faults, fill, tree


class TestGivenUp:
    """An upload in parts that comes to nothing leaves nothing, also nothing that only a bill would tell of."""

    async def test_by_an_error_here(self, there: Place, tmp_path: Path) -> None:
        await fill(tmp_path, {"k": content(6 * PART)})

        def seen(progress: Any) -> None:
            if progress.bytes_done > PART:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await there.obs.upload_file(tmp_path / "k", there.root, progress=seen)
        await _nothing_in(there)

    @pytest.mark.parametrize("parts", [1, 5, 12])
    async def test_by_a_cancellation(self, there: Place, tmp_path: Path, parts: int) -> None:
        await fill(tmp_path, {"k": content(20 * PART)})
        slow = {"method": "PUT", "path": "/k$", "kind": "delay", "seconds": 0.05, "count": EVER}
        await faults(there, slow)
        await _cancelled_after(
            parts * PART, lambda seen: there.obs.upload_file(tmp_path / "k", there.root, progress=seen)
        )
        await _nothing_in(there)

    @pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
    async def test_in_the_middle_of_a_stream(self, there: Place, error: type[BaseException]) -> None:
        with pytest.raises(error):
            async with there.obs.open(there.root + "k", "wb") as writer:
                await writer.write(bytes(5 * PART))
                raise error
        await _nothing_in(there)


async def _nothing_in(place: Place) -> None:
    assert await place.all() == {}

    def uploads() -> Any:
        assert place.moto is not None
        return place.moto.client().list_multipart_uploads(Bucket=place.bucket).get("Uploads", [])

    assert await asyncio.to_thread(uploads) == []


async def test_a_transfer_that_is_cancelled_leaves_nothing_half(there: Place, tmp_path: Path) -> None:
    await fill(tmp_path / "src", {f"f{i}": content(3 * PART, i) for i in range(8)})
    for step in (1, 3, 9):
        await _cancelled_after(step * PART, lambda seen: there.obs.sync_up(tmp_path / "src", there.root, progress=seen))
        for name, held in (await there.all()).items():
            assert held == (await tree(tmp_path / "src"))[name]
    await there.obs.sync_up(tmp_path / "src", there.root)
    assert await there.all() == await tree(tmp_path / "src")


async def _cancelled_after(count: int, work: Callable[[OnProgress], Any]) -> None:
    reached = asyncio.Event()

    def seen(progress: Progress) -> None:
        if progress.bytes_done >= count:
            reached.set()

    task = asyncio.create_task(work(seen))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
