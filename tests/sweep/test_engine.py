"""The engine on versions that end as they are told: order, bounds, outcomes, interruption."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from attrs import evolve

from aiomodelarts._clock import SystemClock
from aiomodelarts.errors import (
    ConnectionBroken,
    CreateOutcomeUnknown,
    NotAllowed,
    NotSent,
    TrainingCancelled,
    TrainingFailed,
    WrongState,
)
from aiomodelarts.status import JobStatus
from aiomodelarts.sweep.description.config import SweepConfig
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.engine.brake import Brake
from aiomodelarts.sweep.engine.engine import Engine, Resumed, SweepEvent
from aiomodelarts.sweep.failures import Failure, RetryBudget
from aiomodelarts.sweep.files import FolderFiles
from aiomodelarts.sweep.ledger.errors import Fenced
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Move
from aiomodelarts.sweep.objective import JsonFile
from aiomodelarts.sweep.search.search import RandomSearch
from aiomodelarts.sweep.trial import Trial, TrialState
from aiomodelarts.sweep.versions import Version

from .documents import changed, read
from .scarce import Hurried
from .scripted import CONFIG, ScriptedVersion, ScriptedVersions, states

Carry = Callable[..., Awaitable[tuple[Engine, list[SweepEvent]]]]


@pytest.fixture
def carry_out(tmp_path: Path) -> Carry:
    """Runs a sweep on a ledger of its own, again on the same one if called again."""

    async def run(
        versions: ScriptedVersions, config: SweepConfig = CONFIG, files: FolderFiles | None = None, **options: Any
    ) -> tuple[Engine, list[SweepEvent]]:
        events: list[SweepEvent] = []

        async def listen(event: SweepEvent) -> None:
            events.append(event)

        definition = Definition(config.name, settings_of(config))
        async with Ledger.open(tmp_path / "sweep.sqlite", definition, SystemClock(), **options) as ledger:
            engine = Engine(config, versions, files, listen, SystemClock(), ledger)
            engines.append(engine)
            await engine.run()
        return engine, events

    engines.clear()
    return run


engines: list[Engine] = []


async def test_every_point_becomes_one_version_and_the_first_is_the_jobs_own(carry_out: Carry) -> None:
    versions = ScriptedVersions()
    engine, events = await carry_out(versions)
    assert versions.made[0] == ("first", 1)
    assert sorted(versions.made[1:]) == [("next", number) for number in range(2, 13)]
    result = engine.result
    assert [trial.point for trial in result.trials] == [{"layers": number} for number in range(1, 13)]
    assert {trial.state for trial in result.trials} == {TrialState.SUCCEEDED}
    assert result.best == result.trials[11]
    assert (result.best.value, result.best.job_id, result.best.version_id) == (12.0, 7, 112)
    assert len({trial.output_path for trial in result.trials}) == 12
    assert events[0].trial is None
    assert events[-1].progress.done == events[-1].progress.total == 12
    assert events[-1].progress.best == result.best


async def test_never_more_at_once_than_asked(carry_out: Carry) -> None:
    _, events = await carry_out(ScriptedVersions())
    assert max(event.progress.running for event in events) == CONFIG.concurrency == 3


@pytest.mark.parametrize("concurrency", [1, 12, 50])
async def test_any_concurrency_makes_every_version_once(carry_out: Carry, concurrency: int) -> None:
    versions = ScriptedVersions()
    await carry_out(versions, evolve(CONFIG, concurrency=concurrency))
    assert sorted(number for _, number in versions.made) == list(range(1, 13))


async def test_a_trial_that_fails_leaves_the_others_alone_and_says_why(carry_out: Carry) -> None:
    failed = TrainingFailed("exit code 1", log_tail=("Traceback", "  ValueError: bad lr", "", "[note] over", ""))
    versions = ScriptedVersions(
        refused={
            3: WrongState("not now", status=400),
            4: CreateOutcomeUnknown("the answer was lost"),
        },
        ends={1: failed, 2: ConnectionBroken("gone")},
        says={5: ("nothing",), 6: ("accuracy=...",)},
    )
    engine, events = await carry_out(versions)
    assert states(engine) == {
        1: TrialState.FAILED,
        2: TrialState.UNCLEAR,
        3: TrialState.REFUSED,
        4: TrialState.UNCLEAR,
        5: TrialState.NO_METRIC,
        6: TrialState.NO_METRIC,
    } | dict.fromkeys(range(7, 13), TrialState.SUCCEEDED)
    reasons = {trial.number: trial.reason for trial in engine.result.without_value}
    assert reasons[1] == "exit code 1; its log ends: ValueError: bad lr / [note] over"
    assert reasons[3] == "request: not now (status 400)"
    assert reasons[6] == "the log says '...', which is no number"
    assert events[-1].progress.failed == 6
    assert engine.result.stopped_by is None


async def test_an_error_that_would_come_again_ends_the_creating_and_what_runs_is_awaited(carry_out: Carry) -> None:
    error = NotAllowed("no", status=403)
    versions = ScriptedVersions(refused={4: error})
    engine, _ = await carry_out(versions)
    assert engine.result.stopped_by is error
    made = states(engine)
    assert made[4] is TrialState.REFUSED
    assert len(made) < 12
    assert all(state is TrialState.SUCCEEDED for number, state in made.items() if number != 4)


async def test_creations_that_fail_one_after_the_other_end_the_creating(carry_out: Carry) -> None:
    lost: dict[int, Exception] = {number: NotSent("refused") for number in range(4, 12)}
    engine, _ = await carry_out(ScriptedVersions(refused=lost))
    assert isinstance(engine.result.stopped_by, NotSent)
    # Those that were being made at that moment come to their own end.
    assert 8 <= len(engine.result.trials) <= 8 + CONFIG.concurrency
    assert [trial.number for trial in engine.result.ranked] == [3, 2, 1]


async def test_single_failed_creations_do_not_add_up(carry_out: Carry) -> None:
    refused: dict[int, Exception] = {number: WrongState("no", status=400) for number in range(2, 13, 2)}
    engine, _ = await carry_out(ScriptedVersions(refused=refused), evolve(CONFIG, concurrency=1))
    assert engine.result.stopped_by is None
    assert len(engine.result.ranked) == 6


async def test_a_job_that_cannot_be_made_is_the_callers_error(carry_out: Carry) -> None:
    versions = ScriptedVersions(refused={1: WrongState("no", status=400)})
    with pytest.raises(WrongState):
        await carry_out(versions)
    assert versions.made == [("first", 1)]


async def test_an_interruption_makes_nothing_more_and_knows_what_runs(carry_out: Carry) -> None:
    everyone = asyncio.current_task()
    assert everyone is not None
    versions = ScriptedVersions(before=lambda trial: everyone.cancel() if trial.number == 5 else None)
    with pytest.raises(asyncio.CancelledError):
        await carry_out(versions)
    engine = engines[-1]
    everyone.uncancel()
    count = len(versions.made)
    assert 5 <= count < 12
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(versions.made) == count
    assert any(not trial.state.is_final for trial in engine.result.trials)


async def test_a_reason_cannot_steer_a_terminal_and_has_an_end(carry_out: Carry) -> None:
    failed = TrainingFailed("exit code 1", log_tail=("\x1b[2J\x07" + "x" * 5000,))
    engine, _ = await carry_out(ScriptedVersions(ends={1: failed}))
    reason = engine.result.trials[0].reason
    assert reason is not None
    assert reason.startswith("exit code 1; its log ends: \N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}xx")
    assert len(reason) < 400


async def test_minimizing_keeps_the_smallest_and_the_earlier_of_equals(carry_out: Carry) -> None:
    config = read(
        changed('"maximize"', '"minimize"')
        .replace("lr = { log_float = [1e-4, 1e-1], num = 4 }\n", "")
        .replace("accuracy", "loss")
    )
    says = {number: (f"loss={value}",) for number, value in enumerate((3, 1, 2, 1), start=1)}
    engine, events = await carry_out(ScriptedVersions(says=says), config)
    assert engine.result.best is not None
    assert engine.result.best.number == 2
    assert [trial.number for trial in engine.result.ranked] == [2, 4, 3, 1]
    assert events[-1].progress.best is not None


async def test_a_long_log_is_read_to_its_last_line(carry_out: Carry) -> None:
    lines = tuple(f"accuracy={number}" for number in range(1234))
    engine, _ = await carry_out(ScriptedVersions(says={1: lines}))
    assert engine.result.trials[0].value == 1233.0


async def test_a_metric_file_of_an_earlier_sweep_is_not_taken_for_a_new_one(carry_out: Carry, tmp_path: Path) -> None:
    config = evolve(CONFIG, objective=evolve(CONFIG.objective, source=JsonFile("m.json", "acc")))

    def write(output_path: str, accuracy: float) -> None:
        folder = tmp_path / output_path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "m.json").write_text(json.dumps({"acc": accuracy}))

    def train(trial: Trial) -> None:
        if trial.number != 1:
            write(trial.output_path, 0.75)

    for number in (1, 2):
        await asyncio.to_thread(write, config.output_path(number), 0.5)
    engine, _ = await carry_out(ScriptedVersions(trains=train), config, FolderFiles(tmp_path))
    first, *rest = engine.result.trials
    assert (first.state, first.reason) == (
        TrialState.NO_METRIC,
        "m.json was left by an earlier sweep and not written again",
    )
    assert {trial.value for trial in rest} == {0.75}


async def test_the_same_sweep_again_goes_on_and_repeats_nothing(carry_out: Carry) -> None:
    everyone = asyncio.current_task()
    assert everyone is not None
    versions = ScriptedVersions(before=lambda trial: everyone.cancel() if trial.number == 5 else None)
    with pytest.raises(asyncio.CancelledError):
        await carry_out(versions)
    everyone.uncancel()
    left = {trial.number: trial.state for trial in engines[-1].result.trials}
    after = evolve(versions, before=lambda trial: None, settled=[], attached=[])
    engine, events = await carry_out(after)
    assert set(states(engine).values()) == {TrialState.SUCCEEDED}
    assert len(engine.result.trials) == 12
    # What had been sent is looked for first, and what ran is awaited.
    assert {number for number, state in left.items() if state is TrialState.CREATING} <= set(after.settled)
    assert sorted(after.attached) == sorted(number for number, state in left.items() if state is TrialState.RUNNING)
    made = [number for _, number in after.made]
    assert {number for number in made if made.count(number) > 1} <= set(after.settled)
    resumed = events[0].resumed
    assert resumed is not None
    assert resumed.done == sum(state is TrialState.SUCCEEDED for state in left.values())
    assert resumed.done + resumed.reattached + resumed.to_go == 12


async def test_a_sweep_that_is_over_makes_nothing_more(carry_out: Carry) -> None:
    await carry_out(ScriptedVersions())
    versions = ScriptedVersions()
    engine, events = await carry_out(versions)
    assert (versions.made, versions.settled, versions.attached) == ([], [], [])
    assert len(engine.result.ranked) == 12
    assert [event.resumed for event in events] == [Resumed(12, 0, 0)]


async def test_what_was_refused_or_unclear_is_tried_again_by_the_next_run_and_a_failure_is_not(
    carry_out: Carry,
) -> None:
    first = ScriptedVersions(
        refused={3: WrongState("not now", status=400), 4: CreateOutcomeUnknown("the answer was lost")},
        ends={1: TrainingFailed("exit code 1"), 2: ConnectionBroken("gone")},
    )
    await carry_out(first)
    # The version of trial 4 had been made after all.
    there = {**first.platform, 104: ScriptedVersion(104, None, ("accuracy=4",))}
    there[102] = evolve(there[102], outcome=None)
    versions = ScriptedVersions(platform=there)
    engine, _ = await carry_out(versions)
    assert versions.made == [("next", 3)]
    assert (versions.settled, versions.attached) == ([4], [2])
    assert states(engine) == {1: TrialState.FAILED} | dict.fromkeys(range(2, 13), TrialState.SUCCEEDED)


async def test_a_version_that_was_lost_is_tried_again_in_a_place_of_its_own_within_the_budget(
    carry_out: Carry,
) -> None:
    lost = TrainingFailed("lost", detail=SimpleNamespace(status=JobStatus.LOST))
    config = evolve(CONFIG, retry=RetryBudget({Failure.LOST: 2}))
    versions = ScriptedVersions(ends={2: lost})
    engine, _ = await carry_out(versions, config)
    assert [number for _, number in versions.made].count(2) == 3
    two = engine.result.trials[1]
    assert (two.state, two.failure, two.attempt) == (TrialState.FAILED, "lost", 3)
    assert two.output_path.endswith("/0002-3/")


async def test_more_trials_of_a_random_search_are_no_change_and_add_to_the_earlier_ones(carry_out: Carry) -> None:
    config = evolve(CONFIG, search=RandomSearch(5, seed=1))
    earlier, _ = await carry_out(ScriptedVersions(), config)
    versions = ScriptedVersions()
    later, _ = await carry_out(versions, evolve(config, search=RandomSearch(9, seed=1)))
    assert later.result.trials[:5] == earlier.result.trials
    assert sorted(number for _, number in versions.made) == [6, 7, 8, 9]
    assert len({trial.point["layers"] for trial in later.result.trials}) == 9


@pytest.mark.parametrize("cancelled", [0, 1, 5])
@pytest.mark.parametrize("theirs", [None, 102, 302])
async def test_a_version_that_is_one_too_many_is_stopped_by_whoever_finds_itself_fenced(
    tmp_path: Path, theirs: int | None, cancelled: int
) -> None:
    """Paused between its last look at the lease and the bytes: another controller has the trial by then.

    Another worker may have found out first, which cancels this one.
    """
    definition, stopped = Definition(CONFIG.name, settings_of(CONFIG)), []

    class Paused(ScriptedVersions):
        async def make(self, intent: Mapping[str, Any], may_leave: Callable[[], None] = lambda: None) -> Version:
            made = await super().make(intent, may_leave)
            if intent["number"] == 2:
                await taken_over()
                worker, loop = asyncio.current_task(), asyncio.get_running_loop()
                assert worker is not None
                if cancelled:
                    worker.cancel()
                for number in range(1, cancelled):
                    loop.call_later(number / 1000, worker.cancel)
            return made

    async def taken_over() -> None:
        async with Ledger.open(tmp_path / "sweep.sqlite", definition, SystemClock()) as other:
            claims = await other.join("there", "2 2", await other.leases())
            (mine,) = (held.trial for held in claims if held.trial.number == 2)
            if theirs is not None:
                running = evolve(mine, state=TrialState.RUNNING, job_id=7, version_id=theirs)
                await other.move(Move(mine.state, running, "made"))

    async def stop(self: ScriptedVersion) -> None:
        stopped.append(self.version_id)

    async def nobody(_: SweepEvent) -> None:
        return

    with mock.patch.object(ScriptedVersion, "stop", stop):
        async with Ledger.open(tmp_path / "sweep.sqlite", definition, SystemClock()) as ledger:
            with pytest.raises(Fenced):
                config = evolve(CONFIG, concurrency=1)
                brake = Brake(Hurried())
                await Engine(config, Paused(), None, nobody, SystemClock(), ledger, brake=brake).run()
    assert stopped == ([102] if theirs == 302 else [])


async def test_what_was_stopped_while_nobody_watched_is_made_anew_and_uses_up_no_retries(
    carry_out: Carry, tmp_path: Path
) -> None:
    async with Ledger.open(
        tmp_path / "sweep.sqlite", Definition(CONFIG.name, settings_of(CONFIG)), SystemClock()
    ) as one:
        await one.join("here", "1 1")
        held = await one.reserve(12, lambda number: CONFIG.begin(number, {"layers": number}))
        assert held is not None
        running = evolve(held.trial, state=TrialState.RUNNING, job_id=7, version_id=101)
        await one.move(Move(TrialState.RESERVED, running, "made"))
        await one.leave()
    stopped = TrainingCancelled("stopped", detail=SimpleNamespace(status=JobStatus.KILLED))
    versions = ScriptedVersions(platform={101: ScriptedVersion(101, stopped, ())})
    engine, _ = await carry_out(versions, evolve(CONFIG, retry=RetryBudget({})))
    first = engine.result.trials[0]
    assert (first.state, first.attempt, first.value) == (TrialState.SUCCEEDED, 2, 1.0)


async def test_a_run_that_is_cancelled_while_it_joins_leaves_no_lease_behind(tmp_path: Path) -> None:
    async def nobody(_: SweepEvent) -> None:
        return

    async with Ledger.open(tmp_path / "sweep.sqlite", Definition("x", {}), SystemClock()) as ledger:
        join = ledger.join

        async def cancelled(*who: Any) -> None:
            await join(*who)
            raise asyncio.CancelledError

        engine = Engine(CONFIG, ScriptedVersions(), None, nobody, SystemClock(), ledger)
        with mock.patch.object(ledger, "join", cancelled), pytest.raises(asyncio.CancelledError):
            await engine.run()
        assert await ledger.leases() == []
