"""Trivial versions a second on the local platform, beside the bare interpreter: ``python -m benchmarks.platform``.

The platform runs in a process of its own, as ``aiomodelarts local serve`` starts it.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from aiomodelarts import AsyncEstimator, AsyncSession, Endpoints, JobStatus

from ._measure import median

_GOAL_PER_S = 60.0
_GOAL_ALONE_S = 0.2
_READY_S = 30.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Trivial versions on the local platform.")
    parser.add_argument("--versions", type=int, default=240, help="versions of one batch (default %(default)s)")
    parser.add_argument("--alone", type=int, default=20, help="versions one after the other (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default %(default)s)")
    options = parser.parse_args()
    with _platform() as access:
        asyncio.run(_measure(access, options.versions, options.alone, options.rounds))


async def _measure(access: dict[str, Any], versions: int, alone: int, rounds: int) -> None:
    slots = os.cpu_count() or 1
    bare, ours = [], []
    async with _estimator(access) as (session, estimator):
        job = await estimator.fit("/bench/data/", job_name="bench")
        await session.wait_all([job])
        for _ in range(rounds):
            bare.append(versions / await asyncio.to_thread(_bare_s, versions, slots))
            ours.append(versions / await _batch_s(session, estimator, job.job_id, job.version_id, versions))
        single = [await _alone_s(estimator, job.job_id, job.version_id) for _ in range(alone)]
    rate, seconds = median(ours), median(single)
    print(f"script `pass`, {slots} slots, {versions} versions a batch; medians of {rounds} turns")
    print(f"python -c pass by {slots} workers: {median(bare):.0f} a second")
    print(f"versions made, run and awaited: {rate:.0f} a second; {_verdict(_GOAL_PER_S, rate >= _GOAL_PER_S)}")
    print(
        f"one version with a free slot, from create to result: {seconds:.3f} s in the median of {alone}; "
        f"{_verdict(_GOAL_ALONE_S, seconds <= _GOAL_ALONE_S)}"
    )


def _verdict(goal: float, met: bool) -> str:
    return f"goal {goal:g}: {'met' if met else 'missed'}"


def _bare_s(runs: int, workers: int) -> float:
    """The time of so many bare interpreters, so many at once, started by this process."""
    start = time.perf_counter()
    running: list[subprocess.Popen[bytes]] = []
    for _ in range(runs):
        if len(running) == workers:
            running.pop(0).wait()
        running.append(subprocess.Popen([sys.executable, "-c", "pass"]))
    for process in running:
        process.wait()
    return time.perf_counter() - start


async def _batch_s(session: AsyncSession, estimator: AsyncEstimator, job_id: int, version_id: int, count: int) -> float:
    start = time.perf_counter()
    versions = await estimator.create_job_versions(
        job_id=job_id,
        pre_version_id=version_id,
        inputs="/bench/data/",
        each=[{"hyperparameters": {"i": number}} for number in range(count)],
        max_concurrency=32,
    )
    details = await session.wait_all(versions)
    taken = time.perf_counter() - start
    failed = [detail.status.name for detail in details if detail.status is not JobStatus.COMPLETED]
    if failed:
        raise RuntimeError(f"{len(failed)} of {count} did not succeed: {sorted(set(failed))}")
    return taken


async def _alone_s(estimator: AsyncEstimator, job_id: int, version_id: int) -> float:
    start = time.perf_counter()
    await estimator.create_job_version(job_id, version_id, "/bench/data/", wait=True)
    return time.perf_counter() - start


@contextmanager
def _platform() -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        root, ready = Path(folder) / "root", Path(folder) / "ready.json"
        command = [sys.executable, "-m", "aiomodelarts.local", "--root", str(root), "--ready-file", str(ready)]
        with subprocess.Popen(command) as process:
            try:
                access = _access(process, ready)
                obs_root = Path(access["obs_root"])
                (obs_root / "bench" / "src").mkdir(parents=True)
                (obs_root / "bench" / "data").mkdir()
                (obs_root / "bench" / "src" / "train.py").write_text("pass\n")
                yield access
            finally:
                process.terminate()


def _access(process: subprocess.Popen[bytes], ready: Path) -> dict[str, Any]:
    for _ in range(int(_READY_S / 0.05)):
        if ready.exists():
            return dict(json.loads(ready.read_text()))
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError("the platform did not start")


@asynccontextmanager
async def _estimator(access: dict[str, Any]) -> AsyncIterator[tuple[AsyncSession, AsyncEstimator]]:
    async with AsyncSession(
        access["access_key"],
        access["secret_key"],
        project_id=access["project_id"],
        endpoints=Endpoints(modelarts=access["modelarts_endpoint"]),
    ) as session:
        yield (
            session,
            AsyncEstimator(
                modelarts_session=session,
                framework_type="PyTorch",
                framework_version="PyTorch-1.0.0-python3.6",
                code_dir="/bench/src/",
                boot_file="/bench/src/train.py",
                output_path="/bench/output/",
                log_url="/bench/log/",
                train_instance_type="modelarts.vm.cpu.2u",
                train_instance_count=1,
            ),
        )


if __name__ == "__main__":
    main()
