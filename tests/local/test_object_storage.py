"""A platform whose OBS is another server: scripts see files, and the server sees objects."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts import AsyncEstimator, AsyncSession, TrainingFailed, TrainingJob
from tests.obs.conftest import Moto, moto, moto_server

__all__ = ["moto", "moto_server"]

TRAIN = b"""\
import argparse, pathlib, sys, time
parser = argparse.ArgumentParser()
for name in ("--data_url", "--train_url", "--do"):
    parser.add_argument(name)
options = parser.parse_args()
out = pathlib.Path(options.train_url)
data = pathlib.Path(options.data_url)
(out / "sub").mkdir()
(out / "sub" / "copy.txt").write_bytes((data / "in.txt").read_bytes() if data.is_dir() else data.read_bytes())
(out / "metric.json").write_text('{"total_metric": {}}')
print("written", flush=True)
if options.do == "fail":
    sys.exit(3)
if options.do == "hang":
    time.sleep(60)
"""


@pytest.fixture
async def bucket(moto: Moto) -> str:
    """A bucket with code and data."""
    return await asyncio.to_thread(_filled, moto)


def _filled(moto: Moto) -> str:
    bucket, client = moto.bucket(), moto.client()
    for key, content in {"src/train.py": TRAIN, "data/in.txt": b"12", "data/": b"", "one.txt": b"one"}.items():
        client.put_object(Bucket=bucket, Key=key, Body=content)
    return bucket


@pytest.fixture
async def session(moto: Moto, tmp_path: Path) -> AsyncIterator[AsyncSession]:
    async with AsyncSession.local(tmp_path, obs_endpoint=moto.endpoint, grace_s=0.2) as opened:
        yield opened


async def objects(moto: Moto, bucket: str, prefix: str) -> dict[str, bytes]:
    def read() -> dict[str, bytes]:
        client = moto.client()
        rows = client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return {
            row["Key"].removeprefix(prefix): client.get_object(Bucket=bucket, Key=row["Key"])["Body"].read()
            for row in rows
        }

    return await asyncio.to_thread(read)


async def run(session: AsyncSession, bucket: str, do: str = "end", inputs: str = "data/", **more: Any) -> TrainingJob:
    estimator = AsyncEstimator(
        session,
        framework_type="PyTorch",
        framework_version="PyTorch-1.0.0-python3.6",
        **{"code_dir": f"/{bucket}/src/", "boot_file": f"/{bucket}/src/train.py", **more},
        output_path=f"/{bucket}/out/",
        log_url=f"/{bucket}/log/",
        train_instance_type="modelarts.vm.cpu.2u",
        train_instance_count=1,
        hyperparameters={"do": do},
    )
    return await estimator.fit(f"/{bucket}/{inputs}")


@pytest.mark.parametrize(("inputs", "content"), [("data/", b"12"), ("data", b"12"), ("one.txt", b"one")])
async def test_code_and_data_are_fetched_and_outputs_and_logs_put_back(
    session: AsyncSession, moto: Moto, bucket: str, tmp_path: Path, inputs: str, content: bytes
) -> None:
    version = await run(session, bucket, inputs=inputs)
    await version.wait(timeout_s=60)
    assert await objects(moto, bucket, "out/") == {"sub/copy.txt": content, "metric.json": b'{"total_metric": {}}'}
    (log,) = (await objects(moto, bucket, "log/")).values()
    assert log == b"written\n"
    # Neither what it saw nor anything else of the buckets stays on this machine.
    assert not await asyncio.to_thread(lambda: [*tmp_path.glob("mirror/*"), *tmp_path.glob("obs/*")])


async def test_a_run_that_fails_has_its_outputs_and_its_log_put_back_too(
    session: AsyncSession, moto: Moto, bucket: str
) -> None:
    version = await run(session, bucket, "fail")
    with pytest.raises(TrainingFailed):
        await version.wait(timeout_s=60)
    assert set(await objects(moto, bucket, "out/")) == {"sub/copy.txt", "metric.json"}
    (log,) = (await objects(moto, bucket, "log/")).values()
    assert b"exit" in log


async def test_a_stopped_run_keeps_what_it_had_written(session: AsyncSession, moto: Moto, bucket: str) -> None:
    version = await run(session, bucket, "hang")
    async for line in version.logs(follow=True):
        assert line == "written"
        break
    await version.stop(wait=True, timeout_s=30)
    assert set(await objects(moto, bucket, "out/")) == {"sub/copy.txt", "metric.json"}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"code_dir": "/{}/nowhere/", "boot_file": "/{}/nowhere/train.py"}, "there is no such folder"),
        ({"code_dir": "/no-such-bucket/src/", "boot_file": "/no-such-bucket/src/train.py"}, "there is no bucket"),
        ({"boot_file": "/{}/src/other.py"}, "there is no boot file"),
    ],
)
async def test_what_is_not_there_fails_the_run_with_the_reason_in_its_log(
    session: AsyncSession, bucket: str, more: dict[str, str], told: str
) -> None:
    version = await run(session, bucket, **{name: path.format(bucket) for name, path in more.items()})
    with pytest.raises(TrainingFailed) as caught:
        await version.wait(timeout_s=60)
    assert told in "\n".join(caught.value.log_tail)


async def test_outputs_that_cannot_be_put_back_fail_the_run(session: AsyncSession, moto: Moto, bucket: str) -> None:
    rule = {
        "method": "PUT",
        "path": "/out/",
        "status": "403 Forbidden",
        "code": "AccessDenied",
        "kind": "status",
        "count": 99,
    }
    await asyncio.to_thread(moto.faults, rule)
    version = await run(session, bucket)
    with pytest.raises(TrainingFailed) as caught:
        await version.wait(timeout_s=60)
    assert "the outputs were not put into the bucket" in "\n".join(caught.value.log_tail)


def test_an_address_without_a_scheme_is_told() -> None:
    with pytest.raises(ValueError, match="http"):
        AsyncSession.local(obs_endpoint="127.0.0.1:9000")
