"""Ends a sweep from outside: asks the controllers that drive it, and stops what they have left running."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from attrs import frozen

from .. import _presence as presence
from .._clock import Clock
from ..session import AsyncSession
from .description.config import SweepConfig
from .engine.brake import Brake
from .engine.engine import LEASE_S, Engine, Listener
from .engine.halts import Running
from .engine.silence import Silence
from .files import OutputFiles
from .ledger.records import Lease
from .running import job_name
from .trial import Trial, TrialState
from .versions import EstimatorVersions

if TYPE_CHECKING:
    from .ledger.ledger import Ledger

_LOOK_S = 0.5


@frozen
class Stopped:
    """What is left of a sweep that was asked to end.

    Args:
        controllers: how many were driving it, and were asked.
        silent: how many of these gave no answer for so long that they are taken for dead.
        trials: all that were begun, by number, as the ledger has them now.
    """

    controllers: int
    silent: int
    trials: tuple[Trial, ...]

    @property
    def going(self) -> tuple[Trial, ...]:
        """The trials whose versions may be running."""
        return tuple(trial for trial in self.trials if trial.state in {TrialState.CREATING, TrialState.RUNNING})


class Stopping:
    """Asks controllers to end, and waits until they have.

    Args:
        ledger: of the sweep, to be read.
        clock: measures silence.
        told: is told how many have not ended yet.
    """

    def __init__(self, ledger: "Ledger", clock: Clock, told: Callable[[int], Awaitable[None]]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._told = told
        self._silence = Silence(LEASE_S)
        self.asked = 0
        self.dead: list[Lease] = []

    async def ask(self, running: Running) -> None:
        """Ask all controllers that drive the sweep now, and return."""
        self.asked = await self._ledger.ask_to_stop(running.value)

    async def until_gone(self) -> None:
        """Return when each of them has ended, or is taken for dead."""
        upto = (await self._ledger.refresh()).stop_upto or 0
        while True:
            now = self._clock.monotonic()
            leases = [lease for lease in await self._ledger.leases() if lease.token <= upto]
            gone = await asyncio.to_thread(_gone, leases)
            self.dead = [lease for lease in leases if lease in gone or self._silence.is_over(lease, now)]
            left = len(leases) - len(self.dead)
            await self._told(left)
            if not left:
                return
            await self._clock.sleep(_LOOK_S)


def _gone(leases: list[Lease]) -> list[Lease]:
    return [lease for lease in leases if presence.is_gone(lease.place, lease.process)]


async def stop_what_runs(
    config: SweepConfig,
    session: AsyncSession,
    files: OutputFiles | None,
    listener: Listener,
    ledger: "Ledger",
    dead: list[Lease],
) -> None:
    """Stop the versions that nobody sees to any more, and write down what became of their trials.

    Args:
        config: the sweep.
        session: asks the platform.
        files: reads what versions have written that ended meanwhile.
        listener: is told of every step.
        ledger: of the sweep, to be read.
        dead: the leases of controllers that are taken for dead.
    """
    brake = Brake(session.seams.clock)
    brake.ask(Running.STOP)
    versions = EstimatorVersions(config, session, job_name(config, session))
    await Engine(config, versions, files, listener, session.seams.clock, ledger, brake=brake).run(dead)
