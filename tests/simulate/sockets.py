"""The same promise over real sockets: ``python -m tests.simulate.sockets --creates 5000``.

The judge is the board of the local platform, not the client.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from attrs import frozen
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.client import Client, ClientBuilder
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.invoker.invoker import SyncInvoker
from huaweicloudsdkcore.retry.backoff_strategy import NoBackoffStrategy
from huaweicloudsdkcore.sdk_response import SdkResponse

from aiomodelarts import AsyncEstimator, AsyncSession, BatchFailed
from aiomodelarts._create.policy import SettlePolicy
from aiomodelarts.batch import Result
from aiomodelarts.local import LocalPlatform
from aiomodelarts.local.faults import read_rules
from tests.support.fakes import estimator_on

PATH = "/versions$"
STOPPED = ("KILLING", "KILLED")


def broken_lines(share: float) -> list[dict[str, Any]]:
    """Faults of creates that leave the version made or not made, each with this probability."""
    faults: list[dict[str, Any]] = [
        {"kind": "reset_after"},
        {"kind": "reset_before"},
        {"kind": "status", "code": 500},
        {"kind": "status", "code": 502},
        {"kind": "status", "code": 503},
        {"kind": "status", "code": 429, "retry_after": "0.2"},
        {"kind": "truncate"},
    ]
    return [_rule(fault, share, seed, "POST") for seed, fault in enumerate(faults)]


def late_landings(share: float, quiet_s: float) -> list[dict[str, Any]]:
    """Versions that land, or are listed, after the quiet window: these make twins."""
    return [
        _rule({"kind": "late_commit", "seconds": 3 * quiet_s}, share, 1, "POST"),
        _rule({"kind": "stale_list", "seconds": 2 * quiet_s}, share, 2, "GET"),
    ]


def _rule(fault: dict[str, Any], share: float, seed: int, method: str) -> dict[str, Any]:
    return {"match": {"method": method, "path": PATH}, "probability": share, "seed": seed, "fault": fault}


@frozen
class Count:
    """What a run came to.

    Args:
        asked: intents.
        handed: handles that the caller got, each for another version.
        failed: errors that the caller saw.
        living: versions on the board that were not stopped.
        most: versions that go on for one intent, at most.
        twins: versions that were reported to be twins, and stopped.
        adopted: handles of versions whose answer was lost.
        faults: by kind.
        seconds: for all of it.
    """

    asked: int
    handed: int
    failed: int
    living: int
    most: int
    twins: int
    adopted: int
    faults: dict[str, int]
    seconds: float

    def __str__(self) -> str:
        faults = ", ".join(f"{number} {kind}" for kind, number in sorted(self.faults.items()))
        return (
            f"{self.asked} asked, {self.handed} handed out ({self.adopted} adopted), {self.failed} failed, "
            f"{self.living} living, at most {self.most} for one intent, {self.twins} twins stopped; "
            f"{self.seconds:.1f} s; faults: {faults}"
        )


async def ours(
    creates: int, faults: Sequence[dict[str, Any]], *, quiet_s: float, concurrency: int = 64, watch_s: float = 0.0
) -> Count:
    """Make versions through faults, in one batch.

    Args:
        creates: how many.
        faults: of the platform, from the first create on.
        quiet_s: the quiet window.
        concurrency: creates under way at once.
        watch_s: how long late twins are waited for after the batch.
    """
    began = time.monotonic()
    policy = SettlePolicy(quiet_window_s=quiet_s, late_watch_s=max(watch_s, 1.0))
    session = AsyncSession.local(settle=policy, executor="simulated", simulate="duration=3600,log_lines=0")
    async with session:
        estimator, job = await _job(session)
        assert session.platform is not None
        session.platform._faults.set(read_rules(list(faults)))
        batch = estimator.create_job_versions(
            job.job_id, job.version_id, "/bucket/data/", each=_elements(creates), max_concurrency=concurrency
        )
        try:
            await batch
        except BatchFailed as failed:
            print(failed, file=sys.stderr)
        await asyncio.sleep(watch_s)
        counts = _on_the_board(session.platform, job.version_id)
        return Count(
            asked=creates,
            handed=len({version.version_id for version in batch.versions}),
            failed=sum(outcome.result is not Result.MADE for outcome in batch.outcomes),
            living=sum(counts.values()),
            most=max(counts.values()),
            twins=len(session.twins),
            adopted=sum(version.origin == "adopted" for version in batch.versions),
            faults=dict(session.platform._faults.counts),
            seconds=time.monotonic() - began,
        )


async def the_vendors(creates: int, faults: Sequence[dict[str, Any]]) -> Count:
    """The same through the vendor's own core client, which signs by itself, with its own retry switched on."""
    began = time.monotonic()
    session = AsyncSession.local(executor="simulated", simulate="duration=3600,log_lines=0")
    async with session:
        _, job = await _job(session)
        platform = session.platform
        assert platform is not None
        platform._faults.set(read_rules(list(faults)))
        ids = await asyncio.to_thread(_post_all, platform.access, job.job_id, job.version_id, creates)
        counts = _on_the_board(platform, job.version_id)
        return Count(
            asked=creates,
            handed=len(ids),
            failed=creates - len(ids),
            living=sum(counts.values()),
            most=max(counts.values()),
            twins=0,
            adopted=0,
            faults=dict(platform._faults.counts),
            seconds=time.monotonic() - began,
        )


class _Created(SdkResponse):  # type: ignore[misc]
    """The answer to a creation, as the vendor's client fills it in."""

    openapi_types: ClassVar = {"version_id": "int"}
    attribute_map: ClassVar = {"version_id": "version_id"}

    def __init__(self, version_id: int = 0) -> None:
        super().__init__()
        self.version_id = version_id


def _post_all(access: Any, job_id: int, version_id: int, creates: int) -> set[int]:
    credentials = BasicCredentials(access.access_key, access.secret_key, access.project_id)
    config = HttpConfig.get_default_config()
    client = ClientBuilder(Client).with_http_config(config).with_credentials(credentials)
    built = client.with_endpoint(access.modelarts_endpoint).build()
    try:
        return {_post(built, job_id, version_id, element) for element in _elements(creates)}
    finally:
        built.get_http_client().close()
        built.get_http_client().executor.shutdown()


def _post(client: Any, job_id: int, version_id: int, element: dict[str, Any]) -> int:
    parameters = [{"label": label, "value": str(value)} for label, value in element["hyperparameters"].items()]
    settings = {"worker_server_num": 1, "app_url": "/bucket/src/", "boot_file_url": "/bucket/src/train.py",
                "engine_id": 1, "spec_id": 1, "data_url": "/bucket/data/", "train_url": "/bucket/output/",
                "parameter": parameters, "pre_version_id": version_id}  # fmt: skip
    http_info = {
        "method": "POST",
        "resource_path": f"/v1/{{project_id}}/training-jobs/{job_id}/versions",
        "path_params": {},
        "query_params": [],
        "header_params": {"Content-Type": "application/json"},
        "body": {"job_desc": "", "config": settings},
        "response_type": _Created,
    }
    invoker = SyncInvoker(client, http_info)
    invoker.with_retry(lambda _, error: error is not None, 5, NoBackoffStrategy())
    return int(invoker.invoke().version_id)


async def _job(session: AsyncSession) -> tuple[AsyncEstimator, Any]:
    estimator = estimator_on(session)
    return estimator, await estimator.fit("/bucket/data/", job_name="faults")


def _elements(creates: int) -> list[dict[str, Any]]:
    return [{"hyperparameters": {"number": number}} for number in range(creates)]


def _on_the_board(platform: LocalPlatform, first: int) -> Counter[str]:
    """How many versions that were not stopped each intent has."""
    assert platform._core is not None
    return Counter(
        dict(version.settings.parameters)["number"]
        for version in platform._core.board.versions()
        if version.version_id != first and version.status.name not in STOPPED
    )


async def _main(creates: int, late: int) -> int:
    broken = await ours(creates, broken_lines(0.05), quiet_s=2.0)
    print("broken lines:", broken, flush=True)
    landed = await ours(late, late_landings(0.05, 2.0), quiet_s=2.0, watch_s=30.0)
    print("late landings:", landed, flush=True)
    lost = [_rule({"kind": "reset_after"}, 0.05, 0, "POST")]
    print("lost answers, ours:", await ours(creates, lost, quiet_s=2.0), flush=True)
    print("lost answers, the vendor's:", await the_vendors(creates, lost))
    good = all((count.living, count.most, count.failed) == (count.asked, 1, 0) for count in (broken, landed))
    return 0 if good else 1


def main() -> int:
    """Run all of them; 1 when one of ours does not come out even."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulate.sockets", description=__doc__)
    parser.add_argument("--creates", type=int, default=600)
    parser.add_argument("--late", type=int, default=600)
    options = parser.parse_args()
    return asyncio.run(_main(options.creates, options.late))


if __name__ == "__main__":
    sys.exit(main())
