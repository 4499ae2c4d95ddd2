"""``python -m tests.simulate --seeds 10000`` counts, or shows what failed; ``--seed N --trace`` replays one seed."""

import argparse
import sys
import time
from collections import Counter

from tests.simulate.judge import add
from tests.simulate.run import Run, simulate


def main() -> int:
    """Run the seeds; 1 when one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--trace", action="store_true", help="show who sent what when, and what was answered")
    parser.add_argument("--failures", type=int, default=5, help="stop after so many")
    options = parser.parse_args()
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    counts: Counter[str] = Counter()
    began, failed = time.perf_counter(), 0
    for seed in seeds:
        run = simulate(seed)
        add(counts, run)
        if run.violations:
            failed += 1
        if run.violations or options.trace:
            _show(run, trace=options.trace or failed == 1)
        if failed >= options.failures:
            break
    for name, number in sorted(counts.items()):
        print(f"{number:>10,} {name}")
    print(f"{time.perf_counter() - began:>10.1f} seconds")
    return 1 if failed else 0


def _show(run: Run, *, trace: bool) -> None:
    print(f"seed {run.plan.seed}: {'FAILED' if run.violations else 'ok'}; replay: --seed {run.plan.seed} --trace")
    if trace:
        print(f"  {run.plan}")
        for event in run.events:
            print(f"  {event}")
    for violation in run.violations:
        print(f"  ! {violation}")


if __name__ == "__main__":
    sys.exit(main())
