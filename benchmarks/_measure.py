"""What every client under measurement shares: its load, its figures, and fresh processes that take turns."""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from attrs import asdict, frozen

# The sample pair of the signing guide.
ACCESS_KEY = "QTWAOYTTINDUT2QVKYUC"
SECRET_KEY = "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"
_TIME_LIMIT_S = 600


@frozen
class Figures:
    """What one run cost. CPU is the client process's own, user and system, after the warm-up."""

    count: int
    wall_s: float
    cpu_s: float
    peak_mib: float


@frozen
class Load:
    """What one client process does: ``warm_up`` creations that do not count, then ``count`` that do."""

    endpoint: str
    concurrency: int
    count: int
    warm_up: int

    @classmethod
    def from_command_line(cls, argv: Sequence[str]) -> Self:
        """The load that ``fresh`` wrote."""
        return cls(**json.loads(argv[1]))

    def run(self, client: Callable[["Load"], Awaitable[Figures]]) -> None:
        """Run a client in this process, and print its figures as JSON."""

        async def whole() -> Figures:
            return await client(self)

        print(json.dumps(asdict(asyncio.run(whole()))))


async def measured(load: Load, many: Callable[[int], Awaitable[int]]) -> Figures:
    """The figures of ``many(count)``, which makes so many versions and says how many it made."""
    if load.warm_up:
        await many(load.warm_up)
    wall, cpu = time.perf_counter(), cpu_s()
    made = await many(load.count)
    wall, cpu = time.perf_counter() - wall, cpu_s() - cpu
    if made != load.count:
        raise RuntimeError(f"{made} made of {load.count}")
    return Figures(made, wall, cpu, peak_mib())


def fresh(module: str, load: Load) -> Figures:
    """The figures of one client in a process of its own."""
    command = [sys.executable, "-m", f"benchmarks.{module}", json.dumps(asdict(load))]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_TIME_LIMIT_S)
    return Figures(**json.loads(done.stdout))


def in_turns(modules: Sequence[str], load: Load, rounds: int) -> dict[str, list[Figures]]:
    """The figures of several clients, A B B A ..., so that a slow minute of the machine hits all of them."""
    figures: dict[str, list[Figures]] = {module: [] for module in modules}
    for number in range(rounds):
        for module in modules if number % 2 == 0 else reversed(modules):
            figures[module].append(fresh(module, load))
    return figures


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def cpu_s() -> float:
    """Seconds of CPU that this process has used, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mib() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
