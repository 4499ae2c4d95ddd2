"""Import time of the package beside aiohttp's own: ``python -m benchmarks.imports``."""

import argparse
import os
import subprocess
import sys
import tempfile

from ._measure import median

_GOAL_RATIO = 1.3
_TIMED = """
import sys, time
start = time.process_time()
import {name}
print(time.process_time() - start)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Import time, beside aiohttp's.")
    parser.add_argument("--rounds", type=int, default=15, help="fresh processes of each (default %(default)s)")
    options = parser.parse_args()
    names = ("aiohttp", "aiomodelarts")
    taken: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds + 1):
            for name in names if number % 2 == 0 else reversed(names):
                spent = _import_ms(name, folder)
                # The first round compiles what the others read.
                if number:
                    taken[name].append(spent)
    aiohttp, ours = (median(taken[name]) for name in names)
    print(f"medians of {options.rounds} fresh processes of each, in turns, CPU")
    print(f"import aiohttp {aiohttp:.0f} ms, import aiomodelarts {ours:.0f} ms, {ours / aiohttp:.2f} times")
    print(f"goal {_GOAL_RATIO:g} times: {'met' if ours <= _GOAL_RATIO * aiohttp else 'missed'}")


def _import_ms(name: str, bytecode: str) -> float:
    """CPU of an import in a fresh process, as in an installed package: with its bytecode on disk."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", _TIMED.format(name=name)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60, env=environment)
    return float(done.stdout) * 1000


if __name__ == "__main__":
    main()
