"""What goes wrong on the way, with a server that speaks S3."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from aiomodelarts import AsyncSession, ConfigurationError, NotSent
from aiomodelarts._clock import SystemClock
from aiomodelarts._net.aiohttp_transport import AiohttpTransport
from aiomodelarts._net.retry import Retry, RetryPolicy
from aiomodelarts._net.transport import Timeouts
from aiomodelarts.credentials import AccessKey
from aiomodelarts.obs import FixedKeys, Lease, Obs, Progress
from aiomodelarts.obs.errors import (
    ClockSkewed,
    ContentDamaged,
    KeysExpired,
    ObsNotAllowed,
    ObsRefused,
    ObsTrouble,
    TransferIncomplete,
    UnusableName,
)
from aiomodelarts.obs.s3 import S3Store
from aiomodelarts.obs.values import OnProgress

from .conftest import SECRET_KEY, SMALL, Moto, Place, content, fill, session_on, tree

PART = SMALL.part_bytes
EVER = 1000


@pytest_asyncio.fixture
async def there(moto: Moto) -> Any:
    """An empty bucket on the server."""
    async with session_on(moto, retry=RetryPolicy(max_tries=3, base_s=0.001)) as session:
        yield Place(session.obs, await asyncio.to_thread(moto.bucket), moto, None)


async def faults(place: Place, *rules: dict[str, Any]) -> None:
    assert place.moto is not None
    await asyncio.to_thread(place.moto.faults, *rules)


async def counts(place: Place) -> dict[str, int]:
    assert place.moto is not None
    return await asyncio.to_thread(place.moto.counts)


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
        clock.skip(3600)
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
            clock.skip(900)
            await place.obs.write(place.root + "k", b"1")
            assert asked == [False, False]


class MovedClock(SystemClock):
    def __init__(self) -> None:
        self._ahead = 0.0

    def skip(self, seconds: float) -> None:
        self._ahead += seconds

    def now(self) -> float:
        return super().now() + self._ahead


class SomeKeys:
    """Object storage on the server with keys from a source."""

    def __init__(self, moto: Moto, source: Any, clock: SystemClock | None = None) -> None:
        self._moto, self._source, self._clock = moto, source, clock or SystemClock()

    async def __aenter__(self) -> Place:
        self._transport = AiohttpTransport(Timeouts())
        retry = Retry(RetryPolicy(max_tries=3, base_s=0.001), self._clock, random.Random(0))
        store = S3Store(self._moto.endpoint, "region", self._source, self._transport, retry, self._clock)

        async def opened() -> S3Store:
            return store

        self._obs = Obs(opened, SMALL)
        return Place(self._obs, await asyncio.to_thread(self._moto.bucket), self._moto, None)

    async def __aexit__(self, *_: object) -> None:
        await self._obs.close()
        await self._transport.close()


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
        with pytest.raises(ObsTrouble, match="listing cannot be read"):
            await anext(there.obs.list(there.root))

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
