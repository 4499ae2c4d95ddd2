"""Creations through an estimator."""

import sys

from aiomodelarts import AsyncEstimator, AsyncSession, Endpoints, Limits

from ._measure import ACCESS_KEY, SECRET_KEY, Figures, Load, measured
from .stub import JOB_ID, PROJECT_ID


async def main(load: Load) -> Figures:
    """Make the versions, and tell what it cost."""
    async with AsyncSession(
        ACCESS_KEY,
        SECRET_KEY,
        project_id=PROJECT_ID,
        endpoints=Endpoints(modelarts=load.endpoint),
        limits=Limits(in_flight=load.concurrency),
    ) as session:
        estimator = AsyncEstimator(
            modelarts_session=session,
            framework_type="PyTorch",
            framework_version="PyTorch-1.0.0-python3.6",
            code_dir="/bucket/src/",
            boot_file="/bucket/src/train.py",
            log_url="/bucket/log/",
            output_path="/bucket/output/",
            train_instance_type="modelarts.vm.cpu.2u",
            train_instance_count=1,
        )

        async def many(count: int) -> int:
            versions = await estimator.create_job_versions(
                job_id=JOB_ID,
                pre_version_id=20,
                inputs="/bucket/data/",
                each=[
                    {
                        "hyperparameters": {"lr": number / 1000, "layers": 4},
                        "output_path": f"/bucket/output/{number}/",
                    }
                    for number in range(count)
                ],
                max_concurrency=load.concurrency,
            )
            return len(versions)

        return await measured(load, many)


if __name__ == "__main__":
    Load.from_command_line(sys.argv).run(main)
