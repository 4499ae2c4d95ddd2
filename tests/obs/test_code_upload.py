"""Code goes up once: for all estimators of a session, for several sessions, after a kill, on both kinds of store."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts.obs.code.local import LocalCode, read_code, read_manifest
from aiomodelarts.obs.code.upload import CodeUploads
from aiomodelarts.obs.errors import BucketNotFound, SourceChanged, SourceVanished

from .conftest import Moto, Place, session_on

FILES = {"train.py": b"print(1)\n", "sub/one.py": b"1", "big.bin": b"x" * (1 << 20) + b"y"}


class Clock:
    """A clock whose pauses are short."""

    def __init__(self) -> None:
        self.slept_s = 0.0

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return self.slept_s

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.001 * seconds)
        self.slept_s += seconds


def folder_of(place: Path, files: dict[str, bytes] = FILES) -> Path:
    for path, content in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    return place


def read(place: Path, files: dict[str, bytes] = FILES) -> LocalCode:
    return read_code(folder_of(place, files))


def keys_of(code: LocalCode, prefix: str = "code/") -> set[str]:
    name = code.manifest.name
    return {f"{prefix}{name}/{one.path}" for one in code.manifest.files} | {f"{prefix}{name}.json"}


async def upload(place: Place, code: LocalCode, clock: Clock | None = None) -> Any:
    return await CodeUploads(place.obs, clock or Clock())(code, f"/{place.bucket}/code/")


async def test_all_files_arrive_and_the_list_of_them_comes_last(place: Place, tmp_path: Path) -> None:
    code = await asyncio.to_thread(read, tmp_path / "src")
    done = await upload(place, code)
    there = await place.all()
    assert set(there) == keys_of(code)
    name = code.manifest.name
    assert str(done.folder) == f"obs://{place.bucket}/code/{name}/"
    assert {
        key.removeprefix(f"code/{name}/"): content for key, content in there.items() if not key.endswith(".json")
    } == FILES
    assert read_manifest(there[f"code/{name}.json"]) == code.manifest
    assert (done.sent, done.files, done.bytes) == (3, 3, sum(map(len, FILES.values())))


async def test_who_comes_second_sends_nothing(place: Place, tmp_path: Path) -> None:
    code = await asyncio.to_thread(read, tmp_path / "src")
    await upload(place, code)
    if place.moto is not None:
        await asyncio.to_thread(place.moto.counts)
    uploads = CodeUploads(place.obs, Clock())
    again = [await uploads(code, f"/{place.bucket}/code/") for _ in range(3)]
    assert [one.sent for one in again] == [0, 0, 0]
    if place.moto is not None:
        counts = await asyncio.to_thread(place.moto.counts)
        assert not [asked for asked in counts if asked.startswith(("PUT", "POST", "DELETE"))]
        assert sum(counts.values()) <= 3  # once for the process: the list of the files, and whether they are all there


@pytest.mark.parametrize("controllers", [2, 6])
async def test_of_several_at_once_one_sends_and_all_find_it(place: Place, tmp_path: Path, controllers: int) -> None:
    code = await asyncio.to_thread(read, tmp_path / "src")
    if place.moto is not None:
        await asyncio.to_thread(place.moto.counts)
    done = await asyncio.gather(*(upload(place, code) for _ in range(controllers)))
    assert sorted(one.sent for one in done) == [0] * (controllers - 1) + [3]
    assert set(await place.all()) == keys_of(code)
    if place.moto is not None:
        counts = await asyncio.to_thread(place.moto.counts)
        sent = {asked: count for asked, count in counts.items() if asked.startswith("PUT") and "/code/" in asked}
        assert [count for asked, count in sent.items() if asked.endswith(".py")] == [1, 1]


async def test_what_an_interrupted_upload_left_is_not_sent_again(place: Place, tmp_path: Path) -> None:
    code = await asyncio.to_thread(read, tmp_path / "src")
    await place.put(f"code/{code.manifest.name}/train.py", FILES["train.py"])
    assert (await upload(place, code)).sent == 2
    assert set(await place.all()) == keys_of(code)


async def test_a_file_that_somebody_removed_comes_back(place: Place, tmp_path: Path) -> None:
    code = await asyncio.to_thread(read, tmp_path / "src")
    await upload(place, code)
    await place.obs.delete(f"/{place.bucket}/code/{code.manifest.name}/sub/one.py")
    assert (await upload(place, code)).sent == 1
    assert set(await place.all()) == keys_of(code)


@pytest.mark.parametrize("left", ["000001-{0}", "choosing-{0}"])
async def test_one_who_died_is_waited_for_no_longer_than_it_is_silent(place: Place, tmp_path: Path, left: str) -> None:
    code = await asyncio.to_thread(read, tmp_path / "src")
    await place.put(f"code/{code.manifest.name}.queue/{left.format('0' * 32)}", b"7")
    clock = Clock()
    assert (await upload(place, code, clock)).sent == 3
    assert clock.slept_s >= 45
    assert set(await place.all()) == keys_of(code)


_UPLOADS = """\
import asyncio, sys
from pathlib import Path
from aiomodelarts import AsyncSession
from aiomodelarts.obs.code.local import read_code
from tests.obs.conftest import Moto, session_on

async def main(endpoint, bucket, folder):
    async with session_on(Moto(endpoint)) as session:
        done = await session.upload_code(read_code(Path(folder)), f"/{bucket}/code/")
        print(done.sent, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("after_puts", [1, 3, 8])
async def test_after_a_kill_the_next_one_goes_on_at_once_and_sends_the_rest(
    moto: Moto, tmp_path: Path, after_puts: int
) -> None:
    files = {f"{number}.py": b"x" * number for number in range(12)}
    code = await asyncio.to_thread(read, tmp_path / "src", files)
    bucket = await asyncio.to_thread(moto.bucket)
    await asyncio.to_thread(moto.counts)
    some = {"method": "PUT", "path": r"/\d+\.py$", "kind": "delay", "seconds": 0, "count": after_puts}
    # The others are on their way for longer than the test.
    await asyncio.to_thread(moto.faults, some, {**some, "seconds": 300, "count": 99})
    arguments = [sys.executable, "-c", _UPLOADS, moto.endpoint, bucket, str(tmp_path / "src")]
    killed = await asyncio.create_subprocess_exec(*arguments)

    async def sent() -> int:
        rows = (await asyncio.to_thread(moto.client().list_objects_v2, Bucket=bucket)).get("Contents", [])
        return sum(row["Key"].endswith(".py") for row in rows)

    async with asyncio.timeout(30):
        while await sent() < after_puts:
            await asyncio.sleep(0.02)
    killed.kill()
    await killed.wait()
    await asyncio.to_thread(moto.faults)
    clock = Clock()
    async with session_on(moto) as session:
        done = await CodeUploads(session.obs, clock)(code, f"/{bucket}/code/")
    assert done.sent == 12 - after_puts
    assert clock.slept_s < 45
    rows = (await asyncio.to_thread(moto.client().list_objects_v2, Bucket=bucket))["Contents"]
    assert {row["Key"] for row in rows} == keys_of(code)


async def test_of_several_processes_at_once_one_sends_and_all_find_it(moto: Moto, tmp_path: Path) -> None:
    files = {f"{number}.py": b"x" * number for number in range(12)}
    code = await asyncio.to_thread(read, tmp_path / "src", files)
    bucket = await asyncio.to_thread(moto.bucket)
    await asyncio.to_thread(moto.counts)
    arguments = [sys.executable, "-c", _UPLOADS, moto.endpoint, bucket, str(tmp_path / "src")]
    # The first one takes its time, so that the others come while it is at it.
    rule = {"method": "PUT", "path": r"/\d+\.py$", "kind": "delay", "seconds": 0.5, "count": 12}
    await asyncio.to_thread(moto.faults, rule)
    several = [await asyncio.create_subprocess_exec(*arguments, stdout=subprocess.PIPE) for _ in range(4)]
    sent = [int((await one.communicate())[0]) for one in several]
    assert sorted(sent) == [0, 0, 0, 12]
    asked = await asyncio.to_thread(moto.counts)
    assert [count for what, count in asked.items() if what.startswith("PUT") and what.endswith(".py")] == [1] * 12
    rows = (await asyncio.to_thread(moto.client().list_objects_v2, Bucket=bucket))["Contents"]
    assert {row["Key"] for row in rows} == keys_of(code)


async def test_one_who_lives_is_waited_for(place: Place, tmp_path: Path) -> None:
    code = await asyncio.to_thread(read, tmp_path / "src")
    ticket = f"code/{code.manifest.name}.queue/000001-{'0' * 32}"
    await place.put(ticket, b"0")
    clock = Clock()
    waiting = asyncio.create_task(upload(place, code, clock))
    for beat in range(1, 4):
        at = clock.slept_s
        while clock.slept_s < at + 20 and not waiting.done():
            await asyncio.sleep(0.001)
        await place.put(ticket, f"{beat}".encode())
    assert not waiting.done()
    for one, local in zip(code.manifest.files, code.files, strict=True):
        content = await asyncio.to_thread(local.place.read_bytes)
        await place.put(f"code/{code.manifest.name}/{one.path}", content)
    await place.put(f"code/{code.manifest.name}.json", code.manifest.as_bytes())
    assert (await waiting).sent == 0


@pytest.mark.parametrize("name", ["train.py", "big.bin"])
@pytest.mark.parametrize("change", ["another", "gone"])
async def test_a_file_that_changed_after_it_was_read_leaves_nothing_behind(
    place: Place, tmp_path: Path, name: str, change: str
) -> None:
    code = await asyncio.to_thread(read, tmp_path / "src")
    local = tmp_path / "src" / name
    await asyncio.to_thread(local.unlink)
    if change == "another":
        await asyncio.to_thread(local.write_bytes, FILES[name][:-1] + b"?")
    with pytest.raises((SourceChanged, SourceVanished)) as caught:
        await upload(place, code)
    assert name in str(caught.value)
    left = await place.all()
    assert not [key for key in left if key.endswith((name, ".json")) or ".queue/" in key]


async def test_a_bucket_that_is_not_there_is_told(place: Place, tmp_path: Path) -> None:
    code = await asyncio.to_thread(read, tmp_path / "src")
    with pytest.raises(BucketNotFound):
        await CodeUploads(place.obs, Clock())(code, "/no-such-bucket-here/code/")


async def test_cancelling_one_who_waits_leaves_the_upload_alone(place: Place, tmp_path: Path) -> None:
    code = await asyncio.to_thread(read, tmp_path / "src")
    uploads = CodeUploads(place.obs, Clock())
    first = asyncio.create_task(uploads(code, f"/{place.bucket}/code/"))
    second = asyncio.create_task(uploads(code, f"/{place.bucket}/code/"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).sent == 3
    with pytest.raises(asyncio.CancelledError):
        await first
