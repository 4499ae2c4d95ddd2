"""The three samples of the official SDK's page on versions, against a platform in a process of its own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiomodelarts import AsyncEstimator, AsyncSession, TrainingJob
from tests.support.platform import keys, serving

SHOW = (
    "import os, sys; print('argv', *sys.argv[1:]); print('lr in the environment:', os.environ.get('learning_rate'))\n"
)


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncSession]:
    """A session that finds a platform in another process by the environment alone."""
    async with serving(tmp_path / "root") as (_, access):
        await asyncio.to_thread(_fill, Path(access.obs_root))
        for name, value in keys(access).items():
            monkeypatch.setenv(name, value)
        async with AsyncSession() as session:
            yield session


def _fill(buckets: Path) -> None:
    for name in ("bucket/src/train.py", "bucket/app/mnist/mnist_softmax.py"):
        path = buckets / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SHOW)
    (buckets / "bucket/data/train").mkdir(parents=True)


async def _log(version: TrainingJob) -> list[str]:
    await version.wait(timeout_s=60)
    return [str(line) async for line in version.logs()]


def _estimator(session: AsyncSession) -> AsyncEstimator:
    return AsyncEstimator(
        modelarts_session=session,
        framework_type="PyTorch",
        framework_version="PyTorch-1.0.0-python3.6",
        code_dir="/bucket/src/",
        boot_file="/bucket/src/train.py",
        log_url="/bucket/log/",
        hyperparameters=[{"label": "learning_rate", "value": "0.01"}],
        output_path="/bucket/output/",
        train_instance_type="modelarts.vm.gpu.p100",
        train_instance_count=1,
        job_description="pytorch-sentiment with ModelArts SDK",
    )


async def test_data_on_obs_and_a_dataset(session: AsyncSession) -> None:
    estimator = _estimator(session)
    job = await estimator.fit(inputs="/bucket/data/train/", wait=False, job_name="my_training_job")
    version = await estimator.create_job_version(
        job_id=job.job_id,
        pre_version_id=job.version_id,
        inputs="/bucket/data/train/",
        wait=False,
        job_desc="another description",
    )
    for one in (job, version):
        told = (await _log(one))[0].split()
        assert told[-2:] == ["--learning_rate", "0.01"]
        assert told[told.index("--data_url") + 1].rstrip("/").endswith("/bucket/data/train")

    of_dataset = await estimator.create_job_version(
        job_id=job.job_id,
        pre_version_id=job.version_id,
        dataset_id="4AZNvFkN7KYr5EdhFkH",
        dataset_version_id="UOF9BIeSGArwVt0oI6T",
        wait=False,
    )
    assert (await _log(of_dataset))[0].split()[-2:] == ["--learning_rate", "0.01"]
    detail = await of_dataset.refresh()
    assert (detail.dataset_id, detail.dataset_version_id) == ("4AZNvFkN7KYr5EdhFkH", "UOF9BIeSGArwVt0oI6T")


async def test_an_own_image_with_a_command(session: AsyncSession) -> None:
    first = await _estimator(session).fit(inputs="/bucket/data/train/", job_name="an_image")
    estimator = AsyncEstimator(
        modelarts_session=session,
        code_dir="/bucket/app/",
        boot_file="/bucket/app/mnist/mnist_softmax.py",
        user_image_url="100.125.5.235:20202/jobmng/custom-cpu-base:1.0",
        user_command=(
            "bash -x /home/work/run_train.sh python /home/work/user-job-dir/app/mnist/mnist_softmax.py "
            "--data_url /home/work/user-job-dir/app/mnist_data"
        ),
        hyperparameters=[{"label": "learning_rate", "value": "0.01"}],
        output_path="/bucket/output/",
        train_instance_type="modelarts.vm.gpu.p100",
        train_instance_count=1,
    )
    version = await estimator.create_job_version(
        job_id=first.job_id, pre_version_id=first.version_id, inputs="/bucket/data/train/"
    )
    log = await _log(version)
    assert any(line.startswith("argv --data_url") and line.endswith("user-job-dir/app/mnist_data") for line in log)
    assert "lr in the environment: 0.01" in log

    bare = AsyncEstimator(
        modelarts_session=session,
        user_image_url="100.125.5.235:20202/jobmng/custom-cpu-base:1.0",
        user_command="echo learning at $learning_rate",
        hyperparameters=[{"label": "learning_rate", "value": "0.01"}],
        output_path="/bucket/output/",
        train_instance_type="modelarts.vm.gpu.p100",
        train_instance_count=1,
    )
    version = await bare.create_job_version(
        job_id=first.job_id, pre_version_id=first.version_id, inputs="/bucket/data/train/"
    )
    assert "learning at 0.01" in await _log(version)
