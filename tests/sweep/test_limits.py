"""What a sweep does where the platform has no room, the budget has an end, or somebody ends it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from attrs import define, evolve

from aiomodelarts._clock import SystemClock
from aiomodelarts.errors import (
    DecodeError,
    ModelArtsError,
    NoCapacity,
    NotFound,
    QuotaExceeded,
    TrainingCancelled,
    VersionGone,
    WrongState,
)
from aiomodelarts.sweep.budget import Amount, Budget
from aiomodelarts.sweep.description.config import SweepConfig
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.engine.brake import Brake
from aiomodelarts.sweep.engine.engine import Engine, SweepEvent
from aiomodelarts.sweep.engine.halts import BudgetUsedUp, Halt, JobDeleted, Running, StoppedAsAsked
from aiomodelarts.sweep.failures import Failure, RetryBudget
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Event
from aiomodelarts.sweep.trial import TrialState

from .documents import GOOD, changed, complaint, read
from .scarce import Hurried, Killed, Scarce, Told

CONFIG = evolve(read(changed("lr = { log_float = [1e-4, 1e-1], num = 4 }\n", "")), concurrency=2)
TWO_FLAVORS = evolve(CONFIG, flavors=("modelarts.vm.gpu.p100", "modelarts.vm.gpu.v100"))


def no_room() -> NoCapacity:
    return NoCapacity("no room", status=500, code="ModelArts.6200", request_id="r-1")


def no_quota() -> QuotaExceeded:
    return QuotaExceeded("too many", status=400, code="ModelArts.0118")


@define
class Carried:
    """What a run came to."""

    engine: Engine
    events: list[SweepEvent]
    why: dict[int, list[Event]]

    @property
    def states(self) -> list[TrialState]:
        return [trial.state for trial in self.engine.result.trials]

    @property
    def stopped_by(self) -> Exception | None:
        return self.engine.result.stopped_by


Carry = Callable[..., Awaitable[Carried]]


@pytest.fixture
def carry_out(tmp_path: Path) -> Carry:
    """Runs a sweep on a ledger of its own, again on the same one if called again."""

    async def run(versions: Scarce, config: SweepConfig, brake: Brake | None = None) -> Carried:
        events: list[SweepEvent] = []

        async def listen(event: SweepEvent) -> None:
            events.append(event)

        definition = Definition(config.name, settings_of(config))
        async with Ledger.open(tmp_path / "sweep.sqlite", definition, SystemClock()) as ledger:
            engine = Engine(config, versions, None, listen, Hurried(), ledger, brake=brake)
            await engine.run()
            why = {trial.number: await ledger.events(trial.number) for trial in engine.result.trials}
        return Carried(engine, events, why)

    return run


class TestRoom:
    """Want of capacity and of quota is waited out."""

    async def test_the_next_flavour_is_tried_and_sent(self, carry_out: Carry) -> None:
        versions = Scarce({2: [no_room()]})
        came = await carry_out(versions, TWO_FLAVORS)
        assert came.states == [TrialState.SUCCEEDED] * 4
        first, second = TWO_FLAVORS.flavors
        assert [flavor for number, flavor in versions.sent if number == 2] == [first, second]
        assert {flavor for number, flavor in versions.sent if number != 2} == {first}
        assert [trial.flavor for trial in came.engine.result.trials] == [first, second, first, first]
        assert any(event.why.startswith(f"on {second}, since: ") and "r-1" in event.why for event in came.why[2])

    async def test_without_room_anywhere_it_waits_says_so_and_begins_with_the_first_flavour_again(
        self, carry_out: Carry
    ) -> None:
        versions = Scarce({1: [no_room() for _ in range(3)]})
        came = await carry_out(versions, TWO_FLAVORS)
        assert came.states == [TrialState.SUCCEEDED] * 4
        first, second = TWO_FLAVORS.flavors
        assert [flavor for number, flavor in versions.sent if number == 1] == [first, second, first, second]
        waited = [event.progress.waiting_for for event in came.events if event.progress.waiting_for]
        assert waited
        assert all(one.startswith("waits for room at the platform, asks again in ") for one in waited)
        assert came.events[-1].progress.waiting_for is None
        assert came.engine.result.trials[0].tries == {"capacity": 1}
        assert [event.why for event in came.why[1] if "waits for room" in event.why]

    async def test_a_quota_that_is_used_up_is_waited_out_on_the_same_flavour(self, carry_out: Carry) -> None:
        versions = Scarce({3: [no_quota(), no_quota()]})
        came = await carry_out(versions, TWO_FLAVORS)
        assert came.states == [TrialState.SUCCEEDED] * 4
        assert {flavor for _, flavor in versions.sent} == {TWO_FLAVORS.flavors[0]}

    async def test_one_asks_for_all(self, carry_out: Carry) -> None:
        config = evolve(CONFIG, concurrency=4)
        versions = Scarce({number: [no_room() for _ in range(4)] for number in (2, 3, 4)})
        came = await carry_out(versions, config)
        assert came.states == [TrialState.SUCCEEDED] * 4
        # After what was under way already, each refusal is that of a single one that asks.
        waits = [event.progress.waiting_for for event in came.events if event.progress.waiting_for]
        assert len(waits) >= 4

    async def test_a_trial_that_may_ask_a_number_of_times_only_fails_by_its_class_and_can_be_retried(
        self, carry_out: Carry, tmp_path: Path
    ) -> None:
        config = evolve(CONFIG, concurrency=1, retry=RetryBudget({Failure.CAPACITY: 1}))
        came = await carry_out(Scarce({2: [no_room() for _ in range(2)]}), config)
        two = came.engine.result.trials[1]
        assert (two.state, two.failure, two.version_id) == (TrialState.FAILED, "capacity", None)
        assert "ModelArts.6200" in (two.reason or "")
        assert came.states.count(TrialState.SUCCEEDED) == 3
        async with Ledger.read(tmp_path / "sweep.sqlite", config.name, SystemClock()) as ledger:
            opened = await ledger.retry(lambda trial: config.again(trial) if trial.failure == "capacity" else None)
        assert [trial.number for trial in opened] == [2]
        again = await carry_out(Scarce(), config)
        assert again.states == [TrialState.SUCCEEDED] * 4


class TestLostJobs:
    """What is not there any more."""

    async def test_a_job_that_was_deleted_ends_the_sweep_and_says_what_helps(self, carry_out: Carry) -> None:
        gone = NotFound("no such job", status=400, code="ModelArts.2775")
        versions = Scarce({3: [gone]})
        came = await carry_out(versions, evolve(CONFIG, concurrency=1))
        assert isinstance(came.stopped_by, JobDeleted)
        assert "job 7" in str(came.stopped_by)
        assert "--fresh begins anew" in str(came.stopped_by)
        assert [number for number, _ in versions.sent] == [1, 2, 3]

    @pytest.mark.parametrize("error", [VersionGone("deleted"), TrainingCancelled("stopped")])
    async def test_a_version_that_somebody_else_ended_is_preempted_and_has_a_budget_of_its_own(
        self, carry_out: Carry, error: ModelArtsError
    ) -> None:
        def ends(version_id: int) -> Told:
            return Told(version_id, error=error if version_id == 202 else None)

        config = evolve(CONFIG, concurrency=1)
        came = await carry_out(Scarce(ends=ends), config)
        assert came.engine.result.trials[1].failure == "preempted"

    async def test_a_preempted_trial_is_tried_again_where_the_file_says_so(self, carry_out: Carry) -> None:
        def ends(version_id: int) -> Told:
            return Told(version_id, error=TrainingCancelled("stopped") if version_id == 202 else None)

        config = evolve(CONFIG, concurrency=1, retry=RetryBudget({Failure.PREEMPTED: 1}))
        came = await carry_out(Scarce(ends=ends), config)
        assert came.states == [TrialState.SUCCEEDED] * 4
        assert came.engine.result.trials[1].tries == {"preempted": 1}

    async def test_looking_for_a_version_that_fails_does_not_mean_that_there_is_none(self, carry_out: Carry) -> None:
        config = evolve(CONFIG, concurrency=1)
        everyone = asyncio.current_task()
        assert everyone is not None
        killed = Killed(everyone)
        with pytest.raises(asyncio.CancelledError):
            await carry_out(killed, config)
        everyone.uncancel()
        unreadable = Scarce(versions=killed.versions, settling=[DecodeError("no list")])
        came = await carry_out(unreadable, config)
        assert came.engine.result.trials[1].state is TrialState.UNCLEAR
        last = Scarce(versions=killed.versions)
        came = await carry_out(last, config)
        assert came.states == [TrialState.SUCCEEDED] * 4
        assert 2 not in {number for number, _ in [*unreadable.sent, *last.sent]}


HOURLY = Budget(max_hours=0.25, max_trial_hours=0.1, prices={"modelarts.vm.cpu.2u": 2.0})


class TestBudget:
    """What is reserved before a creation and settled after it."""

    async def test_it_ends_when_what_is_left_is_less_than_one_version_may_take(self, carry_out: Carry) -> None:
        config = evolve(CONFIG, concurrency=4, budget=HOURLY)
        came = await carry_out(Scarce(ends=lambda version_id: Told(version_id, ran_s=300)), config)
        # Two at once fit, and their 600 s leave 300 s of the 900, less than the 360 s that a third one may take.
        assert came.states == [TrialState.SUCCEEDED] * 2
        assert isinstance(came.stopped_by, BudgetUsedUp)
        account = came.engine.result.account
        assert account is not None
        assert (account.held.ms, account.spent.hours) == (0, 600 / 3600)
        assert account.spent.cost == pytest.approx(2.0 * 600 / 3600, abs=1e-5)

    async def test_what_was_reserved_for_a_refused_creation_is_given_back(self, carry_out: Carry) -> None:
        config = evolve(CONFIG, concurrency=1, budget=HOURLY)
        refused: list[ModelArtsError] = [WrongState("no", status=400)]
        came = await carry_out(Scarce({2: refused}, ends=lambda version_id: Told(version_id, ran_s=60)), config)
        assert [state is TrialState.REFUSED for state in came.states] == [False, True, False, False]
        account = came.engine.result.account
        assert account is not None
        assert (account.held, account.spent.ms) == (Amount(), 3 * 60_000)

    async def test_it_waits_for_what_runs_to_give_back_what_it_does_not_need(self, carry_out: Carry) -> None:
        config = evolve(CONFIG, concurrency=4, budget=HOURLY)
        came = await carry_out(Scarce(ends=lambda version_id: Told(version_id, ran_s=30)), config)
        assert came.states == [TrialState.SUCCEEDED] * 4
        assert came.stopped_by is None
        assert any("room in the budget" in (event.progress.waiting_for or "") for event in came.events)

    async def test_a_raised_cap_lets_it_go_on(self, carry_out: Carry) -> None:
        config = evolve(CONFIG, budget=HOURLY)
        versions = Scarce(ends=lambda version_id: Told(version_id, ran_s=300))
        assert isinstance((await carry_out(versions, config)).stopped_by, BudgetUsedUp)
        came = await carry_out(versions, evolve(config, budget=evolve(HOURLY, max_hours=1.0)))
        assert came.states == [TrialState.SUCCEEDED] * 4

    async def test_a_budget_that_is_taken_out_of_the_file_leaves_nothing_reserved(
        self, carry_out: Carry, tmp_path: Path
    ) -> None:
        brake, over = Brake(Hurried()), asyncio.Event()
        versions = Scarce(ends=lambda version_id: Told(version_id, until=over))
        run = asyncio.create_task(carry_out(versions, evolve(CONFIG, budget=HOURLY), brake))
        while len(versions.versions) < 2:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        brake.ask(Running.LEAVE)
        await run
        async with Ledger.read(tmp_path / "sweep.sqlite", CONFIG.name, SystemClock()) as ledger:
            assert ledger.sweep.account.held.hours == pytest.approx(0.2)
        over.set()
        await carry_out(versions, CONFIG)
        async with Ledger.read(tmp_path / "sweep.sqlite", CONFIG.name, SystemClock()) as ledger:
            assert ledger.sweep.account.held.ms == 0
            assert {trial.account.held.ms for trial in await ledger.trials()} == {0}

    async def test_a_version_that_trains_for_too_long_is_stopped_and_charged(self, carry_out: Carry) -> None:
        config = evolve(CONFIG, concurrency=1, budget=Budget(max_hours=0.5, max_trial_hours=0.1))

        def ends(version_id: int) -> Told:
            return Told(version_id, ran_s=360, until=asyncio.Event() if version_id == 202 else None)

        came = await carry_out(Scarce(ends=ends), config)
        two = came.engine.result.trials[1]
        assert (two.state, two.failure) == (TrialState.FAILED, "overtime")
        assert two.reason == "stopped after 0.1 h, as long as a trial may train"
        assert two.account.spent.hours == 0.1
        assert came.states.count(TrialState.SUCCEEDED) == 3

    async def test_not_more_trials_than_the_budget_says(self, carry_out: Carry) -> None:
        came = await carry_out(Scarce(), evolve(CONFIG, budget=Budget(max_trials=3)))
        assert came.states == [TrialState.SUCCEEDED] * 3
        assert came.stopped_by is None


TABLE = GOOD + "\n[budget]\nmax_cost = 100\nmax_trial_hours = 2\n"


def test_a_price_table_without_the_flavour_is_refused_with_what_is_missing() -> None:
    text = complaint(TABLE + '[budget.prices]\n"modelarts.vm.cpu.2" = 0.4\n')
    assert 'has no price for "modelarts.vm.cpu.2u": add it under [budget.prices]' in text
    assert 'did you mean "modelarts.vm.cpu.2"?' in text
    assert 'has no price for "modelarts.vm.cpu.2u"' in complaint(TABLE)


def test_every_flavour_that_a_trial_may_get_needs_a_price() -> None:
    flavors = 'flavors = ["a", "b"]'
    text = TABLE.replace('train_instance_type = "modelarts.vm.cpu.2u"', flavors)
    assert 'has no price for "b"' in complaint(text + "[budget.prices]\na = 1\n")
    assert read(text + "[budget.prices]\na = 1\nb = 2\n").worst_case.cost == 4


def test_a_budget_that_no_version_fits_into_is_refused() -> None:
    text = complaint(TABLE.replace("100", "3") + '[budget.prices]\n"modelarts.vm.cpu.2u" = 2\n')
    assert "no trial could begin" in text


class TestEnds:
    """Somebody ends a sweep before its time."""

    @pytest.mark.parametrize("running", list(Running))
    async def test_what_runs_is_left_or_stopped_as_asked_and_the_next_run_goes_on(
        self, carry_out: Carry, running: Running
    ) -> None:
        brake, over = Brake(Hurried()), asyncio.Event()
        versions = Scarce(ends=lambda version_id: Told(version_id, until=over))
        run = asyncio.create_task(carry_out(versions, CONFIG, brake))
        while len(versions.versions) < 2:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        brake.ask(running)
        came = await run
        assert isinstance(came.stopped_by, StoppedAsAsked)
        assert len(versions.versions) == 2
        assert [one.stopped.is_set() for one in versions.versions.values()] == [running is Running.STOP] * 2
        over.set()
        again = await carry_out(versions, CONFIG)
        assert again.states == [TrialState.SUCCEEDED] * 4
        attempts = [trial.attempt for trial in again.engine.result.trials]
        assert attempts == ([2, 2, 1, 1] if running is Running.STOP else [1, 1, 1, 1])

    async def test_an_end_is_not_held_up_by_want_of_room(self, carry_out: Carry) -> None:
        brake = Brake(SystemClock())
        versions = Scarce({2: [no_room()], 3: [no_room()]})
        run = asyncio.create_task(carry_out(versions, CONFIG, brake))
        while len(versions.sent) < 3:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        brake.ask(Running.LEAVE)
        async with asyncio.timeout(2):
            came = await run
        assert isinstance(came.stopped_by, Halt)
        again = await carry_out(versions, CONFIG)
        assert again.states == [TrialState.SUCCEEDED] * 4
