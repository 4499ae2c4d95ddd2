"""``python -m tests.simulate.sweeps --seeds 10000`` counts, or shows what failed; ``--seed N --trace`` replays one."""

import argparse
import sys
import time
from collections import Counter

from tests.simulate.sweeps.judge import add
from tests.simulate.sweeps.run import Run, simulate

_TOLD_EVERY = 250


def main() -> int:
    """Run the seeds; 1 when one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulate.sweeps", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--trace", action="store_true", help="show who sent what when, and what was answered")
    parser.add_argument("--failures", type=int, default=5, help="stop after so many")
    options = parser.parse_args()
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    counts: Counter[str] = Counter()
    began, failed = time.perf_counter(), 0
    for seed in seeds:
        run = simulate(seed, muted=not options.trace)
        add(counts, run)
        failed += bool(run.violations)
        if run.violations or options.trace:
            _show(run, trace=options.trace)
        if failed >= options.failures:
            break
        if counts["sweeps"] % _TOLD_EVERY == 0:
            took = time.perf_counter() - began
            print(f"up to seed {seed}: {failed} failed, {took:.0f} s", file=sys.stderr, flush=True)
    for name, number in sorted(counts.items()):
        print(f"{number:>10,} {name}")
    print(f"{time.perf_counter() - began:>10.1f} seconds")
    return 1 if failed else 0


def _show(run: Run, *, trace: bool) -> None:
    told = "FAILED" if run.violations else "ok"
    print(f"seed {run.plan.seed}: {told}; replay: --seed {run.plan.seed} --trace", flush=True)
    if trace:
        print(f"  {run.plan}")
        for blow in run.plan.blows:
            print(f"  {blow}")
        for event in run.events:
            print(f"  {event}")
    for violation in run.violations:
        print(f"  ! {violation}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
