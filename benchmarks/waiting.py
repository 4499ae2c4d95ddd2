"""What waiting costs: 1,000 waits on one job, beside one GET for each waiter with bare aiohttp.

``python -m benchmarks.waiting``. Both clients wait for the same versions on a stub that answers alike, each in a fresh
process, at one look a second; a version ends ``--seconds`` after the start, give or take a fifth. The stub counts.
"""

import argparse
import asyncio
import contextlib
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import orjson
from aiohttp import web

from aiomodelarts import AsyncSession, Endpoints, TrainingJob
from aiomodelarts._wire.message import Request
from aiomodelarts._wire.signing import sign

from ._measure import ACCESS_KEY, SECRET_KEY
from .stub import JOB_ID, PROJECT_ID, version_row

# Sampling the loop's lag costs CPU too, so it is not done too often.
_SAMPLE_S = 0.02
_GOAL_CPU = 0.1
_GOAL_DELAY = 0.6
_GOAL_LAG_MS = {"p99": 10.0, "most": 50.0}


def ends_at(count: int, seconds: float) -> list[float]:
    """When each version ends, in seconds after the start."""
    chance = random.Random(1)
    return [seconds * chance.uniform(0.8, 1.2) for _ in range(count)]


async def serve(count: int, seconds: float) -> None:
    """The stub: versions that end in their time; the first request starts the clock, ``/figures`` tells the counts."""
    ends = ends_at(count, seconds)
    rows = [orjson.dumps({**version_row(number), "status": 8}) for number in range(count)]
    done = [orjson.dumps({**version_row(number), "status": 10}) for number in range(count)]
    begun: list[float] = []
    requests = {"list": 0, "single": 0}

    def row(number: int) -> bytes:
        if not begun:
            begun.append(time.time())
        return done[number] if time.time() - begun[0] >= ends[number] else rows[number]

    async def listed(request: web.Request) -> web.Response:
        requests["list"] += 1
        page = int(request.query["page"])
        shown = range(count - 1 - (page - 1) * 1000, max(-1, count - 1 - page * 1000), -1)
        body = b'{"is_success":true,"job_id":%d,"version_count":%d,"versions":[%b]}'
        return _json(body % (JOB_ID, count, b",".join(row(number) for number in shown)))

    async def single(request: web.Request) -> web.Response:
        requests["single"] += 1
        return _json(b'{"is_success":true,"job_id":%d,%b' % (JOB_ID, row(int(request.match_info["version"]))[1:]))

    async def figures(_: web.Request) -> web.Response:
        return web.json_response({"begun": begun[0], **requests})

    app = web.Application()
    base = f"/v1/{PROJECT_ID}/training-jobs/{JOB_ID}/versions"
    app.add_routes([web.get(base, listed), web.get(f"{base}/{{version}}", single), web.get("/figures", figures)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


async def ours(endpoint: str, count: int, ended: Callable[[int], None]) -> None:
    """Every wait through one session."""
    async with AsyncSession(
        ACCESS_KEY, SECRET_KEY, project_id=PROJECT_ID, endpoints=Endpoints(modelarts=endpoint), poll_s=1
    ) as session:

        async def wait(number: int) -> None:
            detail = await TrainingJob.attach(session, JOB_ID, number).wait()
            if detail.version_id != number:
                raise RuntimeError(detail)
            ended(number)

        await asyncio.gather(*(wait(number) for number in range(count)))


async def bare(endpoint: str, count: int, ended: Callable[[int], None]) -> None:
    """One signed GET a second for each waiter."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=128)) as http:

        async def wait(number: int) -> None:
            path = f"/v1/{PROJECT_ID}/training-jobs/{JOB_ID}/versions/{number}"
            headers = {"Content-Type": "application/json", "X-Project-Id": PROJECT_ID}
            while True:
                signed = sign(Request("GET", endpoint, path, (), headers), ACCESS_KEY, SECRET_KEY, time.time())
                async with http.get(endpoint + path, headers=signed) as answer:
                    if orjson.loads(await answer.read())["status"] == 10:
                        ended(number)
                        return
                await asyncio.sleep(1)

        await asyncio.gather(*(wait(number) for number in range(count)))


async def _lags(lags: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _SAMPLE_S
        await asyncio.sleep(_SAMPLE_S)
        lags.append((loop.time() - due) * 1000)


async def client(wait: Callable[..., Awaitable[None]], endpoint: str, count: int, seconds: float) -> None:
    """Wait, and print what it cost as JSON."""
    seen: dict[int, float] = {}
    lags: list[float] = []
    lagging = asyncio.create_task(_lags(lags))
    before = _cpu_s()
    await wait(endpoint, count, lambda number: seen.setdefault(number, time.time()))
    cpu_s = _cpu_s() - before
    lagging.cancel()
    await asyncio.gather(lagging, return_exceptions=True)
    async with aiohttp.ClientSession() as http, http.get(f"{endpoint}/figures") as answer:
        told = await answer.json()
    ends = ends_at(count, seconds)
    delays = [seen[number] - told["begun"] - ends[number] for number in range(count)]
    lags.sort()
    figures = {
        "cpu_s": cpu_s,
        "requests": told["list"] + told["single"],
        "delay_s": statistics.fmean(delays),
        "lag_p99_ms": lags[int(len(lags) * 0.99)],
        "lag_most_ms": lags[-1],
    }
    print(json.dumps(figures))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextlib.contextmanager
def _stub(count: int, seconds: float) -> Iterator[str]:
    options = ["--as", "stub", "--count", str(count), "--seconds", str(seconds)]
    command = [sys.executable, "-m", "benchmarks.waiting", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _measured(name: str, count: int, seconds: float) -> dict[str, float]:
    with _stub(count, seconds) as endpoint:
        options = ["--as", name, "--endpoint", endpoint, "--count", str(count), "--seconds", str(seconds)]
        command = [sys.executable, "-m", "benchmarks.waiting", *options]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=600)
        figures: dict[str, float] = json.loads(done.stdout)
        return figures


def main() -> None:
    """Measure and print, or play one of the parts."""
    parser = argparse.ArgumentParser(description="Waiting, beside one GET for each waiter.")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--as", dest="part", choices=("stub", "ours", "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--endpoint", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "stub":
        asyncio.run(serve(options.count, options.seconds))
    elif options.part:
        wait = ours if options.part == "ours" else bare
        asyncio.run(client(wait, options.endpoint, options.count, options.seconds))
    else:
        _compare(options.count, options.seconds)


def _compare(count: int, seconds: float) -> None:
    figures = {name: _measured(name, count, seconds) for name in ("ours", "bare")}
    print(f"{count} waits of about {seconds:g} s on one job, one look a second")
    print(f"{'':>5} {'requests':>8} {'CPU s':>6} {'delay s':>7} {'lag p99 ms':>10} {'most ms':>7}")
    for name, one in figures.items():
        print(
            f"{name:>5} {one['requests']:>8.0f} {one['cpu_s']:>6.2f} {one['delay_s']:>7.2f} "
            f"{one['lag_p99_ms']:>10.1f} {one['lag_most_ms']:>7.1f}"
        )
    mine = figures["ours"]
    ratio = mine["cpu_s"] / figures["bare"]["cpu_s"]
    goals = (
        (f"CPU {ratio:.3f} of bare", ratio <= _GOAL_CPU, _GOAL_CPU),
        (f"mean delay {mine['delay_s']:.2f} of the interval", mine["delay_s"] <= _GOAL_DELAY, _GOAL_DELAY),
        ("lag p99", mine["lag_p99_ms"] <= _GOAL_LAG_MS["p99"], _GOAL_LAG_MS["p99"]),
        ("lag most", mine["lag_most_ms"] <= _GOAL_LAG_MS["most"], _GOAL_LAG_MS["most"]),
    )
    for what, met, goal in goals:
        print(f"{what}; goal {goal:g}: {'met' if met else 'missed'}")


if __name__ == "__main__":
    main()
