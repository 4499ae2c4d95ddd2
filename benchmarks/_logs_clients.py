"""Three ways to follow logs: through a session, by hand with bare aiohttp, with the vendor's client in threads.

Each runs in a process of its own, checks every line, and prints what it cost as JSON.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from attrs import define, field
from yarl import URL

from aiomodelarts import AsyncSession, Endpoints, TrainingJob
from aiomodelarts._wire.message import Request
from aiomodelarts._wire.signing import sign

from ._logs_stub import HEAD_START_S, JOB_ID, line
from ._measure import ACCESS_KEY, SECRET_KEY, cpu_s, peak_mib
from ._vendor import Vendor, in_threads
from .stub import PROJECT_ID

_PAUSE_S = 1.0
_FINAL = 10
# Memory is compared with what was held after so many lines, when pages and connections have been had once.
_SETTLED_AFTER = 20_000
# Of so many lines it is noted when one came; no round number, which clients that ask once a second would meet in step.
_SAMPLED = 97


@define
class Reading:
    """What was read so far, of so many versions with so many lines each written at so many a second."""

    endpoint: str
    versions: int
    lines: int
    rate: float
    next: dict[int, int] = field(factory=dict)
    count: int = 0
    settled_mib: float | None = None
    _seen: list[tuple[float, int]] = field(factory=list)

    def take(self, version: int, text: str) -> None:
        """Check a line.

        Raises:
            RuntimeError: when it is not the one that follows.
        """
        number = self.next.get(version, 0)
        if text != line(version, number):
            raise RuntimeError(f"version {version}: {text!r} came in place of line {number}")
        self.next[version] = number + 1
        self.count += 1
        if number % _SAMPLED == 0:
            self._seen.append((time.time(), number))
        if self.settled_mib is None and self.count >= min(_SETTLED_AFTER, self.versions * self.lines // 2):
            self.settled_mib = peak_mib()

    def late_s(self, begun: float) -> list[float]:
        """How long after they had been written some of the lines came, in order."""
        return sorted(at - begun - HEAD_START_S - number / self.rate for at, number in self._seen if number)

    def check(self) -> None:
        """Raises RuntimeError: when a line is missing."""
        if self.next != dict.fromkeys(range(1, self.versions + 1), self.lines):
            raise RuntimeError(f"{self.count} lines were read of {self.versions * self.lines}")


async def ours(reading: Reading) -> None:
    """Every log through one session."""
    async with AsyncSession(
        ACCESS_KEY, SECRET_KEY, project_id=PROJECT_ID, endpoints=Endpoints(modelarts=reading.endpoint)
    ) as session:

        async def follow(version: int) -> None:
            async with aclosing(TrainingJob.attach(session, JOB_ID, version).logs(follow=True)) as lines:
                async for text in lines:
                    reading.take(version, text)

        await asyncio.gather(*(follow(version) for version in range(1, reading.versions + 1)))


async def bare(reading: Reading) -> None:
    """A task for each log, which asks for what follows and for the state, and sleeps a second unless there is more."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=128)) as http:

        async def get(path: str, query: tuple[tuple[str, str], ...] = ()) -> Any:
            path = f"/v1/{PROJECT_ID}/{path}"
            headers = {"Content-Type": "application/json", "X-Project-Id": PROJECT_ID}
            signed = sign(Request("GET", reading.endpoint, path, query, headers), ACCESS_KEY, SECRET_KEY, time.time())
            url = URL(f"{reading.endpoint}{path}{'?' if query else ''}{urlencode(query)}", encoded=True)
            async with http.get(url, headers=signed) as answer:
                return orjson.loads(await answer.read())

        async def follow(version: int) -> None:
            by_hand = _ByHand(reading, version)
            while not by_hand.done:
                state = await get(by_hand.path)
                if not by_hand.take(await get(by_hand.log, by_hand.query), state["status"]):
                    await asyncio.sleep(_PAUSE_S)

        await asyncio.gather(*(follow(version) for version in range(1, reading.versions + 1)))


async def vendor(reading: Reading) -> None:
    """The same in threads, with the vendor's blocking client."""
    client = Vendor(reading.endpoint)

    def follow(version: int) -> None:
        by_hand = _ByHand(reading, version)
        while not by_hand.done:
            state = client.get(by_hand.path)
            if not by_hand.take(client.get(by_hand.log, by_hand.query), state["status"]):
                time.sleep(_PAUSE_S)

    await in_threads(follow, [(version,) for version in range(1, reading.versions + 1)])
    client.close()


class _ByHand:
    """What one would write for one log: the marker of the last line, and whether the version has ended.

    It is only right for logs that are followed from their first page on, and loses lines where more than a page was
    written before it came.
    """

    def __init__(self, reading: Reading, version: int) -> None:
        self._reading = reading
        self._version = version
        self._marker: str | None = None
        self.path = f"training-jobs/{JOB_ID}/versions/{version}"
        self.log = f"{self.path}/aom-log"
        self.done = False

    @property
    def query(self) -> tuple[tuple[str, str], ...]:
        query = (("log_file", "job-0.log"), ("lines", "500"), ("order", "desc"))
        return query if self._marker is None else (*query, ("base_line", self._marker))

    def take(self, page: Any, status: int) -> bool:
        """Whether it was full, so that there is more."""
        for text in page["content"].splitlines():
            self._reading.take(self._version, text)
        self._marker = page["end_line"] or self._marker
        self.done = not page["content"] and status == _FINAL
        return bool(page["lines"] == "500")


CLIENTS: dict[str, Callable[[Reading], Awaitable[None]]] = {"ours": ours, "bare": bare, "vendor": vendor}


async def measured(name: str, reading: Reading) -> dict[str, object]:
    """What a client cost, and what the server counted."""
    began, wall = cpu_s(), time.perf_counter()
    await CLIENTS[name](reading)
    used, wall = cpu_s() - began, time.perf_counter() - wall
    reading.check()
    async with aiohttp.ClientSession() as http, http.get(f"{reading.endpoint}/figures") as answer:
        counted = await answer.json()
    late = reading.late_s(counted["begun"])
    return {
        **counted,
        "lines": reading.count,
        "cpu_s": used,
        "wall_s": wall,
        "late_s": statistics.fmean(late),
        "late_p99_s": late[int(len(late) * 0.99)],
        "growth_mib": peak_mib() - (reading.settled_mib or 0),
    }


def main() -> None:
    """Follow as the command line says, and print the figures."""
    parser = argparse.ArgumentParser(description="One client of benchmarks.logs.")
    parser.add_argument("name", choices=CLIENTS)
    parser.add_argument("endpoint")
    parser.add_argument("--versions", type=int, required=True)
    parser.add_argument("--lines", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    options = parser.parse_args()
    reading = Reading(options.endpoint, options.versions, options.lines, options.rate)
    print(json.dumps(asyncio.run(measured(options.name, reading))))


if __name__ == "__main__":
    main()
