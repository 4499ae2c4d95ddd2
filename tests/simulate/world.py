"""The platform's own core at the far side of a line, in virtual time."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aiomodelarts.local.board import Board, Version
from aiomodelarts.local.core import Core
from aiomodelarts.local.gatekeeper import Gatekeeper
from aiomodelarts.local.ports import Change, Ports
from aiomodelarts.local.simulated import SimulatedExecutor, SimulatedLogs, Simulation
from aiomodelarts.local.storage import Nowhere
from aiomodelarts.local.varied import style_of
from tests.simulate.line import KEYS, FarSide, Trace, WallClock


class _Journal:
    """Takes a moment to make a creation durable, so that those that arrive together change places."""

    def __init__(self, chance: random.Random, record_s: float) -> None:
        self._chance, self._record_s = chance, record_s

    async def write(self, changes: Sequence[Change]) -> None:
        if self._record_s:
            await asyncio.sleep(self._chance.uniform(0, self._record_s))

    def note(self, changes: Sequence[Change]) -> None:
        return


class World(FarSide):
    """The platform of one run.

    Args:
        plan: its faults and limits.
        trace: is told what is sent and answered.
        metric: what versions tell in their log; None for no log.
        lines: of such a log.
        slots: how many workers run at once; None for no limit.
    """

    def __init__(
        self, plan: Any, trace: Trace, metric: str | None = None, *, lines: int = 1, slots: int | None = None
    ) -> None:
        clock = WallClock()
        chance = random.Random(plan.seed + 1)
        shortest_s, longest_s = plan.duration_s
        lines = 0 if metric is None else lines
        simulation = Simulation(shortest_s=shortest_s, longest_s=longest_s, metric=metric, log_lines=lines)
        self.simulation = simulation
        executor = SimulatedExecutor(simulation, clock.monotonic, self._later, self._ended)
        logs = SimulatedLogs(simulation, clock.now, lambda: True)
        ports = Ports(_Journal(chance, plan.record_s), executor, logs, Nowhere(), clock.now, self._later)
        style = style_of(f"varied:{plan.seed}" if plan.varied else "tidy")
        core = Core(KEYS, ports, style=style, gatekeeper=Gatekeeper(KEYS, 700.0), slots=slots)
        super().__init__(plan, trace, clock, core)

    @property
    def board(self) -> Board:
        """What there really is."""
        return self.core.board

    def versions(self) -> Iterator[Version]:
        """All that was ever accepted; nothing is deleted here."""
        return self.board.versions()

    def _ended(self, version_id: int, ending: Any) -> None:
        self.core.ended(version_id, ending)

    @staticmethod
    def _later(delay_s: float, callback: Callable[[], None]) -> object:
        return asyncio.get_running_loop().call_later(delay_s, callback)
