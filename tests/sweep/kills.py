"""Controllers that are killed with SIGKILL at every step, and again while they take up what was left.

``python -m tests.sweep.kills --seeds 3 --store sqlite --store postgres`` goes through the whole matrix.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import field, frozen

from tests.support import postgres
from tests.support.platform import platform_at, set_faults
from tests.sweep import stage

STEPS = {"before reserving", "reserved", "intended", "made", "written as made", "ended", "over"}
# Where every version trains for too long, none ends by itself.
STOPPED_STEPS = STEPS - {"ended"} | {"to be stopped"}
BUDGET = "[budget]\nmax_hours = 100\nmax_trial_hours = 0.0001\n"
# A creation whose answer is lost is looked for, so a kill can fall into that, too.
LOST_ANSWERS = [
    {
        "match": {"method": "POST", "path": "/training-jobs(/[0-9]+/versions)?$"},
        "probability": 0.3,
        "seed": 1,
        "fault": {"kind": "reset_after"},
    }
]


@frozen
class Plan:
    """What a seed means.

    Args:
        trials: of each sweep.
        concurrency: of each controller.
        lost_answers: whether answers to creations are lost.
        overlong: whether all versions train for too long, and are stopped; accounts are kept then.
        second: draws the step at which whoever takes up the sweep is killed as well.
    """

    trials: int
    concurrency: int
    lost_answers: bool
    overlong: bool
    second: random.Random = field(eq=False)

    @classmethod
    def of(cls, seed: int) -> "Plan":
        """The plan of a seed; seed 0 kills once and loses nothing else."""
        chance = random.Random(seed)
        if seed == 0:
            return cls(4, 2, False, False, chance)
        return cls(chance.choice((3, 4, 5)), chance.choice((1, 2, 3)), seed % 2 == 1, seed % 2 == 0, chance)

    @property
    def steps(self) -> set[str]:
        """Every kind of step that its trials take."""
        return STOPPED_STEPS if self.overlong else STEPS

    def controllers(self, step: int, seed: int) -> list[int | None]:
        """The kills of the sweep whose first controller is killed at this step."""
        return [step, None] if seed == 0 else [step, self.second.randrange(8), None]


@frozen
class Verdict:
    """What one seed came to.

    Args:
        steps: how many steps were enumerated.
        kills: how many controllers were killed.
        problems: what was lost, repeated or too many, in words.
    """

    steps: int
    kills: int
    problems: Sequence[str]


async def killed_at_every_step(seed: int, ledger: str, root: Path, *, at_once: int = 6) -> Verdict:
    """Kill at every step in turn, each in a sweep of its own.

    Args:
        seed: see ``Plan``.
        ledger: its address, with NAME for the name of the sweep.
        root: an empty folder for the platform.
        at_once: how many sweeps run at once.
    """
    plan, name = Plan.of(seed), f"kill{seed}-{random.SystemRandom().getrandbits(24):x}"
    told: dict[str, Any] = {"trials": plan.trials, "concurrency": plan.concurrency, "ledger": ledger}
    told["more"] = BUDGET if plan.overlong else ""
    duration = "60" if plan.overlong else "0.02..0.2"
    async with platform_at(root, f"duration={duration},metric=accuracy,seed={seed}") as there:
        whole = await stage.drive(there, [[None]], name=f"{name}-whole", **told)
        steps = whole[f"{name}-whole-0", 0]["steps"]
        if plan.lost_answers:
            await set_faults(there, LOST_ANSWERS)
        sweeps = [plan.controllers(step, seed) for step in range(len(steps))]
        came = await stage.drive(there, sweeps, name=name, at_once=at_once, **told)
        made = await stage.made(there)
    problems = [] if set(steps) == plan.steps else [f"the steps are {sorted(set(steps))}"]
    for step, controllers in enumerate(sweeps):
        one = f"{name}-{step}"
        problems += [f"step {step} ({steps[step]}): {what}" for what in _problems(one, controllers, came, made, plan)]
    return Verdict(len(steps), sum(one is None for one in came.values()), problems)


def _problems(
    name: str, controllers: Sequence[int | None], came: stage.Came, made: Mapping[str, list[stage.Row]], plan: Plan
) -> list[str]:
    problems = [] if came[name, 0] is None else ["the first controller was not killed"]
    last = came[name, len(controllers) - 1]
    if last is None or last["error"] is not None:
        return [*problems, f"the last controller ended with {last and last['message']}"]
    states = [(number, state, attempt) for number, state, _, attempt, _ in last["trials"]]
    end = "failed" if plan.overlong else "succeeded"
    if states != [(number, end, 1) for number in range(1, plan.trials + 1)]:
        problems.append(f"the trials are {states}")
    rows = made.get(f"job-{name}", [])
    if [row.output_path for row in rows] != stage.expected(name, plan.trials):
        problems.append(f"the versions are {[row.output_path for row in rows]}")
    if plan.overlong and (last["failures"] != ["overtime"] or {row.status for row in rows} != {"KILLED"}):
        problems.append(f"the failures are {last['failures']}, the versions {[row.status for row in rows]}")
    if plan.overlong and not _is_settled(last["account"], rows):
        problems.append(f"the account is {last['account']}, and the versions took {[row.took_ms for row in rows]} ms")
    return problems


def _is_settled(account: Sequence[int], rows: Sequence[stage.Row]) -> bool:
    """Whether nothing is held, and everything that versions took was charged once, each rounded up."""
    held_ms, spent_ms = account
    took_ms = sum(row.took_ms for row in rows)
    return held_ms == 0 and took_ms <= spent_ms <= took_ms + len(rows)


def main() -> int:
    """Go through the matrix; 1 when anything was lost, repeated or too many."""
    parser = argparse.ArgumentParser(prog="python -m tests.sweep.kills", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--seed", type=int, help="this one alone; odd ones lose answers, even ones stop all versions")
    parser.add_argument("--store", choices=("sqlite", "postgres"), action="append", help="both unless said")
    options = parser.parse_args()
    seeds = range(options.seeds) if options.seed is None else [options.seed]
    failed = False
    with ExitStack() as stack:
        for store in options.store or ("sqlite", "postgres"):
            if store == "sqlite":
                ledger = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory(prefix='ledgers'))}/NAME.sqlite"
            else:
                ledger = stack.enter_context(postgres.server())
            for seed in seeds:
                began = time.perf_counter()
                root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="platform")))
                verdict = asyncio.run(killed_at_every_step(seed, ledger, root))
                took = time.perf_counter() - began
                print(f"{store} seed {seed}: {verdict.steps} steps, {verdict.kills} kills, {took:.1f} s", flush=True)
                for problem in verdict.problems:
                    print(f"  ! {problem}", flush=True)
                failed = failed or bool(verdict.problems)
    print("FAILED" if failed else "0 trials lost, 0 repeated, exactly N versions everywhere")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
