"""A folder of this machine as code_dir: what is told at once, what goes up, and what the versions are told."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts import AsyncEstimator, AsyncSession, InvalidArgument
from aiomodelarts.obs.code.local import read_code

SETTINGS: dict[str, Any] = {
    "framework_type": "PyTorch",
    "framework_version": "PyTorch-1.0.0-python3.6",
    "output_path": "/bucket/out/",
    "train_instance_type": "modelarts.vm.cpu.2u",
    "train_instance_count": 1,
}
TRAIN = "import pathlib, sys\nprint('helped by', (pathlib.Path(__file__).parent / 'lib/helper.txt').read_text())\n"


def source(folder: Path) -> Path:
    (folder / "lib").mkdir(parents=True)
    (folder / "train.py").write_text(TRAIN)
    (folder / "lib/helper.txt").write_text("a file")
    (folder / "data.bin").write_bytes(b"x")
    (folder / ".aiomodelartsignore").write_text("*.bin\n")
    return folder


def bucket_of(session: AsyncSession) -> Path:
    assert session.platform is not None
    return Path(session.platform.obs_root) / "bucket"


def estimator(session: AsyncSession, folder: Path | str, **more: Any) -> AsyncEstimator:
    given = {"code_dir": folder, "boot_file": "train.py", "code_bucket": "bucket", **SETTINGS, **more}
    return AsyncEstimator(session, **given)


async def test_versions_of_all_estimators_share_one_upload_and_really_run_it(tmp_path: Path) -> None:
    folder = await asyncio.to_thread(source, tmp_path / "src")
    async with AsyncSession.local(tmp_path / "platform") as session:
        bucket = bucket_of(session)
        first = estimator(session, folder)
        job = await first.fit("/bucket/data/", job_name="local-code")
        versions = await first.create_job_versions(
            job.job_id, job.version_id, "/bucket/data/", each=[{"output_path": f"/bucket/out/{n}/"} for n in range(3)]
        )
        other = await estimator(session, folder, code_bucket="/bucket/code/").create_job_version(
            job.job_id, job.version_id, "/bucket/data/"
        )
        details = [await version.wait(timeout_s=60) for version in (job, *versions, other)]
        name = (await asyncio.to_thread(read_code, folder)).manifest.name
        assert {detail.app_url for detail in details} == {f"/bucket/code/{name}/"}
        assert {detail.boot_file_url for detail in details} == {f"/bucket/code/{name}/train.py"}
        assert "helped by a file" in [line async for line in job.logs()]
        there = await asyncio.to_thread(
            lambda: sorted(str(one.relative_to(bucket)) for one in bucket.glob("code/**/*"))
        )
        assert there == [
            f"code/{name}",
            f"code/{name}.json",
            f"code/{name}/lib",
            f"code/{name}/lib/helper.txt",
            f"code/{name}/train.py",
        ]
        assert first.code is not None
        assert first.code.uploaded is not None
        assert first.code.uploaded.left_out == (".aiomodelartsignore", "data.bin")


async def test_the_folder_is_what_it_was_when_the_first_version_was_made(tmp_path: Path) -> None:
    folder = await asyncio.to_thread(source, tmp_path / "src")
    async with AsyncSession.local(executor="simulated") as session:
        kept = estimator(session, folder)
        before = (await kept.resolved())["app_url"]
        await asyncio.to_thread((folder / "train.py").write_text, "print('another')\n")
        assert (await kept.resolved())["app_url"] == before
        assert (await estimator(session, folder).resolved())["app_url"] != before


async def test_a_boot_file_that_is_not_among_the_code_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    folder = await asyncio.to_thread(source, tmp_path / "src")
    async with AsyncSession.local(executor="simulated") as session:
        bucket = bucket_of(session)
        for boot_file, told in (
            ("trian.py", "did you mean 'train.py'"),
            ("lib", "no such file"),
            ("data.bin", "leave out data.bin"),
        ):
            with pytest.raises(InvalidArgument, match=told) as caught:
                await estimator(session, folder, boot_file=boot_file).fit("/bucket/data/")
            assert caught.value.argument == "boot_file"
        assert not await asyncio.to_thread(bucket.exists)


@pytest.mark.parametrize(
    ("given", "argument", "told"),
    [
        ({"code_dir": "./src", "code_bucket": None}, "code_bucket", "say where it goes"),
        ({"code_dir": "src", "code_bucket": None}, "code_bucket", "say where it goes"),
        ({"code_dir": "~/src", "code_bucket": None}, "code_bucket", "say where it goes"),
        ({"code_dir": "obs://bucket/src/"}, "code_dir", "a folder of this machine"),
        ({"code_dir": None}, "code_dir", "goes with a folder of this machine"),
        ({"boot_file": "/bucket/src/train.py"}, "boot_file", "inside code_dir"),
        ({"boot_file": "../train.py"}, "boot_file", "inside code_dir"),
        ({"boot_file": None}, "boot_file", "what runs is named in one way"),
        ({"code_bucket": "/bucket/../other/"}, "code_bucket", "an OBS path"),
        ({"code_bucket": 5}, "code_bucket", "it is text"),
        ({"model_name": "ResNet", "framework_type": None, "framework_version": None}, "model_name", "one way"),
    ],
)
def test_what_does_not_go_together_is_told_at_once(given: dict[str, Any], argument: str, told: str) -> None:
    session = AsyncSession(access_key="a", secret_key="s", project_id="p", region_name="r")
    with pytest.raises(InvalidArgument, match=told) as caught:
        AsyncEstimator(session, **{"code_dir": "src", "boot_file": "train.py", "code_bucket": "b", **SETTINGS, **given})
    assert caught.value.argument == argument
