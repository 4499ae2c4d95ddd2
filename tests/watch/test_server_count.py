"""What a thousand waits cost by the platform's own count, over real sockets."""

import asyncio

from aiomodelarts import AsyncSession
from tests.support.fakes import estimator_on
from tests.support.platform import requests

COUNT = 1000
POLL_S = 1.0


async def test_a_thousand_waits_on_one_job_cost_two_requests_an_interval_at_most() -> None:
    loop = asyncio.get_running_loop()
    async with AsyncSession.local(executor="simulated", simulate="duration=4..8,fail=0.3,log_lines=1") as session:
        estimator = estimator_on(session)
        platform = session.platform
        assert platform is not None
        first = await estimator.fit(inputs="/bucket/data/")
        versions = await estimator.create_job_versions(
            job_id=first.job_id,
            pre_version_id=first.version_id,
            inputs="/bucket/data/",
            each=[{"hyperparameters": {"i": i}} for i in range(COUNT)],
            max_concurrency=128,
        )
        before, began = await requests(platform), loop.time()
        waits = [asyncio.create_task(version.ended(poll_s=POLL_S)) for version in versions]
        details = await asyncio.gather(*waits)
        after, took_s = await requests(platform), loop.time() - began

        asked = {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name)}
        assert sum(asked.values()) <= 2 * max(took_s, POLL_S) / POLL_S + 1, asked
        assert platform._core is not None
        board = {version.version_id: version for version in platform._core.board.versions()}
        assert [detail.version_id for detail in details] == [version.version_id for version in versions]
        for detail in details:
            assert detail.status == board[detail.version_id].status
            assert detail.status.is_final
        assert len({detail.status for detail in details}) == 2
