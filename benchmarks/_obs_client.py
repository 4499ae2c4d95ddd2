"""One client of ``benchmarks.obs`` in a process of its own: ours, boto3's, the vendor's, or a bare copy."""

import asyncio
import http.client
import json
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import asdict, frozen

from ._measure import ACCESS_KEY, SECRET_KEY

_CHUNK = 1 << 20
_LAG_LOOK_S = 0.002
_IDLE_S = 3.0


@frozen
class Work:
    """What one process does.

    Args:
        client: ``ours``, ``boto3``, ``vendor``, ``bare``, or ``idle``, which only looks how late its loop is.
        endpoint: of the server.
        bucket: is there already.
        what: ``many`` files of a folder, or ``one`` file.
        way: ``up`` or ``down``.
        place: the local folder or file; for ``down`` what is to be made.
        key: the folder of objects, with a slash, or the object.
        at_once: transfers at one time.
    """

    client: str
    endpoint: str
    bucket: str
    what: str
    way: str
    place: str
    key: str
    at_once: int


@frozen
class Cost:
    """What it cost: time, CPU of the client, the most memory it held, and for ours how late the loop was."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    before_mib: float
    lag_p99_ms: float | None = None
    lag_most_ms: float | None = None


def carry_out(work: Work) -> Cost:
    """Do it, and say what it cost."""
    if work.client in ("ours", "idle"):
        return asyncio.run(_ours(work) if work.client == "ours" else _idle())
    prepared = {"boto3": _boto3, "vendor": _vendor, "bare": _bare}[work.client](work)
    before, wall, cpu = _peak_mib(), time.perf_counter(), _cpu_s()
    prepared()
    return Cost(time.perf_counter() - wall, _cpu_s() - cpu, _peak_mib(), before)


async def _ours(work: Work) -> Cost:
    from aiomodelarts import AsyncSession
    from aiomodelarts.obs import TransferLimits

    session = AsyncSession(
        ACCESS_KEY,
        SECRET_KEY,
        project_id="0123456789abcdef",
        region_name="us-east-1",
        endpoints={"obs": work.endpoint, "modelarts": "http://127.0.0.1:9"},
        transfers=TransferLimits(transfers=work.at_once),
    )
    path = f"obs://{work.bucket}/{work.key}"
    async with session:
        # Opens the store and a connection.
        await session.obs.exists(f"obs://{work.bucket}/nothing")
        late: list[float] = []
        watching = asyncio.create_task(_watch(late))
        before, wall, cpu = _peak_mib(), time.perf_counter(), _cpu_s()
        if work.what == "many":
            await (
                session.obs.sync_up(work.place, path) if work.way == "up" else session.obs.sync_down(path, work.place)
            )
        else:
            await (
                session.obs.put_file(work.place, path) if work.way == "up" else session.obs.get_file(path, work.place)
            )
        wall, cpu = time.perf_counter() - wall, _cpu_s() - cpu
        watching.cancel()
    return Cost(wall, cpu, _peak_mib(), before, *_told(late))


async def _idle() -> Cost:
    late: list[float] = []
    watching = asyncio.create_task(_watch(late))
    await asyncio.sleep(_IDLE_S)
    watching.cancel()
    return Cost(_IDLE_S, 0.0, 0.0, 0.0, *_told(late))


def _told(late: list[float]) -> tuple[float, float]:
    """The lag that 99 of 100 looks stay below, and the longest, in ms."""
    late.sort()
    return (late[int(len(late) * 0.99)] * 1000, late[-1] * 1000) if late else (0.0, 0.0)


async def _watch(late: list[float]) -> None:
    """How much later than asked the loop comes back."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(_LAG_LOOK_S)
        late.append(time.perf_counter() - begun - _LAG_LOOK_S)


def _boto3(work: Work) -> Callable[[], None]:
    import boto3
    from boto3.s3.transfer import TransferConfig, create_transfer_manager
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=work.endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
        config=Config(max_pool_connections=work.at_once, s3={"addressing_style": "path"}),
    )
    client.list_objects_v2(Bucket=work.bucket, Prefix="nothing")
    config = TransferConfig(max_concurrency=work.at_once)

    def many() -> None:
        with create_transfer_manager(client, config) as manager:
            if work.way == "up":
                root = Path(work.place)
                pairs = [(str(one), work.key + str(one.relative_to(root))) for one in root.rglob("*") if one.is_file()]
                waits = [manager.upload(place, work.bucket, key) for place, key in pairs]
            else:
                pages = client.get_paginator("list_objects_v2").paginate(Bucket=work.bucket, Prefix=work.key)
                waits = []
                for key in (row["Key"] for page in pages for row in page.get("Contents", [])):
                    place = Path(work.place, key.removeprefix(work.key))
                    place.parent.mkdir(parents=True, exist_ok=True)
                    waits.append(manager.download(work.bucket, key, str(place)))
            for wait in waits:
                wait.result()

    def one() -> None:
        if work.way == "up":
            client.upload_file(work.place, work.bucket, work.key, Config=config)
        else:
            client.download_file(work.bucket, work.key, work.place, Config=config)

    return many if work.what == "many" else one


def _vendor(work: Work) -> Callable[[], None]:
    from obs import ObsClient

    address = urlsplit(work.endpoint)
    client: Any = ObsClient(
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        server=f"http://{address.hostname}",
        port=address.port,
        is_secure=False,
        path_style=True,
        signature="v4",
        region="us-east-1",
        is_signature_negotiation=False,
    )
    _good(client.listObjects(work.bucket, prefix="nothing"))

    def many() -> None:
        if work.way == "up":
            # Its own way to send a folder.
            told = client.putFile(work.bucket, work.key.rstrip("/"), work.place)
            for _, answer in told:
                _good(answer) if not isinstance(answer, list) else [_good(each) for _, each in answer]
            return
        marker = None
        while True:
            page = _good(client.listObjects(work.bucket, prefix=work.key, marker=marker)).body
            for row in page.contents:
                place = Path(work.place, row.key.removeprefix(work.key))
                _good(client.getObject(work.bucket, row.key, downloadPath=str(place)))
            if not page.is_truncated:
                return
            marker = page.next_marker or page.contents[-1].key

    def one() -> None:
        part = 8 * 1024 * 1024
        if work.way == "up":
            _good(client.uploadFile(work.bucket, work.key, work.place, partSize=part, taskNum=work.at_once))
        else:
            _good(client.downloadFile(work.bucket, work.key, work.place, partSize=part, taskNum=work.at_once))

    return many if work.what == "many" else one


def _good(answer: Any) -> Any:
    if answer.status >= 300:
        raise RuntimeError(f"{answer.status} {answer.errorCode}")
    return answer


def _bare(work: Work) -> Callable[[], None]:
    """One connection and nothing else: no check, no retry, no part; the address is signed beforehand."""
    import boto3

    keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY, "region_name": "us-east-1"}
    signer = boto3.client("s3", endpoint_url=work.endpoint, **keys)
    verb = "put_object" if work.way == "up" else "get_object"
    address = urlsplit(signer.generate_presigned_url(verb, {"Bucket": work.bucket, "Key": work.key}))
    connection = http.client.HTTPConnection(address.netloc)
    path = f"{address.path}?{address.query}"

    def one() -> None:
        if work.way == "up":
            size = Path(work.place).stat().st_size
            with Path(work.place).open("rb") as file:
                connection.request("PUT", path, body=file, headers={"Content-Length": str(size)})
                _fine(connection.getresponse()).read()
            return
        connection.request("GET", path)
        answer = _fine(connection.getresponse())
        with Path(work.place).open("wb") as file:
            shutil.copyfileobj(answer, file, _CHUNK)

    return one


def _fine(answer: http.client.HTTPResponse) -> http.client.HTTPResponse:
    if answer.status >= 300:
        raise RuntimeError(f"{answer.status} {answer.reason}")
    return answer


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(asdict(carry_out(Work(**json.loads(sys.argv[1]))))))
