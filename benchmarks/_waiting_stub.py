"""The far side of ``benchmarks.waiting``: versions that end in their time, and a count of who asked for them."""

import argparse
import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter

import orjson
from attrs import define, field, frozen

from .stub import PROJECT_ID, listen, version_row

PAGE = 1000
FINAL = (10, 11, 12)
_RUNNING = 8
_UNKNOWN = 404, b'{"is_success":false,"error_code":"ModelArts.0101","error_message":"no such operation"}'


@frozen
class Board:
    """Which versions there are, and how each of them ends: the same for the server and for whoever checks.

    Args:
        jobs: how many; they are numbered from 1.
        count: versions of each job, numbered from 0.
        seconds: when a version ends on average, after the first request; the others do within a fifth of that.
    """

    jobs: int
    count: int
    seconds: float
    _ends: list[list[float]] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        chance = random.Random(1)
        ends = [[self.seconds * chance.uniform(0.8, 1.2) for _ in range(self.count)] for _ in range(self.jobs)]
        object.__setattr__(self, "_ends", ends)

    def ends_at(self, job: int, version: int) -> float:
        """Seconds after the first request."""
        return self._ends[job - 1][version]

    @staticmethod
    def final_status(job: int, version: int) -> int:
        """What a version ends as."""
        return FINAL[(job + version) % len(FINAL)]


@define
class _Versions:
    """Answers as the documents say, and remembers when which job was asked for."""

    board: Board
    still: bool
    begun: float | None = None
    requests: Counter[str] = field(factory=Counter)
    looks: dict[int, list[float]] = field(factory=dict)
    _tail: bytes = field(init=False)

    def __attrs_post_init__(self) -> None:
        row = version_row(0)
        for name in ("version_id", "status", "duration"):
            del row[name]
        self._tail = b"," + orjson.dumps(row)[1:]

    def to(self, request_line: bytes) -> tuple[int, bytes]:
        path, _, query = request_line.split(b" ")[1].decode().partition("?")
        if path == "/figures":
            return 200, self._figures()
        parts = path.removeprefix(f"/v1/{PROJECT_ID}/training-jobs/").split("/")
        now = time.time()
        if self.begun is None:
            self.begun = now
        passed, job = now - self.begun, int(parts[0])
        self.looks.setdefault(job, []).append(passed)
        if len(parts) == 2:
            asked = dict(pair.split("=") for pair in query.split("&"))
            return 200, self._page(job, int(asked["page"]), passed)
        if len(parts) == 3:
            self.requests["single"] += 1
            return 200, b'{"is_success":true,"job_id":%d,%b' % (job, self._row(job, int(parts[2]), passed)[1:])
        return _UNKNOWN

    def _page(self, job: int, page: int, passed: float) -> bytes:
        self.requests["list"] += 1
        newest = self.board.count - 1 - (page - 1) * PAGE
        shown = range(newest, max(-1, newest - PAGE), -1)
        body = b'{"is_success":true,"job_id":%d,"version_count":%d,"versions":[%b]}'
        return body % (job, self.board.count, b",".join(self._row(job, number, passed) for number in shown))

    def _row(self, job: int, version: int, passed: float) -> bytes:
        end = self.board.ends_at(job, version)
        ended = passed >= end
        status = self.board.final_status(job, version) if ended else _RUNNING
        # A version that runs lasts longer at every look, so that no page is as it was, unless that is wanted.
        lasted = end if ended else 0 if self.still else passed
        return b'{"version_id":%d,"status":%d,"duration":%d%b' % (version, status, lasted * 1000, self._tail)

    def _figures(self) -> bytes:
        moments = sorted(moment for looks in self.looks.values() for moment in looks)
        counts = sorted(len(looks) for looks in self.looks.values())
        return orjson.dumps(
            {
                "begun": self.begun,
                "requests": len(moments),
                **self.requests,
                "per_s": (len(moments) - 1) / max(moments[-1], 1) if moments else 0,
                "most_in_a_second": _most_in_a_second(moments),
                "longest_gap_s": max(map(_longest_gap, self.looks.values()), default=0),
                "looks": {"least": counts[0], "most": counts[-1]} if counts else {},
            }
        )


def _longest_gap(moments: list[float]) -> float:
    return max((after - before for before, after in itertools.pairwise(moments)), default=0.0)


def _most_in_a_second(moments: list[float]) -> int:
    most = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description="Versions that end in their time.")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000, help="versions of each job")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--still", action="store_true", help="rows of running versions stay as they are")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(listen(_Versions(Board(options.jobs, options.count, options.seconds), options.still)))


if __name__ == "__main__":
    main()
