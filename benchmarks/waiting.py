"""What waiting costs, beside one GET for each waiter with bare aiohttp, and with the vendor's client in threads.

``python -m benchmarks.waiting``: 1,000 waits on one job; then 10,000 over 100 jobs. All clients wait for the same
versions on a stub that answers alike and counts, each in a fresh process, at one look a second.
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from attrs import frozen

from .stub import serving

_GOAL_CPU = 0.1
_GOAL_DELAY = 0.6
_GOAL_PER_S = 2.0
_GOAL_LAG_MS = {"p99": 10.0, "most": 50.0}
# What a session asks at most in a second for all that wait, unless it is told otherwise.
_CEILING_PER_S = 20.0
# Requests are spaced by the client's clock and counted by the server's, so that a count can come out a hair above.
_CLOCKS_DIFFER = 1.01
# A job has a turn in so many seconds as there are jobs to a second's requests; a turn can come a little late.
_GOAL_GAP = 1.3
# Beyond this, starting the waits is itself what the loop does for a while.
_LAG_UP_TO = 1000
_TIME_LIMIT_S = 900
_POLL_S = 1.0


@frozen
class Waits:
    """So many waits on each of so many jobs, for so many seconds."""

    jobs: int
    count: int
    seconds: float
    still: bool

    def measured(self, client: str, *, lag: bool = False) -> dict[str, Any]:
        """The figures of one client, on a server of its own."""
        size = ("--jobs", str(self.jobs), "--count", str(self.count), "--seconds", str(self.seconds))
        with serving("_waiting_stub", *size, *(["--still"] if self.still else [])) as endpoint:
            options = [client, endpoint, *size, "--poll", str(_POLL_S), *(["--lag"] if lag else [])]
            command = [sys.executable, "-m", "benchmarks._waiting_clients", *options]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_TIME_LIMIT_S)
        figures: dict[str, Any] = json.loads(done.stdout)
        return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Waiting, beside one GET for each waiter.")
    parser.add_argument("--count", type=int, help="versions of each job, for one comparison of your own")
    parser.add_argument("--jobs", type=int, default=1, help="with --count (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long a version takes (default %(default)s)")
    parser.add_argument("--clients", nargs="+", default=["ours", "bare", "vendor"], choices=["ours", "bare", "vendor"])
    parser.add_argument("--still", action="store_true", help="rows of running versions do not change")
    options = parser.parse_args()
    if options.count:
        _compare(Waits(options.jobs, options.count, options.seconds, options.still), options.clients)
        return
    _compare(Waits(1, 1000, options.seconds, options.still), options.clients)
    _compare(Waits(100, 100, options.seconds, options.still), options.clients)


def _compare(waits: Waits, clients: list[str]) -> None:
    print(f"{waits.jobs * waits.count} waits of about {waits.seconds:g} s on {waits.jobs} jobs, every end checked")
    head = ("requests", "per s", "most/s", "looks a job", "CPU s", "delay s", "p99 s", "peak MiB")
    print(f"{'':>7} " + " ".join(f"{name:>{max(8, len(name))}}" for name in head), flush=True)
    figures: dict[str, dict[str, Any]] = {}
    for name in clients:
        one = figures[name] = waits.measured(name)
        looks = f"{one['looks']['least']}..{one['looks']['most']}"
        print(
            f"{name:>7} {one['requests']:>8} {one['per_s']:>8.1f} {one['most_in_a_second']:>8} {looks:>11} "
            f"{one['cpu_s']:>8.2f} {one['delay_s']:>8.2f} {one['delay_p99_s']:>8.2f} {one['peak_mib']:>8.0f}",
            flush=True,
        )
    if "ours" in figures:
        _judge(waits, figures)


def _judge(waits: Waits, figures: dict[str, dict[str, Any]]) -> None:
    mine = figures["ours"]
    goals: list[tuple[str, float, float]] = []
    if "bare" in figures and waits.jobs == 1:
        goals.append(("CPU, of bare", mine["cpu_s"] / figures["bare"]["cpu_s"], _GOAL_CPU))
    if waits.jobs == 1:
        goals.append(("mean delay, of the interval", mine["delay_s"] / _POLL_S, _GOAL_DELAY))
        goals.append(("requests a second", mine["per_s"], _GOAL_PER_S * -(-waits.count // 1000)))
    else:
        goals.append(("requests a second", mine["per_s"], _CEILING_PER_S * _CLOCKS_DIFFER))
        share_s = waits.jobs / _CEILING_PER_S
        goals.append(("longest gap between looks at a job, of its share", mine["longest_gap_s"] / share_s, _GOAL_GAP))
    if waits.jobs * waits.count <= _LAG_UP_TO:
        # Taking the loop's pulse costs CPU too, so it is done in a run of its own.
        lag = waits.measured("ours", lag=True)
        goals += [(f"lag {which}, ms", lag[f"lag_{which}_ms"], goal) for which, goal in _GOAL_LAG_MS.items()]
    for what, value, goal in goals:
        print(f"  {what}: {value:.3g}; goal {goal:g}: {'met' if value <= goal else 'missed'}", flush=True)


if __name__ == "__main__":
    main()
