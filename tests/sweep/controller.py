"""Controllers as processes of their own, for tests that kill or pause them.

Run as a script with one JSON argument, see ``Told``; what each controller came to is left in a file of its own.
"""

import asyncio
import json
import logging
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from aiomodelarts import AsyncSession
from aiomodelarts._clock import SystemClock
from aiomodelarts._create.policy import SettlePolicy
from aiomodelarts.errors import ModelArtsError
from aiomodelarts.sweep.description.config import SweepConfig, load
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.engine.engine import Engine, SweepEvent
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition
from aiomodelarts.sweep.versions import EstimatorVersions

# How often something is done to a controller; one lives for longer than it takes to begin.
_PER_S = 1.5


@frozen(kw_only=True)
class Told:
    """What to do.

    Args:
        file: the sweep file.
        ledger: its address, with NAME for the name of the sweep.
        sweeps: for each sweep its controllers: for each of them the step at which it kills itself with SIGKILL, or
            None; a step below zero, counted from -1, pauses it until the others are over.
        left: the folder for what controllers came to, a file for each, named by sweep and controller.
        together: whether the controllers of a sweep run at once, or one after the other.
        at_once: how many sweeps run at once.
        concurrency: of a controller.
        lease_s: how long a controller may be silent.
        quiet_s: how long a version that may have been made is looked for; a machine that is slower makes twins.
        chaos: the seed of random kills and pauses for controllers that run ``together``; None lets them be.
    """

    file: str
    ledger: str
    left: str
    sweeps: list[list[int | None]]
    together: bool = False
    at_once: int = 1
    concurrency: int = 2
    lease_s: float = 30.0
    quiet_s: float = 0.3
    chaos: int | None = None


@frozen
class Place:
    """One sweep, as its controllers share it."""

    config: SweepConfig
    ledger: str
    left: Path
    lease_s: float
    settle: SettlePolicy


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


async def control(place: Place, kill_at: int | None) -> dict[str, Any]:
    """Run one controller, and tell what came of it."""
    suicide = Suicide(kill_at)
    resumed: list[Any] = []

    async def listen(event: SweepEvent) -> None:
        if event.trial is None:
            resumed.append(event.resumed and (event.resumed.done, event.resumed.reattached, event.resumed.to_go))

    config, clock = place.config, SystemClock()
    definition = Definition(config.name, settings_of(config))
    async with AsyncSession(settle=place.settle) as session:
        async with Ledger.open(place.ledger, definition, clock) as ledger:
            versions = EstimatorVersions(config, session, f"job-{config.name}")
            engine = Engine(config, versions, None, listen, clock, ledger, lease_s=place.lease_s, passed=suicide)
            error = message = None
            try:
                await engine.run()
            except ModelArtsError as raised:
                error, message = type(raised).__name__, str(raised)
        account = engine.result.account
        return {
            "account": None if account is None else [account.held.ms, account.spent.ms],
            "failures": sorted({trial.failure for trial in engine.result.trials if trial.failure is not None}),
            "error": error,
            "message": message,
            "steps": suicide.passed,
            "resumed": resumed,
            "trials": [
                [trial.number, trial.state.value, trial.version_id, trial.attempt, trial.reason]
                for trial in engine.result.trials
            ],
        }


def fork(place: Place, number: int, kill_at: int | None) -> int:
    """Start a controller as a process that shares what is imported already; its id."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    try:
        told = asyncio.run(control(place, kill_at))
        Path(place.left, f"{place.config.name} {number}").write_text(json.dumps(told))
    except BaseException as error:  # noqa: BLE001  (a child that was forked has nobody above it)
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)
    os._exit(0)


def paused_at(place: Place, number: int, kill_at: int) -> int:
    """Start a controller that pauses itself, and wait until it has; its id."""
    child = fork(place, number, kill_at)
    _, status = os.waitpid(child, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        raise SystemExit(f"the controller ended before its step {kill_at}")
    return child


def one_after_the_other(place: Place, controllers: list[int | None]) -> None:
    """Every controller begins when the one before it is gone."""
    for number, kill_at in enumerate(controllers):
        os.waitpid(fork(place, number, kill_at), 0)


def together(place: Place, controllers: list[int | None]) -> None:
    """All at once; those that pause themselves go on when the others are over."""
    pauses = {number: at for number, at in enumerate(controllers) if at is not None and at < 0}
    paused = [paused_at(place, number, at) for number, at in pauses.items()]
    others = [fork(place, number, at) for number, at in enumerate(controllers) if number not in pauses]
    for child in others:
        os.waitpid(child, 0)
    for child in paused:
        os.kill(child, signal.SIGCONT)
        os.waitpid(child, 0)


class Chaos:
    """Controllers that are killed and paused at random moments until the sweep is over; each that goes is replaced.

    Args:
        place: the sweep.
        controllers: how many there are at any moment.
        seed: draws what happens; when it happens depends on the machine.
    """

    def __init__(self, place: Place, controllers: int, seed: int) -> None:
        self._place = place
        self._chance = random.Random(seed)
        self._running: dict[int, int] = {}
        self._paused: dict[int, float] = {}
        self._begun = 0
        self._over = False
        self.told = {"kills": 0, "pauses": 0, "pauses past the lease": 0}
        for _ in range(controllers):
            self._begin()

    def run(self) -> None:
        """Return when every controller is gone, and leave beside what they came to how often what was done."""
        while not self._over:
            time.sleep(self._chance.expovariate(_PER_S))
            # One that goes on after a pause is left alone until the next time: it has to find out that it was paused.
            woken = self._go_on()
            self._reap()
            self._act(woken)
        for child in self._paused:
            os.kill(child, signal.SIGCONT)
        for child in self._running:
            os.waitpid(child, 0)
        Path(self._place.left, f"{self._place.config.name} chaos").write_text(json.dumps(self.told))

    def _begin(self) -> None:
        self._running[fork(self._place, self._begun, None)] = self._begun
        self._begun += 1

    def _reap(self) -> None:
        for child in list(self._running):
            if os.waitpid(child, os.WNOHANG) != (0, 0):
                self._gone(child)

    def _gone(self, child: int) -> None:
        """The process is no more: the sweep is over, or, where it was killed or fenced, another one takes its place."""
        self._paused.pop(child, None)
        came = Path(self._place.left, f"{self._place.config.name} {self._running.pop(child)}")
        if came.exists() and json.loads(came.read_text())["error"] != "Fenced":
            self._over = True
        else:
            self._begin()

    def _go_on(self) -> set[int]:
        now = time.monotonic()
        woken = {child for child, until in self._paused.items() if now >= until}
        for child in woken:
            del self._paused[child]
            os.kill(child, signal.SIGCONT)
        return woken

    def _act(self, woken: set[int]) -> None:
        awake = [child for child in self._running if child not in self._paused and child not in woken]
        if self._over or not awake:
            return
        child = self._chance.choice(awake)
        if self._chance.random() < 0.5:
            self.told["kills"] += 1
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            self._gone(child)
        else:
            lease_s = self._place.lease_s
            pause_s = self._chance.uniform(0.1, 3.0) * lease_s
            self.told["pauses"] += 1
            self.told["pauses past the lease"] += pause_s > lease_s
            self._paused[child] = time.monotonic() + pause_s
            os.kill(child, signal.SIGSTOP)


def carry_out(told: Told, place: Place, controllers: list[int | None]) -> None:
    """Drive one sweep."""
    if told.chaos is not None:
        Chaos(place, len(controllers), told.chaos).run()
    else:
        (together if told.together else one_after_the_other)(place, controllers)


def main() -> None:
    told = Told(**json.loads(sys.argv[1]))
    # What is on stderr in the end is an error; warnings are no news here.
    logging.getLogger("aiomodelarts").addHandler(logging.NullHandler())
    config = evolve(load(Path(told.file)), concurrency=told.concurrency)
    waiting = list(enumerate(told.sweeps))
    lanes: set[int] = set()
    while waiting or lanes:
        while waiting and len(lanes) < told.at_once:
            number, controllers = waiting.pop(0)
            named = evolve(config, name=f"{config.name}-{number}")
            settle = SettlePolicy(quiet_window_s=told.quiet_s, late_watch_s=3 * told.quiet_s, grace_s=0.5)
            place = Place(named, told.ledger.replace("NAME", named.name), Path(told.left), told.lease_s, settle)
            lane = os.fork()
            if not lane:
                carry_out(told, place, controllers)
                os._exit(0)
            lanes.add(lane)
        lanes.discard(os.wait()[0])


if __name__ == "__main__":
    main()
