"""Keys of object storage that end, and are renewed."""

from pathlib import Path

import pytest

from aiomodelarts.credentials import AccessKey
from aiomodelarts.obs import Lease
from aiomodelarts.obs.errors import (
    KeysExpired,
)
from tests.support.clocks import MovedClock

from .conftest import EVER, PART, Moto, Place, SomeKeys, content, faults, fill, tree


class TestKeys:
    """Temporary keys end in the middle of a transfer."""

    async def test_they_are_renewed_once_for_all(self, moto: Moto, tmp_path: Path) -> None:
        asked: list[bool] = []

        async def source(renew: bool) -> Lease:
            asked.append(renew)
            return Lease(AccessKey(f"AK{len(asked)}", "SK", "token"))

        async with SomeKeys(moto, source) as place:
            await fill(tmp_path, {"big": content(6 * PART), **{f"f{i}": content(100, i) for i in range(20)}})
            await place.obs.sync_up(tmp_path, place.root)
            expired = {"status": "400 Bad Request", "code": "ExpiredToken", "kind": "status", "count": 1}
            for path in ("/big$", "/f7$", "/$"):
                await faults(place, {"method": "GET", "path": path, **expired})
                before = len(asked)
                target = tmp_path / f"back{path.strip('/$')}"
                await place.obs.sync_down(place.root, target)
                assert asked[before:] == [True]
                assert await tree(target) == {k: v for k, v in (await tree(tmp_path)).items() if "back" not in k}

    @pytest.mark.parametrize("method", ["PUT", "POST"])
    async def test_they_end_while_a_large_file_goes_up(self, moto: Moto, tmp_path: Path, method: str) -> None:
        asked: list[bool] = []

        async def source(renew: bool) -> Lease:
            asked.append(renew)
            return Lease(AccessKey(f"AK{len(asked)}", "SK", "token"))

        async with SomeKeys(moto, source) as place:
            await fill(tmp_path, {"big": content(6 * PART)})
            expired = {"status": "400 Bad Request", "code": "ExpiredToken", "kind": "status", "count": 1}
            await faults(place, {"method": method, "path": "/big$", **expired})
            done = await place.obs.upload_file(tmp_path / "big", place.root)
            assert asked == [False, True]
            assert done.bytes == 6 * PART
            assert await place.all() == {"big": content(6 * PART)}

    async def test_keys_that_cannot_be_renewed(self, there: Place, tmp_path: Path) -> None:
        rule = {"status": "400 Bad Request", "code": "ExpiredToken", "kind": "status", "count": EVER}
        await faults(there, {"method": "PUT", "path": "/b", **rule})
        with pytest.raises(KeysExpired, match="over"):
            await there.obs.write(there.root + "k", b"1")
        await fill(tmp_path, {"big": content(3 * PART)})
        with pytest.raises(KeysExpired, match="over"):
            await there.obs.upload_file(tmp_path / "big", there.root)
        assert await there.all() == {}

    async def test_they_are_renewed_before_they_end(self, moto: Moto) -> None:
        asked: list[bool] = []
        clock = MovedClock()

        async def source(renew: bool) -> Lease:
            asked.append(renew)
            return Lease(AccessKey(f"AK{len(asked)}", "SK", "token"), clock.now() + 1000)

        async with SomeKeys(moto, source, clock) as place:
            for _ in range(3):
                await place.obs.write(place.root + "k", b"1")
            assert asked == [False]
            clock.ahead_s += 900
            await place.obs.write(place.root + "k", b"1")
            assert asked == [False, False]
