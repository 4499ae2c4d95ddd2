"""Waiting for controllers to end that were asked to: on this machine and on others, on either store."""

import asyncio
from pathlib import Path

import pytest
from attrs import define, field

from aiomodelarts._presence import place, process
from aiomodelarts.sweep import Running, StoppedAsAsked, TrialState
from aiomodelarts.sweep.ledger.records import Lease, SweepRecord
from aiomodelarts.sweep.stopping import Stopping
from tests.support.clocks import HandClock

from .test_python import on_a_platform, sweep_of, until_running


@define
class Board:
    """The leases of a ledger, each with the seconds between its beats and the moment when it ends."""

    clock: HandClock
    controllers: dict[int, tuple[float, float]] = field(factory=dict)
    asked: str | None = None

    async def ask_to_stop(self, how: str) -> int:
        self.asked = how
        return len(await self.leases())

    async def refresh(self) -> SweepRecord:
        return SweepRecord(1, "mine", {}, None, None, 0, 0, stop_upto=7, stop_how=self.asked)

    async def leases(self) -> list[Lease]:
        now = self.clock.now()
        return [
            Lease(token, "another machine", f"{token} 1", int(now / every) if every else 0)
            for token, (every, until) in self.controllers.items()
            if now < until
        ]


async def ended(board: Board, clock: HandClock) -> tuple[Stopping, list[int]]:
    told: list[int] = []

    async def hear(left: int) -> None:
        told.append(left)

    stopping = Stopping(board, clock, hear)  # type: ignore[arg-type]
    await stopping.ask(Running.STOP)
    await asyncio.wait_for(stopping.until_gone(), 5)
    return stopping, told


async def test_controllers_elsewhere_are_waited_for_as_long_as_they_beat() -> None:
    clock = HandClock()
    stopping, told = await ended(Board(clock, {1: (10, 300), 2: (10, 4)}), clock)
    assert (stopping.asked, stopping.dead) == (2, [])
    assert (told[0], told[-1]) == (2, 0)
    assert clock.now() == pytest.approx(300)


async def test_one_that_does_not_beat_is_taken_for_dead_after_its_lease() -> None:
    clock = HandClock()
    stopping, _ = await ended(Board(clock, {1: (0, 1e9), 2: (10, 5)}), clock)
    assert [lease.token for lease in stopping.dead] == [1]
    assert clock.now() == pytest.approx(30)


async def test_one_that_came_after_the_asking_is_not_waited_for() -> None:
    clock = HandClock()
    stopping, told = await ended(Board(clock, {8: (10, 1e9)}), clock)
    assert (told, stopping.dead, clock.now()) == ([0], [], 0)


async def test_one_of_this_machine_whose_process_is_gone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = HandClock()
    board = Board(clock, {1: (10, 1e9)})
    here, mine = await asyncio.to_thread(lambda: (place(), process()))
    # The same number, begun at another time.
    lease = Lease(1, here, f"{mine.partition(' ')[0]} 0")

    async def leases() -> list[Lease]:
        return [lease]

    monkeypatch.setattr(Board, "leases", lambda self: leases())
    stopping, told = await ended(board, clock)
    assert (told, stopping.dead) == ([0], [lease])


async def test_two_controllers_on_postgresql_are_stopped_at_once(postgres: str, tmp_path: Path) -> None:
    async with on_a_platform(tmp_path / "platform", "duration=60") as session:
        one, two, third = (
            sweep_of(session, tmp_path / name, trials=9, concurrency=2, ledger=postgres) for name in "abc"
        )
        runs = [asyncio.create_task(one.run()), asyncio.create_task(two.run())]
        await until_running(third, 4)
        found = await third.stop("stop")
        results = await asyncio.wait_for(asyncio.gather(*runs), 10)
    assert (found.controllers, found.silent, found.going) == (2, 0, ())
    assert [trial.state for trial in found.trials] == [TrialState.RESERVED] * 4
    assert all(isinstance(result.stopped_by, StoppedAsAsked) for result in results)
