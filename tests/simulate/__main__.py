"""``python -m tests.simulate --seeds 10000`` counts, or shows what failed; ``--seed N --trace`` replays one seed."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.simulate import judge, run
from tests.simulate.stage import Staged
from tests.simulate.watching import run as watching

_KINDS: dict[str, tuple[Callable[..., Any], Callable[..., None]]] = {
    "creating": (run.simulate, judge.add),
    "watching": (watching.simulate, watching.add),
}


def main() -> int:
    """Run the seeds; 1 when one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    parser.add_argument("--kind", choices=_KINDS, default="creating", help="creates, or waits with logs and events")
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--trace", action="store_true", help="show who sent what when, and what was answered")
    parser.add_argument("--failures", type=int, default=5, help="stop after so many")
    options = parser.parse_args()
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    simulate, add = _KINDS[options.kind]
    counts: Counter[str] = Counter()
    began, failed = time.perf_counter(), 0
    for seed in seeds:
        done = simulate(seed, muted=not options.trace)
        add(counts, done)
        if done.violations:
            failed += 1
        if done.violations and failed == 1:
            done = simulate(seed, muted=False)
        if done.violations or options.trace:
            _show(done, options.kind, trace=options.trace or failed == 1)
        if failed >= options.failures:
            break
    for name, number in sorted(counts.items()):
        print(f"{number:>10,} {name}")
    print(f"{time.perf_counter() - began:>10.1f} seconds")
    return 1 if failed else 0


def _show(run: Staged, kind: str, *, trace: bool) -> None:
    replay = f"--kind {kind} --seed {run.plan.seed} --trace"
    print(f"seed {run.plan.seed}: {'FAILED' if run.violations else 'ok'}; replay: {replay}")
    if trace:
        print(f"  {run.plan}")
        for event in run.events:
            print(f"  {event}")
    for violation in run.violations:
        print(f"  ! {violation}")


if __name__ == "__main__":
    sys.exit(main())
