"""How long a plan of 1,000 points takes, as a command and within a session: ``python -m benchmarks.plan``."""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from aiomodelarts import AsyncSession, Sweep

from ._measure import median

_GOAL_S = 3.0
_SWEEP = """\
[sweep]
name = "planned"

[estimator]
framework_type = "PyTorch"
framework_version = "PyTorch-1.0.0-python3.6"
code_dir = "/bucket/src/"
boot_file = "/bucket/src/train.py"
output_path = "/bucket/out/"
inputs = "/bucket/data/"
flavors = ["modelarts.vm.gpu.p100", "modelarts.vm.cpu.2u"]

[space]
optimizer = {{ choice = ["adam", "sgd"] }}
lr = {{ log_float = [1e-4, 1e-1] }}
momentum = {{ float = [0, 1], when = {{ optimizer = "sgd" }} }}
batch = {{ log_int = [8, 512], num = 7 }}
layers = {{ int = [1, 8] }}

[search]
algorithm = "{algorithm}"
trials = {points}
constraints = ["batch * layers <= 2048"]

[objective]
log_pattern = 'accuracy=([0-9.]+)'
goal = "maximize"

[budget]
max_trial_hours = 2
max_cost = 1000

[budget.prices]
"modelarts.vm.cpu.2u" = 0.5
"modelarts.vm.gpu.p100" = 3.5
"""
ALGORITHMS = ("random", "quasi-random", "tpe")


async def in_a_session(file: Path, root: Path) -> float:
    """Seconds of a plan in a session that has asked for nothing yet."""
    async with AsyncSession.local(root) as session:
        sweep = await asyncio.to_thread(Sweep.from_file, file)
        began = time.perf_counter()
        await sweep.plan(session)
        return time.perf_counter() - began


def as_a_command(file: Path) -> float:
    """Seconds from the call of the command to its end, with a local platform that it starts itself."""
    command = [sys.executable, "-m", "aiomodelarts.cli", "sweep", "plan", file.name, "--local", "--out", "plan.json"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    began = time.perf_counter()
    subprocess.run(command, cwd=file.parent, stdout=subprocess.DEVNULL, check=True, timeout=120, env=environment)
    return time.perf_counter() - began


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    slowest = 0.0
    for algorithm in ALGORITHMS:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "sweep.toml")
            file.write_text(_SWEEP.format(algorithm=algorithm, points=options.points), encoding="utf-8")
            (file.parent / "train.py").write_text("", encoding="utf-8")
            within = [
                asyncio.run(in_a_session(file, Path(folder, f"root{number}"))) for number in range(options.rounds)
            ]
            whole = [as_a_command(file) for _ in range(options.rounds)]
        slowest = max(slowest, median(whole))
        print(
            f"{options.points:,} points, {algorithm}: {median(within):.2f} s in a session, "
            f"{median(whole):.2f} s as a command (most {max(whole):.2f})"
        )
    print(f"goal {_GOAL_S:g} s: {'met' if slowest <= _GOAL_S else 'MISSED'}")
    return 0 if slowest <= _GOAL_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
