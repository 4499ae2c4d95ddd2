"""A page of 1,000 versions to typed values, beside orjson's own parse: ``python -m benchmarks.decode``."""

import argparse
import asyncio
import time
from collections.abc import Callable

import orjson

from aiomodelarts import AsyncSession, Endpoints
from aiomodelarts._wire import training
from aiomodelarts._wire.call import Site
from aiomodelarts._wire.message import Response

from ._measure import ACCESS_KEY, SECRET_KEY, median
from .stub import JOB_ID, PROJECT_ID, running, version_page

_ROWS = 1000
_GOAL_RATIO = 6.0
_GOAL_STRETCH_MS = 10.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Pages to values, beside orjson.")
    parser.add_argument("--rounds", type=int, default=41, help="turns of each (default %(default)s)")
    options = parser.parse_args()
    body = version_page(_ROWS)
    call = training.list_training_job_versions(Site("http://127.0.0.1", PROJECT_ID), JOB_ID)
    response = Response(200, {}, body)
    parse_ms, decode_ms = [], []
    for _ in range(options.rounds):
        parse_ms.append(_cpu_ms(lambda: orjson.loads(body)))
        decode_ms.append(_cpu_ms(lambda: call.read(response)))
    parse, decode = median(parse_ms), median(decode_ms)
    print(f"a page of {_ROWS} versions, {len(body) / 1e6:.2f} MB; medians of {options.rounds} turns, CPU")
    print(f"orjson's parse {parse:.1f} ms, parse and typed values {decode:.1f} ms, {decode / parse:.1f} times")
    print(f"goal {_GOAL_RATIO:g} times: {'met' if decode <= _GOAL_RATIO * parse else 'missed'}")
    with running(rows=_ROWS) as endpoint:
        stretch = asyncio.run(_longest_stretch_ms(endpoint, 10))
    met = "met" if stretch <= _GOAL_STRETCH_MS else "missed"
    print(f"longest stretch on the loop in 10 such calls: {stretch:.1f} ms of CPU; goal {_GOAL_STRETCH_MS:g} ms: {met}")


def _cpu_ms(work: Callable[[], object]) -> float:
    start = time.process_time()
    # What comes back is let go of after the clock was read.
    result = work()
    spent = time.process_time() - start
    del result
    return spent * 1000


async def _longest_stretch_ms(endpoint: str, calls: int) -> float:
    """The most CPU that the loop's thread spends before a task that is always ready gets its turn."""
    longest = 0.0
    over = False

    async def probe() -> None:
        nonlocal longest
        last = time.thread_time()
        while not over:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now

    async with AsyncSession(
        ACCESS_KEY, SECRET_KEY, project_id=PROJECT_ID, endpoints=Endpoints(modelarts=endpoint)
    ) as session:
        await session.perform(training.list_training_job_versions, JOB_ID)
        probing = asyncio.create_task(probe())
        for _ in range(calls):
            page = await session.perform(training.list_training_job_versions, JOB_ID)
            assert len(page.versions) == _ROWS
        over = True
        await probing
    return longest * 1000


if __name__ == "__main__":
    main()
