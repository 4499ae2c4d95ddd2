"""What goes wrong on the way, with a server that speaks S3."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts import AsyncSession, ConfigurationError, NotSent
from aiomodelarts._net.retry import RetryPolicy
from aiomodelarts.credentials import AccessKey
from aiomodelarts.obs import FixedKeys, Obs
from aiomodelarts.obs.errors import (
    ClockSkewed,
    ContentDamaged,
    NotFromStorage,
    ObsNotAllowed,
    ObsRefused,
    ObsTrouble,
    TransferIncomplete,
    UnusableName,
)
from tests.net.servers import Server, http, serving
from tests.support.clocks import MovedClock

from .conftest import (
    EVER,
    PART,
    SECRET_KEY,
    SMALL,
    Moto,
    Place,
    SomeKeys,
    content,
    counts,
    faults,
    fill,
    session_on,
    tree,
)


class TestDamage:
    @pytest.mark.parametrize("size", [100, 3 * PART])
    @pytest.mark.parametrize("kind", ["damage_answer", "cut"])
    async def test_a_damaged_answer_is_asked_for_again(
        self, there: Place, tmp_path: Path, size: int, kind: str
    ) -> None:
        await there.put("k", content(size))
        await faults(there, {"method": "GET", "path": "/k$", "count": 1, "kind": kind})
        await there.obs.download_file(there.root + "k", tmp_path)
        assert await tree(tmp_path) == {"k": content(size)}

    @pytest.mark.parametrize("size", [100, 3 * PART])
    async def test_one_that_stays_damaged_never_takes_the_place_of_a_file(
        self, there: Place, tmp_path: Path, size: int
    ) -> None:
        await there.put("k", content(size))
        await there.put("sound", b"1")
        await fill(tmp_path, {"k": b"mine"})
        await faults(there, {"method": "GET", "path": "/k$", "count": EVER, "kind": "damage_answer"})
        with pytest.raises(ContentDamaged, match="k: it arrives damaged"):
            await there.obs.download_file(there.root + "k", tmp_path)
        with pytest.raises(TransferIncomplete, match="damaged") as failed:
            await there.obs.sync_down(there.root, tmp_path)
        assert failed.value.done.files == 1
        assert await tree(tmp_path) == {"k": b"mine", "sound": b"1"}

    @pytest.mark.parametrize("size", [100, 3 * PART])
    async def test_what_arrives_damaged_is_sent_again(self, there: Place, tmp_path: Path, size: int) -> None:
        await fill(tmp_path, {"k": content(size)})
        await faults(there, {"method": "PUT", "path": "/k$", "count": 1, "kind": "damage_request"})
        await there.obs.upload_file(tmp_path / "k", there.root)
        assert await there.all() == {"k": content(size)}

    @pytest.mark.parametrize("size", [100, 3 * PART])
    async def test_what_always_arrives_damaged_is_not_left_there(self, there: Place, tmp_path: Path, size: int) -> None:
        await fill(tmp_path, {"k": content(size)})
        await faults(there, {"method": "PUT", "path": "/k$", "count": EVER, "kind": "damage_request"})
        with pytest.raises(ContentDamaged):
            await there.obs.upload_file(tmp_path / "k", there.root)
        assert await there.all() == {}

    @pytest.mark.parametrize("size", [100, 3 * PART])
    async def test_what_is_written_and_read_at_once(self, there: Place, size: int) -> None:
        path, held = there.root + "k", content(size)
        damaged = {"path": "/k$", "count": 1}
        await there.put("k", held)
        await faults(there, {**damaged, "method": "GET", "kind": "damage_answer"})
        assert await there.obs.read(path) == held
        await faults(there, {**damaged, "method": "GET", "kind": "damage_answer", "count": EVER})
        with pytest.raises(ContentDamaged, match="arrives damaged"):
            await there.obs.read(path)
        await faults(there, {**damaged, "method": "PUT", "kind": "damage_request", "count": EVER})
        with pytest.raises(ContentDamaged, match="arrived damaged"):
            await there.obs.write(path, held)
        assert await there.all() == {}
        with pytest.raises(ContentDamaged, match="arrived damaged"):
            async with there.obs.open(path, "wb") as writer:
                await writer.write(held)
        assert await there.all() == {}

    async def test_what_is_written_at_once_is_sent_again(self, there: Place) -> None:
        await faults(there, {"method": "PUT", "path": "/k$", "count": 1, "kind": "damage_request"})
        await there.obs.write(there.root + "k", content(100))
        assert await there.all() == {"k": content(100)}

    async def test_an_etag_that_is_no_check_sum_is_not_taken_for_one(self, there: Place, tmp_path: Path) -> None:
        def encrypted() -> None:
            assert there.moto is not None
            client = there.moto.client()
            client.put_object(Bucket=there.bucket, Key="k", Body=b"secret", ServerSideEncryption="aws:kms")

        await asyncio.to_thread(encrypted)
        # As an encrypted object with an ETag of its own looks to whoever reads it.
        await faults(there, {"method": "GET", "path": "/k$", "count": 1, "kind": "damage_answer"})
        await there.obs.download_file(there.root + "k", tmp_path)
        assert list(await tree(tmp_path)) == ["k"]


class TestRefusals:
    @pytest.mark.parametrize("method", ["GET", "PUT"])
    async def test_a_clock_that_is_off(self, there: Place, method: str) -> None:
        rule = {"status": "403 Forbidden", "code": "RequestTimeTooSkewed"}
        await faults(there, {"method": method, "path": "/b", "count": EVER, "kind": "status", **rule})
        with pytest.raises(ClockSkewed, match="clock is off"):
            if method == "GET":
                await anext(there.obs.list(there.root))
            else:
                await there.obs.write(there.root + "k", b"1")

    async def test_a_clock_that_is_off_shows_by_the_date_of_an_answer_without_a_body(self, moto: Moto) -> None:
        clock = MovedClock()
        clock.ahead_s += 3600
        async with SomeKeys(moto, FixedKeys(AccessKey("AK", "SK")), clock) as place:
            rule = {"status": "403 Forbidden", "code": "RequestTimeTooSkewed"}
            await faults(place, {"method": "HEAD", "path": "/b", "count": EVER, "kind": "status", **rule})
            with pytest.raises(ClockSkewed, match="clock is off"):
                await place.obs.stat(place.root + "k")

    async def test_a_bucket_of_somebody_else(self, there: Place, tmp_path: Path) -> None:
        rule = {"status": "403 Forbidden", "code": "AccessDenied", "message": "Access Denied"}
        for method in ("GET", "PUT", "HEAD", "DELETE"):
            await faults(there, {"method": method, "path": "/b", "count": EVER, "kind": "status", **rule})
            await fill(tmp_path, {"f": b"1"})
            with pytest.raises(ObsNotAllowed, match="belongs to somebody else") as refused:
                if method == "GET":
                    await there.obs.sync_up(tmp_path, there.root)
                elif method == "PUT":
                    await there.obs.upload_file(tmp_path / "f", there.root)
                elif method == "HEAD":
                    await there.obs.download_file(there.root + "f", tmp_path)
                else:
                    await (await there.obs._opened()).delete((await there.obs.write(there.root + "x", b"")).path)
            assert there.bucket in str(refused.value)
            assert SECRET_KEY not in str(refused.value) + repr(refused.value)

    async def test_trouble_passes(self, there: Place, tmp_path: Path) -> None:
        await there.put("k", content(10))
        slow = {"status": "503 Service Unavailable", "code": "SlowDown", "kind": "status", "path": "/b", "count": 2}
        await faults(there, *[{"method": method, **slow} for method in ("GET", "PUT", "HEAD", "DELETE")])
        await there.obs.sync_down(there.root, tmp_path)
        await there.obs.write(there.root + "l", b"1")
        await there.obs.delete(there.root + "k")
        assert await there.all() == {"l": b"1"}

    async def test_only_the_part_that_met_trouble_is_sent_or_asked_for_again(
        self, there: Place, tmp_path: Path
    ) -> None:
        await fill(tmp_path, {"k": content(6 * PART)})
        slow = {"status": "503 Service Unavailable", "code": "SlowDown", "kind": "status", "path": "/k$", "count": 1}
        await faults(there, {"method": "PUT", **slow}, {"method": "GET", **slow})
        await counts(there)
        await there.obs.upload_file(tmp_path / "k", there.root)
        assert (await counts(there))[f"PUT /{there.bucket}/k"] == 6 + 1
        await there.obs.download_file(there.root + "k", tmp_path / "back")
        # Six parts are fewer than twice the four lines, so each is asked for by itself.
        assert (await counts(there))[f"GET /{there.bucket}/k"] == 6 + 1
        assert await tree(tmp_path / "back") == {"k": content(6 * PART)}

    async def test_trouble_that_stays_is_told(self, there: Place) -> None:
        rule = {"status": "503 Service Unavailable", "code": "SlowDown", "message": "Please reduce your rate"}
        await faults(there, {"method": "GET", "path": "/b", "count": EVER, "kind": "status", **rule})
        with pytest.raises(ObsTrouble, match=r"Please reduce your rate \(SlowDown"):
            await anext(there.obs.list(there.root))

    async def test_any_other_refusal_is_told_as_it_was_said(self, there: Place) -> None:
        rule = {"status": "400 Bad Request", "code": "InvalidRequest", "message": "Not like this"}
        await faults(there, {"method": "PUT", "path": "/b", "count": EVER, "kind": "status", **rule})
        with pytest.raises(ObsRefused, match=r"Not like this \(InvalidRequest"):
            await there.obs.write(there.root + "k", b"1")
        with pytest.raises(ObsRefused, match=r"Not like this \(InvalidRequest"):
            await there.obs.write(there.root + "k/", b"")

    async def test_nobody_listens(self, moto: Moto) -> None:
        nobody = Moto("http://127.0.0.1:9")
        async with session_on(nobody, retry=RetryPolicy(max_tries=1)) as session:
            with pytest.raises(NotSent):
                await session.obs.stat("obs://b/k")

    async def test_a_session_with_a_token_says_what_is_missing(self) -> None:
        endpoints = {"obs": "http://127.0.0.1:9", "modelarts": "http://127.0.0.1:9"}
        async with AsyncSession(token="t", project_id="p", endpoints=endpoints) as session:
            with pytest.raises(ConfigurationError, match="keys"):
                await session.obs.stat("obs://b/k")

    async def test_a_session_without_an_endpoint_says_what_is_missing(self) -> None:
        async with AsyncSession("ak", "sk", project_id="p", endpoints={"modelarts": "http://127.0.0.1:9"}) as session:
            with pytest.raises(ConfigurationError, match="AIOMODELARTS_OBS_ENDPOINT"):
                await session.obs.stat("obs://b/k")


class TestKeysOfOthers:
    """A bucket may hold what no file can be called."""

    async def test_what_cannot_be_a_file_is_told_and_the_rest_arrives(self, there: Place, tmp_path: Path) -> None:
        bad = ["d//double", "d/" + "n" * 300]
        for key in (*bad, "d/fine", "d/fine2"):
            await there.put(key, b"1")
        listed = [entry.path.key async for entry in there.obs.list(there.root, recursive=True)]
        assert set(bad) < set(listed)
        with pytest.raises(TransferIncomplete) as failed:
            await there.obs.download_dir(there.root + "d/", tmp_path)
        assert await tree(tmp_path) == {"d/fine": b"1", "d/fine2": b"1"}
        assert {type(one) for one in failed.value.failures} == {UnusableName}

    async def test_keys_that_xml_has_no_characters_for_are_listed_with_all_others(
        self, there: Place, tmp_path: Path
    ) -> None:
        keys = ["d/bell\x07 100%25+.txt", "d/ü x", *(f"d/{number:02}" for number in range(25))]
        for key in keys:
            await there.put(key, b"1")
        listed = [entry.path.key async for entry in there.obs.list(there.root + "d", recursive=True)]
        assert sorted(listed) == sorted(keys)
        with pytest.raises(TransferIncomplete, match="cannot be asked for") as failed:
            await there.obs.sync_down(there.root, tmp_path)
        assert [type(one) for one in failed.value.failures] == [ObsRefused]
        assert sorted(await tree(tmp_path)) == sorted(keys[1:])

    async def test_an_answer_that_is_no_listing(self, there: Place) -> None:
        rule = {"status": "200 OK", "code": "<", "kind": "status", "count": EVER}
        await faults(there, {"method": "GET", "path": "/b", **rule})
        with pytest.raises(NotFromStorage):
            await anext(there.obs.list(there.root))

    async def test_a_listing_that_is_cut_short(self) -> None:
        cut = http(b"<?xml version='1.0'?><ListBucketResult><Contents><Key>a</Key>")
        async with serving(cut, keep=True) as server, _on(server) as obs:
            with pytest.raises(ObsTrouble, match="listing cannot be read"):
                await anext(obs.list("obs://bucket/"))

    async def test_a_climbing_key_writes_nothing_outside(self, there: Place, tmp_path: Path) -> None:
        from aiomodelarts.obs import ObsEntry, ObsPath
        from aiomodelarts.obs._transfer.flow import Lanes
        from aiomodelarts.obs._transfer.sync_down import SyncDown
        from aiomodelarts.obs.selection import Selection

        store = await there.obs._opened()
        await there.put("d/fine", b"1")
        found = await there.obs.stat(there.root + "d/fine")

        class Climbing(type(store)):  # type: ignore[misc]
            async def pages(self, folder: ObsPath, *, recursive: bool) -> Any:
                for key in ("d/../../up", "d/..", "d/./x", "d/fine"):
                    yield [ObsEntry(ObsPath(there.bucket, key), 1, found.modified, found.etag)]

        climbing = Climbing.__new__(Climbing)
        climbing.__dict__.update(store.__dict__)
        run = SyncDown(climbing, Lanes(SMALL), ObsPath(there.bucket, "d/"), tmp_path / "in", Selection())
        with pytest.raises(TransferIncomplete) as failed:
            await run.run(folders=True, delete=False, progress=None)
        assert len(failed.value.failures) == 3
        assert await tree(tmp_path) == {"in/fine": b"1"}


class TestSomethingElse:
    """What answers is no object storage: never a bucket that holds nothing, and never an object."""

    PAGES = (b"<html><body>Please log in</body></html>", b"<!doctype html><html><body>Please log in<br></body></html>")

    @pytest.mark.parametrize("page", PAGES)
    async def test_a_page_is_no_listing(self, tmp_path: Path, page: bytes) -> None:
        await fill(tmp_path, {"kept": b"1"})
        async with serving(http(page), keep=True) as server, _on(server) as obs:
            with pytest.raises(NotFromStorage, match="proxy"):
                await obs.sync_down("obs://bucket/", tmp_path, delete=True)
        assert await tree(tmp_path) == {"kept": b"1"}

    async def test_a_page_is_no_object(self) -> None:
        async with serving(http(b"", "200 OK", "Content-Type: text/html"), keep=True) as server, _on(server) as obs:
            with pytest.raises(NotFromStorage):
                await obs.stat("obs://bucket/key")
            with pytest.raises(NotFromStorage):
                await obs.write("obs://bucket/key", b"1")


@contextlib.asynccontextmanager
async def _on(server: Server) -> AsyncIterator[Obs]:
    endpoints = {"modelarts": server.origin, "obs": server.origin}
    async with AsyncSession("AK", "SK", project_id="p", region_name="local", endpoints=endpoints) as session:
        yield session.obs
