"""Three ways to wait: one session, a GET for each with bare aiohttp, a thread for each with the vendor's client.

Each runs in a process of its own, checks every end against the board, and prints what it cost as JSON.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable

import aiohttp
import orjson
from attrs import define, field, frozen

from aiomodelarts import AsyncSession, Endpoints, TrainingJob
from aiomodelarts._wire.message import Request
from aiomodelarts._wire.signing import sign

from ._measure import ACCESS_KEY, SECRET_KEY, cpu_s, peak_mib
from ._vendor import Vendor, in_threads
from ._waiting_stub import FINAL, Board
from .stub import PROJECT_ID

_SAMPLE_S = 0.02


@frozen
class Task:
    """What a client is to wait for, and where."""

    endpoint: str
    board: Board
    poll_s: float

    @property
    def versions(self) -> list[tuple[int, int]]:
        """Job and number of each version."""
        return [(job, number) for number in range(self.board.count) for job in range(1, self.board.jobs + 1)]


@define
class Seen:
    """When each end was seen."""

    board: Board
    at: dict[tuple[int, int], float] = field(factory=dict)

    def end(self, job: int, version: int, status: int) -> None:
        """Take note of an end.

        Raises:
            RuntimeError: when the board says otherwise.
        """
        if status != self.board.final_status(job, version) or (job, version) in self.at:
            raise RuntimeError(f"version {version} of job {job} did not end as {status}, or was told twice")
        self.at[job, version] = time.time()

    def delays_s(self, begun: float) -> list[float]:
        """How long after its end each one was seen.

        Raises:
            RuntimeError: when one was seen too early, or not at all.
        """
        delays = [at - begun - self.board.ends_at(*which) for which, at in self.at.items()]
        if len(delays) != self.board.jobs * self.board.count or min(delays) < 0:
            raise RuntimeError(f"{len(delays)} ends were seen, the first {min(delays):.3f} s after it happened")
        return delays


async def ours(task: Task, seen: Seen) -> None:
    """Every wait through one session."""
    async with AsyncSession(
        ACCESS_KEY, SECRET_KEY, project_id=PROJECT_ID, endpoints=Endpoints(modelarts=task.endpoint), poll_s=task.poll_s
    ) as session:

        async def wait(job: int, number: int) -> None:
            detail = await TrainingJob.attach(session, job, number).ended()
            seen.end(detail.job_id, detail.version_id, int(detail.status))

        await asyncio.gather(*(wait(job, number) for job, number in task.versions))


async def bare(task: Task, seen: Seen) -> None:
    """One signed GET an interval for each waiter."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=128)) as http:

        async def wait(job: int, number: int) -> None:
            path = f"/v1/{PROJECT_ID}/training-jobs/{job}/versions/{number}"
            headers = {"Content-Type": "application/json", "X-Project-Id": PROJECT_ID}
            while True:
                signed = sign(Request("GET", task.endpoint, path, (), headers), ACCESS_KEY, SECRET_KEY, time.time())
                async with http.get(task.endpoint + path, headers=signed) as answer:
                    status = orjson.loads(await answer.read())["status"]
                if status in FINAL:
                    seen.end(job, number, status)
                    return
                await asyncio.sleep(task.poll_s)

        await asyncio.gather(*(wait(job, number) for job, number in task.versions))


async def vendor(task: Task, seen: Seen) -> None:
    """A thread for each waiter, which asks with the vendor's blocking client and sleeps."""
    client = Vendor(task.endpoint)

    def wait(job: int, number: int) -> None:
        while True:
            status = client.get(f"training-jobs/{job}/versions/{number}")["status"]
            if status in FINAL:
                seen.end(job, number, status)
                return
            time.sleep(task.poll_s)

    await in_threads(wait, task.versions)
    client.close()


CLIENTS: dict[str, Callable[[Task, Seen], Awaitable[None]]] = {"ours": ours, "bare": bare, "vendor": vendor}


async def measured(name: str, task: Task, *, lag: bool) -> dict[str, object]:
    """What a client cost, and what the server counted; with ``lag``, how late the loop was in place of the CPU."""
    seen, lags = Seen(task.board), list[float]()
    sampling = asyncio.create_task(_sample(lags)) if lag else None
    before, peak = cpu_s(), peak_mib()
    await CLIENTS[name](task, seen)
    used, peak = cpu_s() - before, peak_mib() - peak
    if sampling is not None:
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
        lags.sort()
        return {"lag_p99_ms": lags[int(len(lags) * 0.99)], "lag_most_ms": lags[-1]}
    async with aiohttp.ClientSession() as http, http.get(f"{task.endpoint}/figures") as answer:
        counted = await answer.json()
    delays = sorted(seen.delays_s(counted["begun"]))
    latest = delays[int(len(delays) * 0.99)]
    return {**counted, "cpu_s": used, "peak_mib": peak, "delay_s": statistics.fmean(delays), "delay_p99_s": latest}


async def _sample(lags: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _SAMPLE_S
        await asyncio.sleep(_SAMPLE_S)
        lags.append((loop.time() - due) * 1000)


def main() -> None:
    """Wait as the command line says, and print the figures."""
    parser = argparse.ArgumentParser(description="One client of benchmarks.waiting.")
    parser.add_argument("name", choices=CLIENTS)
    parser.add_argument("endpoint")
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--poll", type=float, required=True)
    parser.add_argument("--lag", action="store_true")
    options = parser.parse_args()
    task = Task(options.endpoint, Board(options.jobs, options.count, options.seconds), options.poll)
    print(json.dumps(asyncio.run(measured(options.name, task, lag=options.lag))))


if __name__ == "__main__":
    main()
