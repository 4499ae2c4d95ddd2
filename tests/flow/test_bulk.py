"""A thousand versions made and awaited in one process, over real sockets."""

import warnings

from aiomodelarts import AsyncSession, JobStatus
from tests.support.fakes import estimator_on


async def test_a_thousand_versions_are_made_and_awaited() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with AsyncSession.local(executor="simulated", simulate="duration=0.2..1,log_lines=3") as session:
            estimator = estimator_on(session)
            first = await estimator.fit(inputs="/bucket/data/")
            versions = await estimator.create_job_versions(
                job_id=first.job_id,
                pre_version_id=first.version_id,
                inputs="/bucket/data/",
                each=[{"hyperparameters": {"i": i}} for i in range(1000)],
                max_concurrency=64,
            )
            details = await session.wait_all(versions, timeout_s=60, max_concurrency=64)
    assert len({version.version_id for version in versions}) == 1000
    assert [detail.hyperparameters["i"] for detail in details] == [str(i) for i in range(1000)]
    assert {detail.status for detail in details} == {JobStatus.COMPLETED}
