"""Several controllers on one sweep, killed with SIGKILL and paused past their leases at random moments.

``python -m tests.sweep.controllers --controllers 8 --trials 1000 --seed 1`` does it once, on PostgreSQL.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import field, frozen

from tests.support import postgres
from tests.support.platform import platform_at
from tests.sweep import stage

# Many processes share one machine here, so a creation may land late.
_QUIET_S = 2.0


@frozen
class Verdict:
    """What one sweep came to.

    Args:
        told: how often what was done to controllers.
        ended: how controllers ended, in numbers.
        versions: how many the platform has.
        problems: what was lost, repeated or too many, in words.
    """

    told: Mapping[str, int]
    ended: Mapping[str, int]
    versions: int
    problems: Sequence[str] = field(factory=tuple)


async def driven(controllers: int, trials: int, seed: int, ledger: str, root: Path, lease_s: float = 2.0) -> Verdict:
    """One sweep by so many controllers, none of which is safe.

    Args:
        controllers: how many there are at any moment.
        trials: of the sweep.
        seed: of the kills and pauses.
        ledger: its address, with NAME for the name of the sweep.
        root: an empty folder.
        lease_s: how long a controller may be silent.
    """
    name = f"many{controllers}-{random.SystemRandom().getrandbits(24):x}"
    folder = root / "told"
    await asyncio.to_thread(folder.mkdir)
    async with platform_at(root / "platform", f"duration=0.05..0.5,metric=accuracy,seed={seed}") as there:
        told: dict[str, Any] = {"concurrency": max(4, 16 // controllers), "lease_s": lease_s, "chaos": seed}
        told["quiet_s"] = _QUIET_S
        await stage.carry_out(there, folder, [[None] * controllers], name=name, trials=trials, ledger=ledger, **told)
        rows = (await stage.made(there))[f"job-{name}-0"]
    came = await asyncio.to_thread(_read, folder / "left")
    return _verdict(f"{name}-0", trials, came, rows)


def _read(folder: Path) -> dict[str, Any]:
    return {file.name.rpartition(" ")[2]: json.loads(file.read_text()) for file in folder.iterdir()}


def _verdict(name: str, trials: int, came: Mapping[str, Any], rows: Sequence[stage.Row]) -> Verdict:
    told = came["chaos"]
    ended = [one for number, one in came.items() if number != "chaos"]
    problems = [f"a controller ended with {one['message']}" for one in ended if one["error"] not in (None, "Fenced")]
    whole = [one["trials"] for one in ended if one["error"] is None]
    states = Counter(state for trials in whole for _, state, *_ in trials)
    if not whole or set(states) != {"succeeded"} or any(len(one) != trials for one in whole):
        problems.append(f"the trials are {dict(states)}")
    if [row.output_path for row in rows] != stage.expected(name, trials):
        counts = Counter(row.output_path for row in rows)
        odd = [
            row for row in rows if counts[row.output_path] > 1 or row.output_path not in stage.expected(name, trials)
        ]
        problems.append(f"{len(rows)} versions for {trials} trials: {odd}")
    for _, of_trial in itertools.groupby(rows, key=lambda row: row.output_path):
        for one, other in itertools.pairwise(sorted(of_trial, key=lambda row: row.began_ms)):
            if one.overlaps(other):
                problems.append(f"{one} and {other} were there at once")
    return Verdict(told, Counter(one["error"] or "well" for one in ended), len(rows), problems)


def main() -> int:
    """Drive a sweep; 1 when anything was lost, repeated or too many."""
    parser = argparse.ArgumentParser(prog="python -m tests.sweep.controllers", description=__doc__)
    parser.add_argument("--controllers", type=int, action="append", help="how many; 1, 2, 4 and 8 in turn unless said")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lease", type=float, default=2.0, help="seconds that a controller may be silent")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="postgres")
    options = parser.parse_args()
    failed = False
    with ExitStack() as stack:
        if options.store == "postgres":
            ledger = stack.enter_context(postgres.server())
        else:
            ledger = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory(prefix='ledgers'))}/NAME.sqlite"
        for controllers in options.controllers or (1, 2, 4, 8):
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="platform")))
            began = time.perf_counter()
            verdict = asyncio.run(driven(controllers, options.trials, options.seed, ledger, root, options.lease))
            took = time.perf_counter() - began
            done = ", ".join(f"{count} {what}" for what, count in verdict.told.items())
            ended = ", ".join(f"{count} {how}" for how, count in verdict.ended.items())
            print(
                f"{controllers} controllers: {options.trials} trials, {verdict.versions} versions, {took:.1f} s; {done}"
            )
            print(f"  ended: {ended}", flush=True)
            for problem in verdict.problems:
                print(f"  ! {problem}", flush=True)
            failed = failed or bool(verdict.problems)
    print("FAILED" if failed else "exactly one version for each trial")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
