"""Controllers as processes of their own, for tests that kill or pause them.

Run as a script with one JSON argument: the sweep file, the ledger, and for each controller the step at which it kills
itself with SIGKILL, or null; a step below zero, counted from -1, pauses it until the others are over. Controllers run
one after the other, or ``together``. One JSON line tells of each.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from attrs import evolve

from aiomodelarts import AsyncSession
from aiomodelarts._clock import SystemClock
from aiomodelarts._create.policy import SettlePolicy
from aiomodelarts.errors import ModelArtsError
from aiomodelarts.sweep.config import SweepConfig, load
from aiomodelarts.sweep.definition import settings_of
from aiomodelarts.sweep.engine import Engine, SweepEvent
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition
from aiomodelarts.sweep.versions import EstimatorVersions

SETTLE = SettlePolicy(quiet_window_s=0.3, late_watch_s=1.0, grace_s=0.5)


class Suicide:
    """Ends its process in the hardest way at the step of this number, counted from 0; below that, pauses it."""

    def __init__(self, at: int | None) -> None:
        self._at = at
        self.passed: list[str] = []

    def __call__(self, step: str) -> None:
        if len(self.passed) == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._at is not None and len(self.passed) == -1 - self._at:
            os.kill(os.getpid(), signal.SIGSTOP)
        self.passed.append(step)


async def control(config: SweepConfig, ledger_address: str, kill_at: int | None, lease_s: float) -> dict[str, Any]:
    """Run one controller, and tell what came of it."""
    suicide = Suicide(kill_at)
    resumed: list[Any] = []

    async def listen(event: SweepEvent) -> None:
        if event.trial is None:
            resumed.append(event.resumed and (event.resumed.done, event.resumed.reattached, event.resumed.to_go))

    definition = Definition(config.name, settings_of(config))
    async with AsyncSession(settle=SETTLE) as session:
        async with Ledger.open(ledger_address, definition, SystemClock()) as ledger:
            versions = EstimatorVersions(config, session, f"job-{config.name}")
            engine = Engine(config, versions, None, listen, SystemClock(), ledger, lease_s=lease_s, passed=suicide)
            try:
                await engine.run()
                error = None
            except ModelArtsError as raised:
                error = type(raised).__name__
        return {
            "error": error,
            "steps": suicide.passed,
            "resumed": resumed,
            "trials": [
                [trial.number, trial.state.value, trial.version_id, trial.attempt, trial.reason]
                for trial in engine.result.trials
            ],
        }


def fork(config: SweepConfig, ledger_address: str, kill_at: int | None, lease_s: float) -> int:
    """Start a controller as a process that shares what is imported already; its id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    try:
        told = asyncio.run(control(config, ledger_address, kill_at, lease_s))
        os.write(1, (json.dumps(told) + "\n").encode())
    except BaseException as error:  # noqa: BLE001  (a child that was forked has nobody above it)
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)
    os._exit(0)


def paused_at(config: SweepConfig, ledger_address: str, kill_at: int, lease_s: float) -> int:
    """Start a controller that pauses itself, and wait until it has; its id."""
    child = fork(config, ledger_address, kill_at, lease_s)
    _, status = os.waitpid(child, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        raise SystemExit(f"the controller ended before its step {kill_at}")
    return child


def main() -> None:
    told = json.loads(sys.argv[1])
    for number, controllers in enumerate(told["sweeps"]):
        config = load(Path(told["file"]))
        name = f"{config.name}-{number}"
        config = evolve(config, name=name, concurrency=told.get("concurrency", 2))
        address = told["ledger"].replace("NAME", name)
        lease_s = told.get("lease_s", 30.0)
        if told.get("together"):
            paused = [paused_at(config, address, at, lease_s) for at in controllers if at is not None and at < 0]
            others = [fork(config, address, at, lease_s) for at in controllers if at is None or at >= 0]
            for child in others:
                os.waitpid(child, 0)
            for child in paused:
                os.kill(child, signal.SIGCONT)
                os.waitpid(child, 0)
        else:
            for kill_at in controllers:
                _, status = os.waitpid(fork(config, address, kill_at, lease_s), 0)
                if os.WIFSIGNALED(status):
                    os.write(1, b'{"killed": true}\n')


if __name__ == "__main__":
    main()
