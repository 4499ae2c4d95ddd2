"""Versions that no trial knows: they land after the controller that asked for them has died, and are stopped."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, evolve, field

from aiomodelarts._clock import SystemClock
from aiomodelarts.errors import ConnectionBroken, TrainingFailed
from aiomodelarts.status import JobStatus
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.engine.audit import Audit
from aiomodelarts.sweep.engine.brake import Brake
from aiomodelarts.sweep.engine.engine import Engine, SweepEvent
from aiomodelarts.sweep.engine.halts import Running
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Event
from aiomodelarts.sweep.trial import Trial, TrialState

from .documents import changed, read
from .scarce import Hurried, Scarce, Told

CONFIG = evolve(read(changed("lr = { log_float = [1e-4, 1e-1], num = 4 }\n", "")), concurrency=2)


@define(slots=False)
class Crowded(Scarce):
    """A platform with versions that nobody was told of, by id with their output paths."""

    strange: dict[int, str] = field(factory=dict)
    looks: int = 0

    async def going(self, job_id: int) -> Mapping[int, str]:
        assert job_id == 7
        self.looks += 1
        return {id_: path for id_, path in self.strange.items() if not self.landed(id_).stopped.is_set()}

    def landed(self, version_id: int) -> Told:
        return self.versions.setdefault(version_id, Told(version_id))

    @property
    def stopped(self) -> set[int]:
        return {version_id for version_id, one in self.versions.items() if one.stopped.is_set()}


Carry = Callable[..., Awaitable[dict[int, list[Event]]]]


@pytest.fixture
def carry_out(tmp_path: Path) -> Carry:
    """Runs a sweep on a ledger of its own, again on the same one if called again; gives the history of its trials."""

    async def nobody(_: SweepEvent) -> None:
        return

    async def run(versions: Crowded, brake: Brake | None = None) -> dict[int, list[Event]]:
        definition = Definition(CONFIG.name, settings_of(CONFIG))
        async with Ledger.open(tmp_path / "sweep.sqlite", definition, SystemClock()) as ledger:
            engine = Engine(CONFIG, versions, None, nobody, Hurried(), ledger, brake=brake)
            await engine.run()
            return {trial.number: await ledger.events(trial.number) for trial in engine.result.trials}

    return run


async def test_whoever_comes_next_stops_what_landed_late_and_tells_of_it(carry_out: Carry) -> None:
    versions = Crowded()
    await carry_out(versions)
    # This session looks for its own late versions.
    assert versions.looks == 0
    mine = next(id_ for id_ in versions.versions if id_ % 100 == 2)
    versions.strange = {
        901: f"obs:/{CONFIG.output_path(2)}",
        902: "/bucket/elsewhere/0002/",
        903: CONFIG.output_path(9),
        mine: CONFIG.output_path(2),
    }
    why = await carry_out(versions)
    assert versions.stopped == {901}
    assert why[2][-1].why == "version 901 went on beside this trial, made by a creation that landed late; stopped"
    assert (why[2][-1].state, why[2][-1].attempt) == (TrialState.SUCCEEDED, 1)
    assert not any("901" in one.why for number in (1, 3, 4) for one in why[number])
    # It is told once, and there is nothing left to do.
    assert (await carry_out(versions))[2] == why[2]


async def test_a_version_of_an_earlier_attempt_that_came_back_is_one_too_many(carry_out: Carry) -> None:
    lost = [TrainingFailed("lost", detail=SimpleNamespace(status=JobStatus.LOST, duration=None))]
    versions = Crowded(ends=lambda id_: Told(id_, error=lost.pop() if lost and id_ % 100 == 3 else None))
    assert (await carry_out(versions))[3][-1].attempt == 2
    # There was no third attempt, so nobody knows whose the last one is.
    versions.strange = {901: CONFIG.output_path(3, 1), 902: CONFIG.output_path(3, 2), 903: CONFIG.output_path(3, 3)}
    await carry_out(versions)
    assert versions.stopped == {901, 902}


async def test_a_list_that_cannot_be_read_ends_no_sweep(carry_out: Carry, caplog: pytest.LogCaptureFixture) -> None:
    class Silent(Crowded):
        async def going(self, job_id: int) -> Mapping[int, str]:
            raise ConnectionBroken("gone")

    versions = Silent()
    await carry_out(versions)
    with caplog.at_level(logging.WARNING):
        await carry_out(versions)
    assert "its versions could not be compared with its trials: gone" in caplog.text


async def test_a_sweep_that_is_left_alone_is_left_at_once(carry_out: Carry) -> None:
    versions = Crowded()
    await carry_out(versions)
    brake = Brake(SystemClock())
    brake.ask(Running.LEAVE)
    versions.strange = {901: CONFIG.output_path(2)}
    await carry_out(versions, brake)
    assert versions.looks <= 1
    brake = Brake(SystemClock())
    brake.ask(Running.STOP)
    await carry_out(versions, brake)
    assert versions.stopped == {901}


@pytest.mark.looptime
async def test_it_looks_soon_when_nothing_can_land_any_more_and_at_the_end() -> None:
    made = evolve(CONFIG.begin(1, {}), state=TrialState.RUNNING, job_id=7, version_id=100)
    being_made = evolve(CONFIG.begin(2, {}), state=TrialState.CREATING)
    told: list[int] = []

    async def trials() -> list[Trial]:
        return [made, being_made]

    async def remark(number: int, why: str) -> None:
        told.append(number)

    ledger: Any = SimpleNamespace(sweep=SimpleNamespace(job_id=7), trials=trials, remark=remark)
    versions = Crowded()
    audit = Audit(CONFIG, versions, ledger, LoopClock())
    keeping = asyncio.create_task(audit.keep())
    await asyncio.sleep(1000)
    await audit.last_look()
    assert versions.looks == 0
    audit.doubt()
    await asyncio.sleep(200)
    assert versions.looks == 1
    # The version of a creation that is under way is that trial's own.
    versions.strange = {901: CONFIG.output_path(1), 902: CONFIG.output_path(2)}
    await asyncio.sleep(200)
    assert (versions.looks, versions.stopped, told) == (2, {901}, [1])
    await audit.last_look()
    await audit.last_look()
    assert versions.looks == 3
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


class LoopClock(SystemClock):
    """The loop's own time."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()
