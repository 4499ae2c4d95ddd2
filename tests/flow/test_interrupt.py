"""Ctrl-C while creations are under way: the process ends in time and tells what exists."""

import asyncio
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aiomodelarts.local import LocalPlatform
from tests.support.fakes import OWN_CODE, estimator_on
from tests.support.platform import environment, requests, session_at

_COUNT = 100
_SENT = 50
# As a user writes it: nothing about signals, and ``asyncio.run`` around it.
_PROGRAM = """
import asyncio, json, sys
from aiomodelarts import AsyncEstimator, AsyncSession

settings, job_id, version_id, count = json.loads(sys.argv[1])

async def main():
    async with AsyncSession() as session:
        batch = AsyncEstimator(session, **settings).create_job_versions(
            job_id, version_id, "/bucket/data/", each=[{}] * count, max_concurrency=count)
        try:
            await batch
        finally:
            outcomes = [[one.result.value, one.version and one.version.version_id] for one in batch.outcomes]
            print(json.dumps(outcomes), flush=True)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not left, left

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("fault", "under_way"),
    [
        # Answers that come a moment after Ctrl-C are still taken, as the versions exist.
        ({"kind": "delay_before", "seconds": 1.5}, "made"),
        # Answers that would take a minute are not; the work is done all the same.
        ({"kind": "slow_drip", "seconds": 60}, "unknown"),
    ],
)
async def test_ctrl_c_while_100_creations_are_under_way(tmp_path: Path, fault: dict[str, Any], under_way: str) -> None:
    rules = [{"match": {"method": "POST", "path": "/training-jobs/[0-9]+/versions$"}, "fault": fault}]
    options: Any = {"executor": "simulated", "simulate": "duration=99", "faults": rules}
    async with LocalPlatform(tmp_path / "root", **options) as platform, session_at(platform) as session:
        first = await estimator_on(session).fit(inputs="/bucket/data/")
        program = await _program(platform, [{**OWN_CODE}, first.job_id, first.version_id, _COUNT])
        try:
            await _until_sent(platform)
            program.send_signal(signal.SIGINT)
            async with asyncio.timeout(30):
                told, complaints = await program.communicate()
        finally:
            if program.returncode is None:
                program.kill()
                await program.wait()
        there = {row.version_id async for row in first.iter_job_versions()} - {first.version_id}
    assert complaints.decode().rstrip().endswith("KeyboardInterrupt")
    assert b"never retrieved" not in complaints
    outcomes = json.loads(told)
    counts = Counter(result for result, _ in outcomes)
    assert counts.keys() <= {under_way, "not sent"}
    assert counts.total() == _COUNT
    assert counts[under_way] >= _SENT
    if under_way == "made":
        assert {version_id for _, version_id in outcomes if version_id} == there
    else:
        assert _SENT <= len(there) <= counts["unknown"]


async def _program(platform: LocalPlatform, arguments: list[Any]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-W", "error", "-c", _PROGRAM, json.dumps(arguments)]
    return await asyncio.create_subprocess_exec(*command, env=environment(platform), stdout=pipe, stderr=pipe)


async def _until_sent(platform: LocalPlatform) -> None:
    async with asyncio.timeout(30):
        while (await requests(platform)).get("createTrainingJobVersion", 0) < _SENT:
            await asyncio.sleep(0.02)
