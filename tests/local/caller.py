"""A bare client for these tests: aiohttp and a signature, nothing of the client library but the signing itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson
from attrs import frozen
from yarl import URL

from aiomodelarts._wire.message import Request
from aiomodelarts._wire.signing import canonical_query, sign
from aiomodelarts.local.leftovers import MARK

FINAL = {3, 5, 10, 11, 12, 13, 14, 16, 17, 21, 22}
Json = dict[str, Any]
T = TypeVar("T")


@frozen
class Reply:
    status: int
    headers: Any
    raw: bytes

    @property
    def json(self) -> Json:
        value: Json = orjson.loads(self.raw)
        return value

    @property
    def code(self) -> str | None:
        return self.json.get("error_code") if self.raw else None


async def eventually(ask: Callable[[], Awaitable[T]], accept: Callable[[T], bool]) -> T:
    """The first answer that is accepted, asked for again and again."""
    async with asyncio.timeout(30):
        while not accept(answer := await ask()):
            await asyncio.sleep(0.01)
    return answer


class Caller:
    """Signs and sends for one platform (anything with the members of a ready file)."""

    def __init__(self, access: Any, http: aiohttp.ClientSession) -> None:
        self.access = access
        self.http = http
        self.v1 = f"/v1/{access.project_id}"

    def request(self, method: str, path: str, query: Json | None = None, body: Any = None) -> Request:
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json", "X-Project-Id": self.access.project_id}
        pairs = tuple((name, str(value)) for name, value in (query or {}).items())
        full = path if path.startswith("/v") else self.v1 + "/" + path
        return Request(method, self.access.modelarts_endpoint, full, pairs, headers, raw)

    async def send(self, request: Request, headers: dict[str, str] | None = None) -> Reply:
        if headers is None:
            headers = sign(request, self.access.access_key, self.access.secret_key, time.time())
        query = canonical_query(request.query)
        url = URL(request.origin + request.path + (f"?{query}" if query else ""), encoded=True)
        async with self.http.request(request.method, url, headers=headers, data=BytesIO(request.body)) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def call(self, method: str, path: str, query: Json | None = None, body: Any = None) -> Reply:
        return await self.send(self.request(method, path, query, body))

    async def ok(self, method: str, path: str, query: Json | None = None, body: Any = None) -> Json:
        reply = await self.call(method, path, query, body)
        assert reply.status == 200, reply
        return reply.json

    async def create_job(self, name: str = "demo", **settings: Any) -> Json:
        return await self.ok("POST", "training-jobs", body={"job_name": name, "config": config(**settings)})

    async def create_version(self, job: Json, **settings: Any) -> Json:
        body = {"config": config(pre_version_id=job["version_id"], **settings)}
        return await self.ok("POST", f"training-jobs/{job['job_id']}/versions", body=body)

    async def detail(self, version: Json) -> Json:
        return await self.ok("GET", where(version))

    async def until(self, version: Json, accept: Callable[[Json], bool]) -> Json:
        return await eventually(lambda: self.detail(version), accept)

    async def until_printed(self, version: Json, text: str) -> str:
        await self.until(version, lambda detail: detail["status"] == 8)
        return await eventually(lambda: self.log(version), lambda log: text in log)

    async def finished(self, version: Json) -> Json:
        return await self.until(version, lambda detail: detail["status"] in FINAL)

    async def log(self, version: Json, worker: int = 0) -> str:
        """The newest lines."""
        query = {"log_file": f"{version['job_name']}.{worker}", "lines": 500}
        text: str = (await self.ok("GET", where(version) + "/aom-log", query))["content"]
        return text


def where(version: Json) -> str:
    return f"training-jobs/{version['job_id']}/versions/{version['version_id']}"


def config(**settings: Any) -> Json:
    """Settings of a run that are fine, with changes; a value of None leaves the member out."""
    members = {
        "worker_server_num": 1,
        "app_url": "/bucket/src/",
        "boot_file_url": "/bucket/src/train.py",
        "engine_id": 1,
        "data_url": "/bucket/data/",
        "train_url": "/bucket/output/",
        "spec_id": 2,
        **settings,
    }
    return {name: value for name, value in members.items() if value is not None}


@asynccontextmanager
async def calling(access: Any) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        yield Caller(access, http)


def marked(access_key: str) -> list[str]:
    """The ids of all processes that runs of this platform have started. Blocks."""
    mark = f"{MARK}={access_key}/".encode()
    found = []
    for place in Path("/proc").iterdir():
        try:
            if place.name.isdigit() and mark in (place / "environ").read_bytes():
                found.append(place.name)
        except OSError:
            continue
    return found
