"""The same creates, the same broken lines: the vendor's client with its own retry beside ours. The platform counts."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from huaweicloudsdkcore.exceptions.exceptions import ConnectionException
from huaweicloudsdkcore.invoker.invoker import SyncInvoker
from huaweicloudsdkcore.retry.backoff_strategy import NoBackoffStrategy

from aiomodelarts.local import LocalPlatform
from tests.local.caller import calling, config
from tests.local.test_foreign_clients import Vendor
from tests.support.fakes import estimator_on
from tests.support.platform import session_at

INTENTS = 40
FAULT = {
    "match": {"method": "POST", "path": "/versions$"},
    "probability": 0.25,
    "seed": 11,
    "fault": {"kind": "reset_after"},
}


async def made_per_intent(platform: LocalPlatform, job_id: int) -> Counter[str]:
    """How many versions there are for every output folder, as the platform sees it."""
    async with calling(platform) as caller:
        listed = await caller.ok("GET", f"training-jobs/{job_id}/versions", {"page": 1, "per_page": 1000})
    return Counter(row["train_url"] for row in listed["versions"] if row["status"] not in (12, 13))


def create_with_the_vendors_retry(platform: LocalPlatform) -> tuple[int, int]:
    """Make a version per intent, repeating what failed to connect, as its documents recommend. Blocks."""
    vendor = Vendor(platform)
    job = vendor.call("POST", "training-jobs", body={"job_name": "vendor", "config": config()})
    repeated = 0

    def again(_: Any, error: Exception | None) -> bool:
        nonlocal repeated
        repeated += isinstance(error, ConnectionException)
        return isinstance(error, ConnectionException)

    for intent in range(INTENTS):
        request = {
            "method": "POST",
            "resource_path": f"{vendor.v1}/training-jobs/{job.job_id}/versions",
            "header_params": {"Content-Type": "application/json"},
            "body": {"config": config(pre_version_id=job.version_id, train_url=f"/bucket/output/{intent}/")},
            "response_type": "Anything",
        }
        SyncInvoker(vendor.client, request).with_retry(again, 5, NoBackoffStrategy()).invoke()
    vendor.client.close()
    return job.job_id, repeated


async def test_lost_answers_double_the_vendors_versions_and_none_of_ours(tmp_path: Path) -> None:
    options: Any = {"executor": "simulated", "simulate": "duration=60", "faults": [FAULT]}
    async with LocalPlatform(tmp_path / "vendor", **options) as platform:
        job_id, repeated = await asyncio.to_thread(create_with_the_vendors_retry, platform)
        theirs = await made_per_intent(platform, job_id)
    doubles = sum(count - 1 for count in theirs.values())
    assert repeated > 0
    assert doubles == repeated

    async with LocalPlatform(tmp_path / "ours", **options) as platform:
        async with session_at(platform) as session:
            estimator = estimator_on(session)
            job = await estimator.fit(inputs="/bucket/data/", job_name="ours")
            await estimator.create_job_versions(
                job_id=job.job_id,
                pre_version_id=job.version_id,
                inputs="/bucket/data/",
                each=[{"output_path": f"/bucket/output/{intent}/"} for intent in range(INTENTS)],
                max_concurrency=8,
            )
        ours = await made_per_intent(platform, job.job_id)
    assert set(ours.values()) == {1}
    assert len(ours) == INTENTS + 1
