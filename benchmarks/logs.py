"""What following logs costs, beside a loop by hand with bare aiohttp, and with the vendor's client in threads.

``python -m benchmarks.logs``: a million lines of one version, then 200 versions at once. Every line is checked: each
once, in order. All clients follow the same logs on a stub that counts, each in a fresh process.
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from .stub import serving

_TIME_LIMIT_S = 1800
_GOAL_GROWTH_MIB = 10.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Following logs, beside what one would write by hand.")
    parser.add_argument("--versions", type=int, help="for one comparison of your own")
    parser.add_argument("--lines", type=int, default=2000, help="with --versions: of each (default %(default)s)")
    parser.add_argument("--rate", type=float, default=100.0, help="with --versions: lines a second, of each")
    parser.add_argument("--clients", nargs="+", default=["ours", "bare", "vendor"], choices=["ours", "bare", "vendor"])
    options = parser.parse_args()
    if options.versions:
        _compare(options.versions, options.lines, options.rate, options.clients)
        return
    _compare(1, 1_000_000, 25_000.0, options.clients)
    _compare(200, 2000, 50.0, options.clients)


def _compare(versions: int, lines: int, rate: float, clients: list[str]) -> None:
    size = ("--versions", str(versions), "--lines", str(lines), "--rate", str(rate))
    print(f"{versions} logs of {lines} lines, {rate:g} lines a second in each; every line checked")
    head = ("requests", "of states", "CPU s", "wall s", "late s", "p99 s", "growth MiB")
    print(f"{'':>7} " + " ".join(f"{name:>{max(8, len(name))}}" for name in head), flush=True)
    for name in clients:
        with serving("_logs_stub", *size) as endpoint:
            command = [sys.executable, "-m", "benchmarks._logs_clients", name, endpoint, *size]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=_TIME_LIMIT_S)
        one: dict[str, Any] = json.loads(done.stdout)
        print(
            f"{name:>7} {one['requests']:>8} {one.get('states', 0):>9} {one['cpu_s']:>8.2f} {one['wall_s']:>8.1f} "
            f"{one['late_s']:>8.2f} {one['late_p99_s']:>8.2f} {one['growth_mib']:>10.1f}",
            flush=True,
        )
        if name == "ours" and lines > 500:
            met = "met" if one["growth_mib"] <= _GOAL_GROWTH_MIB else "missed"
            print(f"  growth of memory, MiB: {one['growth_mib']:.1f}; goal {_GOAL_GROWTH_MIB:g}: {met}", flush=True)


if __name__ == "__main__":
    main()
