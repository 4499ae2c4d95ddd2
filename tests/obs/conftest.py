"""The two places that objects lie in during the tests: moto's server, and a folder."""

import asyncio
import json
import os
import random
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import pytest_asyncio
from attrs import frozen

from aiomodelarts import AsyncSession, RetryPolicy
from aiomodelarts._clock import SystemClock
from aiomodelarts._net.aiohttp_transport import AiohttpTransport
from aiomodelarts._net.retry import Retry
from aiomodelarts._net.transport import Timeouts
from aiomodelarts.obs import FolderStore, Obs, TransferLimits
from aiomodelarts.obs.s3 import S3Store

MIB = 1024 * 1024
ACCESS_KEY, SECRET_KEY = "AKIATESTTESTTESTTEST", "secret-of-the-tests"


@frozen
class Moto:
    """A server that speaks S3."""

    endpoint: str

    def client(self) -> Any:
        """boto3's own view of it."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
        )

    def bucket(self) -> str:
        """A new bucket."""
        name = f"b{uuid.uuid4().hex[:16]}"
        self.client().create_bucket(Bucket=name)
        return name

    def counts(self) -> dict[str, int]:
        """How often each ``METHOD /bucket/key`` was asked for since the last time."""
        return self._ask("DELETE", "counts")

    def connected(self) -> set[int]:
        """The ports of those who are connected."""
        return set(self._ask("GET", "open"))

    def faults(self, *rules: dict[str, Any]) -> None:
        """What goes wrong from now on."""
        self._ask("PUT", "faults", json.dumps(rules).encode())

    def _ask(self, method: str, what: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(f"{self.endpoint}/_test/{what}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Moto]:
    command = [sys.executable, "-m", "tests.obs.moto_process"]
    environ = {**os.environ, "S3_UPLOAD_PART_MIN_SIZE": "1", "MOTO_S3_DEFAULT_MAX_KEYS": "20"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ, text=True)
    assert process.stdout is not None
    try:
        yield Moto(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def moto(moto_server: Moto) -> Iterator[Moto]:
    """The server, with nothing counted and nothing wrong."""
    moto_server.faults()
    moto_server.counts()
    yield moto_server
    moto_server.faults()


SMALL = TransferLimits(transfers=8, bytes_in_flight=MIB, part_bytes=64 * 1024)
PART = SMALL.part_bytes
# More often than anybody asks.
EVER = 1000


def session_on(moto: Moto, **options: Any) -> AsyncSession:
    """A session whose object storage is the server."""
    return AsyncSession(
        ACCESS_KEY,
        SECRET_KEY,
        project_id="0123456789abcdef",
        region_name="us-east-1",
        endpoints={"obs": moto.endpoint, "modelarts": "http://127.0.0.1:9"},
        transfers=SMALL,
        **options,
    )


@frozen
class Place:
    """Object storage, one bucket in it, and how others see that bucket."""

    obs: Obs
    bucket: str
    moto: Moto | None
    folder: Path | None

    @property
    def root(self) -> str:
        return f"obs://{self.bucket}/"

    async def put(self, key: str, content: bytes) -> None:
        """Write an object as somebody else would."""
        await asyncio.to_thread(self._put, key, content)

    async def all(self) -> dict[str, bytes]:
        """Every key with its content, as somebody else sees them; a folder without anything in it is a marker."""
        return await asyncio.to_thread(self._all)

    def _put(self, key: str, content: bytes) -> None:
        if self.moto is not None:
            self.moto.client().put_object(Bucket=self.bucket, Key=key, Body=content)
            return
        assert self.folder is not None
        place = self.folder / key
        if key.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def _all(self) -> dict[str, bytes]:
        if self.moto is not None:
            client = self.moto.client()
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
            keys = [row["Key"] for page in pages for row in page.get("Contents", [])]
            return {key: client.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}
        assert self.folder is not None
        found = {}
        for place in self.folder.rglob("*"):
            key = str(place.relative_to(self.folder))
            if place.is_file():
                found[key] = place.read_bytes()
            elif not any(place.iterdir()):
                found[f"{key}/"] = b""
        return found


def content(size: int, seed: int = 0) -> bytes:
    """Bytes that no other seed gives."""
    return random.Random(seed).randbytes(size)


async def fill(root: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder."""

    def write() -> None:
        for name, held in files.items():
            place = root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(held)

    await asyncio.to_thread(write)


async def tree(root: Path) -> dict[str, bytes]:
    """Every file below a folder, temporary ones too; an empty folder ends with a slash."""

    def read() -> dict[str, bytes]:
        found = {}
        for one in root.rglob("*"):
            name = str(one.relative_to(root))
            if one.is_file():
                found[name] = one.read_bytes()
            elif one.is_dir() and not any(one.iterdir()):
                found[f"{name}/"] = b""
        return found

    return await asyncio.to_thread(read)


@pytest_asyncio.fixture(params=["moto", "folder"])
async def place(request: pytest.FixtureRequest, moto: Moto, tmp_path: Path) -> AsyncIterator[Place]:
    """Object storage of each kind, with an empty bucket."""
    if request.param == "folder":
        folder = tmp_path.with_name(f"{tmp_path.name}-buckets") / "bucket"
        await asyncio.to_thread(folder.mkdir, parents=True)

        async def opened() -> FolderStore:
            return FolderStore(folder.parent)

        obs = Obs(opened, SMALL)
        yield Place(obs, "bucket", None, folder)
        await obs.close()
        return
    async with session_on(moto) as session:
        yield Place(session.obs, await asyncio.to_thread(moto.bucket), moto, None)


@pytest_asyncio.fixture
async def there(moto: Moto) -> AsyncIterator[Place]:
    """An empty bucket on the server, asked three times at most and without pauses."""
    async with session_on(moto, retry=RetryPolicy(max_tries=3, base_s=0.001)) as session:
        yield Place(session.obs, await asyncio.to_thread(moto.bucket), moto, None)


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


async def faults(place: Place, *rules: dict[str, Any]) -> None:
    """From now on the server does this wrong."""
    assert place.moto is not None
    await asyncio.to_thread(place.moto.faults, *rules)


async def counts(place: Place) -> dict[str, int]:
    """How often the server was asked for what since it was last asked for this."""
    assert place.moto is not None
    return await asyncio.to_thread(place.moto.counts)
