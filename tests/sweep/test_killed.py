"""Controllers that are killed between any two steps: nothing is lost, nothing repeated, exactly N versions."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts import AsyncEstimator, AsyncSession, LocalPlatform

SWEEP = """\
[sweep]
name = "killed"

[estimator]
framework_type = "PyTorch"
framework_version = "PyTorch-1.0.0-python3.6"
code_dir = "/bucket/src/"
boot_file = "/bucket/src/train.py"
output_path = "/bucket/out/"
inputs = "/bucket/data/"
train_instance_type = "modelarts.vm.cpu.2u"

[space]
layers = { int = [1, 4] }

[search]
algorithm = "grid"

[objective]
log_pattern = 'accuracy=([0-9.]+)'
goal = "maximize"
"""
N = 4
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[LocalPlatform]:
    simulate = "duration=0.05..0.2,metric=accuracy"
    async with LocalPlatform(tmp_path / "platform", executor="simulated", simulate=simulate) as there:
        source = Path(there.access.obs_root, "bucket/src")
        await asyncio.to_thread(source.mkdir, parents=True)
        await asyncio.to_thread((source / "train.py").write_text, "")
        yield there


async def drive(platform: LocalPlatform, folder: Path, **told: Any) -> list[dict[str, Any]]:
    """What each controller told, in order."""
    file = folder / "sweep.toml"
    sweep = SWEEP.replace("[1, 4]", f"[1, {told.pop('trials', N)}]").replace("killed", told.pop("name", "killed"))
    await asyncio.to_thread(file.write_text, sweep)
    argument = {"file": str(file), "ledger": f"sqlite:///{folder}/NAME.sqlite"} | told
    access = platform.access
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.sweep.controllers",
        json.dumps(argument),
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HUAWEICLOUD_SDK_AK": access.access_key,
            "HUAWEICLOUD_SDK_SK": access.secret_key,
            "HUAWEICLOUD_SDK_PROJECT_ID": access.project_id,
            "AIOMODELARTS_REGION": access.region_name,
            "AIOMODELARTS_MODELARTS_ENDPOINT": access.modelarts_endpoint,
            "AIOMODELARTS_IAM_ENDPOINT": access.iam_endpoint,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert not err, err.decode()
    return [json.loads(line) for line in out.splitlines()]


async def outputs(platform: LocalPlatform) -> dict[str, list[str]]:
    """By the name of a job, where its versions write, as the platform tells it."""
    access = platform.access
    session = AsyncSession(
        access.access_key,
        access.secret_key,
        project_id=access.project_id,
        region_name=access.region_name,
        endpoints={"modelarts": access.modelarts_endpoint, "iam": access.iam_endpoint},
    )
    found = {}
    async with session:
        async for job in AsyncEstimator.iter_jobs(modelarts_session=session):
            there = AsyncEstimator(session, job_id=job.job_id)
            found[job.job_name] = sorted([str(row.train_url) async for row in there.iter_job_versions()])
    return found


def expected(name: str, trials: int = N) -> list[str]:
    return [f"/bucket/out/{name}/{number:04d}/" for number in range(1, trials + 1)]


@pytest.mark.timeout(300)
async def test_killed_at_every_step_a_sweep_makes_exactly_its_versions(platform: LocalPlatform, tmp_path: Path) -> None:
    (whole,) = await drive(platform, tmp_path, sweeps=[[None]])
    steps = whole["steps"]
    assert set(steps) == {"before reserving", "reserved", "intended", "made", "written as made", "ended", "over"}
    told = await drive(platform, tmp_path, sweeps=[[], *([step, None] for step in range(len(steps)))])
    assert len(told) == 2 * len(steps)
    for step, (killed, done) in enumerate(zip(told[::2], told[1::2], strict=True)):
        assert killed == {"killed": True}, step
        assert done["error"] is None
        assert [(number, state, attempt) for number, state, _, attempt, _ in done["trials"]] == [
            (number, "succeeded", 1) for number in range(1, N + 1)
        ], (step, done)
    made = await outputs(platform)
    names = [f"killed-{number}" for number in range(len(steps) + 1)]
    assert made == {f"job-{name}": expected(name) for name in names}


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/NAME.sqlite"
    url: str = request.getfixturevalue("postgres")
    return url


@pytest.mark.timeout(120)
@pytest.mark.parametrize("controllers", [[None, None], [None, 17, None, 30]])
async def test_several_controllers_make_exactly_the_versions_of_one(
    platform: LocalPlatform, tmp_path: Path, ledger: str, controllers: list[int | None]
) -> None:
    # One server keeps the sweeps of all tests.
    name = f"with-{len(controllers)}"
    told = await drive(
        platform, tmp_path, sweeps=[controllers], name=name, ledger=ledger, together=True, trials=24, lease_s=1.5
    )
    assert len(told) == controllers.count(None)
    for one in told:
        assert one["error"] is None, one
        assert [state for _, state, *_ in one["trials"]] == ["succeeded"] * 24
    assert await outputs(platform) == {f"job-{name}-0": expected(f"{name}-0", 24)}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("step", [2, 9, 10, 11, 12])
async def test_a_controller_that_was_paused_past_its_lease_does_no_harm(
    platform: LocalPlatform, tmp_path: Path, step: int
) -> None:
    told = await drive(
        platform, tmp_path, sweeps=[[-1 - step, None]], concurrency=1, together=True, trials=8, lease_s=1.0
    )
    by_error = {one["error"]: one for one in told}
    assert set(by_error) == {None, "Fenced"}, told
    assert [state for _, state, *_ in by_error[None]["trials"]] == ["succeeded"] * 8
    assert await outputs(platform) == {"job-killed-0": expected("killed-0", 8)}
