"""A disk that fills for real: the system itself lets no file grow beyond a size, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import SMALL, Moto, content

PART = SMALL.part_bytes
ROOM = 3 * PART + 1000

_PROGRAM = """\
import asyncio, resource, sys
from contextlib import asynccontextmanager
from aiomodelarts.obs import FolderStore, Obs
from aiomodelarts.obs.errors import ObsError
from tests.obs.conftest import SMALL, Moto, session_on

@asynccontextmanager
async def opened(where):
    if where.startswith("http"):
        async with session_on(Moto(where)) as session:
            yield session.obs
        return
    async def folder():
        return FolderStore(where)
    yield Obs(folder, SMALL)

async def main(where, bucket, what, folder, room):
    if room != "all":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
    async with opened(where) as obs:
        try:
            if what == "down":
                print(await obs.sync_down(f"obs://{bucket}/data/", folder))
            else:
                print(await obs.sync_up(folder, f"obs://{bucket}/data/"))
        except ObsError as error:
            print(type(error).__name__, error)

asyncio.run(main(*sys.argv[1:]))
"""
FILES = {"a": content(10), "b big": content(8 * PART, 1), "c": content(20)}


def run(where: str, bucket: str, what: str, folder: Path, room: int | str) -> str:
    command = [sys.executable, "-c", _PROGRAM, where, bucket, what, str(folder), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def written(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, held in files.items():
        (folder / name).write_bytes(held)
    return folder


def here(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.rglob("*") if one.is_file()}


@pytest.mark.parametrize("kind", ["moto", "folder"])
def test_a_disk_that_fills_under_a_download_leaves_what_was_there(moto: Moto, tmp_path: Path, kind: str) -> None:
    if kind == "moto":
        where, bucket, client = moto.endpoint, moto.bucket(), moto.client()
        for name, held in FILES.items():
            client.put_object(Bucket=bucket, Key=f"data/{name}", Body=held)
    else:
        where, bucket = str(tmp_path / "buckets"), "bucket"
        written(tmp_path / "buckets" / "bucket" / "data", FILES)
    target = written(tmp_path / "here", {"b big": b"mine", "note": b"n"})
    told = run(where, bucket, "down", target, ROOM)
    assert told.startswith("DiskFull")
    assert "b big" in told
    assert "make room" in told
    left = {name: held for name, held in here(target).items() if not name.startswith(".obs-")}
    assert (left["b big"], left["note"]) == (b"mine", b"n")
    assert all(held == FILES[name] for name, held in left.items() if name in "ac")
    assert "files=" in run(where, bucket, "down", target, "all")
    assert here(target) == {**FILES, "note": b"n"}


def test_a_disk_that_fills_under_the_buckets_leaves_no_half_object(tmp_path: Path) -> None:
    source = written(tmp_path / "src", FILES)
    buckets = tmp_path / "buckets"
    written(buckets / "bucket" / "data", {"b big": b"of before"})
    told = run(str(buckets), "bucket", "up", source, ROOM)
    assert told.startswith("DiskFull")
    left = here(buckets)
    assert left["b big"] == b"of before"
    assert set(left) <= set(FILES)
    assert "files=" in run(str(buckets), "bucket", "up", source, "all")
    assert here(buckets) == FILES
