"""kill -9 in the middle of a transfer: the next run completes it, and does not do again what was done."""

import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import PART, Moto, content

PARTS_OF_BIG = 24


def files(seed: int) -> dict[str, bytes]:
    drawn = random.Random(seed)
    small = {f"d{i % 3}/ü {i}.bin": content(drawn.randrange(0, 9000), i) for i in range(60)}
    return {**small, "a big one.bin": content(PARTS_OF_BIG * PART - 11, seed)}


def run(moto: Moto, bucket: str, what: str, folder: Path, kill_at_bytes: int | None = None) -> bool:
    """Whether the transfer came to its end."""
    others = moto.connected()
    command = [sys.executable, "-m", "tests.obs.transfer_process", moto.endpoint, bucket, what, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as steps:
        for step in steps:
            if kill_at_bytes is not None and int(step.split()[1]) >= kill_at_bytes:
                process.kill()
                break
    ended_well = process.wait() == 0
    # What the server has of the killed one, on its way or half read, counts to that run and not to the next.
    until = time.monotonic() + 30
    while moto.connected() - others:
        assert time.monotonic() < until
        time.sleep(0.01)
    return ended_well


def there(moto: Moto, bucket: str) -> dict[str, bytes]:
    client = moto.client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="data/")
    keys = [row["Key"] for page in pages for row in page.get("Contents", [])]
    return {key.removeprefix("data/"): client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def here(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sync_up(moto: Moto, tmp_path: Path, seed: int) -> None:
    held = files(seed)
    for name, one in held.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(one)
    bucket = moto.bucket()
    at = random.Random(seed).uniform(0.1, 0.9) * sum(map(len, held.values()))
    assert not run(moto, bucket, "up", tmp_path, int(at))
    done = there(moto, bucket)
    assert done
    assert all(held[name] == one for name, one in done.items())
    moto.counts()
    assert run(moto, bucket, "up", tmp_path)
    assert there(moto, bucket) == held
    sent = {path.split("/data/")[1] for path in moto.counts() if path.startswith("PUT ") and "/data/" in path}
    assert not sent & set(done)
    assert sent == set(held) - set(done)


@pytest.mark.parametrize("what", ["down", "dir"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_downloads(moto: Moto, tmp_path: Path, seed: int, what: str) -> None:
    held = files(seed)
    bucket = moto.bucket()
    client = moto.client()
    for name, one in held.items():
        client.put_object(Bucket=bucket, Key=f"data/{name}", Body=one)
    at = random.Random(seed).uniform(0.1, 0.9) * sum(map(len, held.values()))
    assert not run(moto, bucket, what, tmp_path, int(at))
    done = {name: one for name, one in here(tmp_path / "data").items() if name in held}
    assert all(held[name] == one for name, one in done.items())
    big = "a big one.bin"
    journal = b"".join(one.read_bytes() for one in tmp_path.rglob("*.journal"))
    kept = {int(index) for index in re.findall(rb"^(\d+) \w{8}$", journal, re.MULTILINE)}
    assert kept or big in done
    missing = sum(len(held[big][index * PART :][:PART]) for index in range(PARTS_OF_BIG) if index not in kept)
    moto.counts()
    assert run(moto, bucket, what, tmp_path)
    # Nothing but the files is left, no temporary one either.
    assert here(tmp_path / "data") == held
    counts = moto.counts()
    fetched = {path.split("/data/")[1]: n for path, n in counts.items() if re.match("GET .*/data/.", path)}
    assert not set(fetched) & set(done)
    assert counts.get(f"BYTES /{bucket}/data/{big}", 0) == (0 if big in done else missing)
    fetched.pop(big, None)
    assert set(fetched) == set(held) - set(done) - {big}
    assert all(n == 1 for n in fetched.values())
