"""Single steps of the engine, each by itself."""

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from attrs import evolve

from aiomodelarts._clock import SystemClock
from aiomodelarts.errors import NoCapacity
from aiomodelarts.sweep.engine.brake import Brake
from aiomodelarts.sweep.engine.halts import Running, StoppedAsAsked
from aiomodelarts.sweep.engine.keeper import Keeper
from aiomodelarts.sweep.engine.making import Making
from aiomodelarts.sweep.engine.shortage import Shortage
from aiomodelarts.sweep.engine.standing import Standing
from aiomodelarts.sweep.ledger.records import Held
from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.trial import Trial, TrialState

TRIAL = Trial(1, {}, "/bucket/out/0001/")


class Noted(SystemClock):
    """Sleeps no time, and notes for how long it should have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("state", "version_id", "again"),
    [
        (TrialState.REFUSED, None, TrialState.RESERVED),
        (TrialState.UNCLEAR, None, TrialState.CREATING),
        # Its version is there, whatever it was that could not be found out.
        (TrialState.UNCLEAR, 101, TrialState.RUNNING),
    ],
)
async def test_what_an_earlier_run_did_not_come_to_an_end_with_is_opened_where_it_stands(
    state: TrialState, version_id: int | None, again: TrialState
) -> None:
    async def move(trial: Trial, why: str, **changes: Any) -> Trial:
        return evolve(trial, **changes)

    making = Making(*[mock.Mock()] * 3, SimpleNamespace(move=move), *[mock.Mock()] * 2, 30.0)  # type: ignore[arg-type]
    held = Held(evolve(TRIAL, state=state, version_id=version_id, reason="no answer"), {"stamp": None})
    opened = await making.reopen(held)
    assert opened == Held(evolve(TRIAL, state=again, version_id=version_id), {"stamp": None})
    assert await making.reopen(opened) is opened


def test_what_was_stopped_early_has_not_failed() -> None:
    ended = [evolve(TRIAL, number=number, state=state) for number, state in enumerate(TrialState, start=1)]
    progress = Standing(Goal.MAXIMIZE, 9, ended).progress(1.0)
    # Succeeded ones have a value, which these have not.
    assert (progress.done, progress.running, progress.failed) == (6, 3, 5)


async def test_after_one_that_was_accepted_nobody_waits_for_room_any_more() -> None:
    clock, told = Noted(), []

    async def tell(what: str | None) -> None:
        told.append(what)

    shortage = Shortage(Brake(clock), Random(0), tell)
    async with shortage.turn() as turn:
        await shortage.refused(turn, NoCapacity("no room", status=500))
    async with shortage.turn():
        assert len(clock.slept) == 1
    await shortage.accepted()
    async with shortage.turn():
        assert len(clock.slept) == 1
    assert told[-1] is None


@pytest.mark.parametrize(("token", "hears"), [(2, True), (3, True), (4, False)])
async def test_whoever_came_after_the_question_does_not_stop(token: int, hears: bool) -> None:
    clock = Noted()
    record = SimpleNamespace(stop_upto=3, stop_how="stop")
    ledger: Any = SimpleNamespace(token=token, refresh=mock.AsyncMock(return_value=record))
    brake = Brake(clock)
    listening = asyncio.create_task(Keeper(ledger, clock, 30.0, brake, None, mock.AsyncMock()).listen())
    for _ in range(20):
        await asyncio.sleep(0)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert len(clock.slept) >= 1
    assert isinstance(brake.halt, StoppedAsAsked) is hears
    assert not hears or brake.halt.running is Running.STOP  # type: ignore[union-attr]
