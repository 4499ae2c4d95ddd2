"""A sweep in a program's hands: its trials as they end, callbacks, ending it from inside and from outside."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from aiomodelarts import AsyncEstimator, AsyncSession, ModelArtsError, SweepError
from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep import Running, StoppedAsAsked, Sweep, SweepEvent, Trial, TrialState, maximize
from aiomodelarts.sweep.ledger.errors import NotRunYet
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Move
from tests.support.fakes import estimator_on
from tests.support.platform import platform_at, session_at


@contextlib.asynccontextmanager
async def on_a_platform(root: Path, simulate: str = "duration=0.05,metric=accuracy") -> AsyncIterator[AsyncSession]:
    async with platform_at(root, simulate) as there, session_at(there) as session:
        yield session


def sweep_of(session: AsyncSession, folder: Path, *, trials: int = 6, **more: Any) -> Sweep:
    return Sweep(
        space={"layers": range(1, trials + 1)},
        objective=maximize(log_pattern="accuracy=([0-9.]+)"),
        estimator=estimator_on(session),
        inputs="/bucket/data/",
        name="mine",
        results_dir=folder / "results",
        **more,
    )


async def numbers(sweep: Sweep, *, pause_s: float = 0.0) -> list[int]:
    told = []
    async for trial in sweep.trials():
        told.append(trial.number)
        await asyncio.sleep(pause_s)
    return told


async def test_trials_come_as_they_end_to_any_number_of_readers(tmp_path: Path) -> None:
    async with on_a_platform(tmp_path / "platform") as session:
        sweep = sweep_of(session, tmp_path)
        early = [asyncio.create_task(numbers(sweep)), asyncio.create_task(numbers(sweep, pause_s=0.02))]
        running = asyncio.create_task(sweep.run())
        first = await anext(trials := sweep.trials())
        assert first.state is TrialState.SUCCEEDED
        assert not running.done()
        await trials.aclose()
        result = await running
        # A reader that comes late, and one that is slow, hear of every trial too.
        told = [await one for one in early] + [await numbers(sweep)]
    assert told[0] == told[1] == told[2]
    assert sorted(told[0]) == [trial.number for trial in result.trials] == [1, 2, 3, 4, 5, 6]


async def test_a_second_run_has_readers_of_its_own(tmp_path: Path) -> None:
    async with on_a_platform(tmp_path / "platform") as session:
        sweep = sweep_of(session, tmp_path, trials=2)
        assert len(await asyncio.gather(sweep.run(), numbers(sweep))) == 2
        running = asyncio.create_task(sweep.run())
        # All trials were over already: none ends in this run.
        assert await numbers(sweep) == []
        assert len((await running).trials) == 2


async def test_readers_end_with_a_run_that_fails_or_is_cancelled(tmp_path: Path) -> None:
    async with on_a_platform(tmp_path / "platform") as session:
        sweep = sweep_of(session, tmp_path)
        await asyncio.to_thread((tmp_path / "results").write_text, "a file")
        running = asyncio.create_task(sweep.run())
        assert await numbers(sweep) == []
        with pytest.raises(OSError, match="results"):
            await running
        cancelled = asyncio.create_task(sweep.run())
        reading = asyncio.create_task(numbers(sweep))
        await asyncio.sleep(0)
        cancelled.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await cancelled
        assert await asyncio.wait_for(reading, 5) == []


async def test_callbacks_plain_and_async_hear_of_each_trial_that_is_over(tmp_path: Path) -> None:
    plain: list[int] = []
    awaited: list[int] = []

    async def later(sweep: Sweep, trial: Trial) -> None:
        await asyncio.sleep(0)
        awaited.append(trial.number)
        assert sweep.config.name == "mine"

    async with on_a_platform(tmp_path / "platform") as session:
        sweep = sweep_of(session, tmp_path)
        await sweep.run(callbacks=[lambda _, trial: plain.append(trial.number), later])
    assert sorted(plain) == sorted(awaited) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("kind", [LookupError, BrokenPipeError, ModelArtsError, SweepError])
async def test_what_a_callback_raises_ends_the_run_and_nothing_is_lost(tmp_path: Path, kind: type[Exception]) -> None:
    def refuse(sweep: Sweep, trial: Trial) -> None:
        raise kind(f"trial {trial.number} is not wanted")

    async with on_a_platform(tmp_path / "platform") as session:
        sweep = sweep_of(session, tmp_path, trials=3, concurrency=1)
        with pytest.raises(kind, match="trial 1 is not wanted"):
            await sweep.run(callbacks=[refuse])
        told: list[int] = []
        result = await sweep.run(callbacks=[lambda _, trial: told.append(trial.number)])
    assert told == [2, 3]
    assert len(result.ranked) == 3


async def test_what_a_listener_raises_is_no_fault_of_the_trial_at_hand(tmp_path: Path) -> None:
    async def refuse(event: SweepEvent) -> None:
        if event.trial is not None and event.trial.state is TrialState.RUNNING:
            raise BrokenPipeError("nobody reads any more")

    async with on_a_platform(tmp_path / "platform") as session:
        sweep = sweep_of(session, tmp_path, trials=2, concurrency=1)
        with pytest.raises(BrokenPipeError, match="nobody reads any more"):
            await sweep.run(listener=refuse)
        result = await sweep.run()
    assert len(result.ranked) == 2
    assert {trial.attempt for trial in result.trials} == {1}


async def test_a_callback_can_end_the_run_as_in_optuna(tmp_path: Path) -> None:
    async with on_a_platform(tmp_path / "platform") as session:
        sweep = sweep_of(session, tmp_path, trials=50, concurrency=2)
        result = await sweep.run(callbacks=[lambda sweep, trial: sweep.interrupt() if trial.number == 2 else None])
        assert isinstance(result.stopped_by, StoppedAsAsked)
        assert len(result.trials) < 10
        # The same call again goes on; what was left running is taken up.
        more = await sweep.run(callbacks=[lambda sweep, trial: sweep.interrupt() if trial.number == 6 else None])
        assert len({trial.version_id for trial in more.trials}) == len(more.trials)


async def versions_of(session: AsyncSession, job_id: int) -> list[tuple[str, str]]:
    of_job = AsyncEstimator(session, job_id=job_id)
    return sorted([(str(row.train_url), row.status.name) async for row in of_job.iter_job_versions()])


async def until_running(sweep: Sweep, count: int) -> None:
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(SweepError):
                trials = (await sweep.past()).trials
                if sum(trial.state is TrialState.RUNNING for trial in trials) == count:
                    return
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("running", [Running.LEAVE, Running.STOP])
async def test_a_run_that_is_interrupted_leaves_or_stops_its_versions(tmp_path: Path, running: Running) -> None:
    async with on_a_platform(tmp_path / "platform", "duration=60") as session:
        sweep = sweep_of(session, tmp_path, trials=5, concurrency=2)
        task = asyncio.create_task(sweep.run())
        await until_running(sweep, 2)
        sweep.interrupt(running)
        result = await asyncio.wait_for(task, 20)
        assert isinstance(result.stopped_by, StoppedAsAsked)
        assert result.trials[0].job_id is not None or running is Running.STOP
        states = [trial.state for trial in result.trials]
        job_id = next(iter([row async for row in AsyncEstimator.iter_jobs(modelarts_session=session)])).job_id
        there = [state for _, state in await versions_of(session, job_id)]
    if running is Running.LEAVE:
        assert states == [TrialState.RUNNING] * 2
        assert "KILLED" not in there
    else:
        assert states == [TrialState.RESERVED] * 2
        assert there == ["KILLED"] * 2


@pytest.mark.parametrize("running", ["leave", "stop"])
async def test_another_object_stops_the_sweep_through_its_ledger(tmp_path: Path, running: str) -> None:
    told: list[int] = []

    async def hear(left: int) -> None:
        told.append(left)

    async with on_a_platform(tmp_path / "platform", "duration=60") as session:
        sweep, other = (sweep_of(session, tmp_path, trials=5, concurrency=2) for _ in range(2))
        with pytest.raises(NotRunYet):
            await other.stop()
        task = asyncio.create_task(sweep.run())
        await until_running(sweep, 2)
        found = await other.stop(running, told=hear)
        # It has ended when the other one is told so.
        result = await asyncio.wait_for(task, 5)
    assert (found.controllers, found.silent) == (1, 0)
    assert (told[0], told[-1]) == (1, 0)
    assert isinstance(result.stopped_by, StoppedAsAsked)
    assert len(found.going) == (2 if running == "leave" else 0)


async def test_versions_that_nobody_sees_to_are_stopped_through_the_platform(tmp_path: Path) -> None:
    async with on_a_platform(tmp_path / "platform", "duration=60") as session:
        sweep = sweep_of(session, tmp_path, trials=5, concurrency=3)
        task = asyncio.create_task(sweep.run())
        await until_running(sweep, 3)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        left = await sweep.stop("leave")
        assert (left.controllers, len(left.going)) == (0, 3)
        stopped = await sweep.stop("stop")
        job_id = left.going[0].job_id
        assert job_id is not None
        there = await versions_of(session, job_id)
        assert [trial.state for trial in stopped.trials] == [TrialState.RESERVED] * 3
        assert [state for _, state in there] == ["KILLED"] * 3
        why = [event.why for event in await sweep.why(1)]
        assert "to be stopped, since the sweep was asked to end" in why
        assert why[-1] == "stopped as asked; made anew when the sweep goes on"


async def test_stop_before_any_job_was_made_makes_none(tmp_path: Path) -> None:
    async with on_a_platform(tmp_path / "platform", "duration=60") as session:
        sweep = sweep_of(session, tmp_path, trials=5, concurrency=3)
        running = asyncio.create_task(sweep.run())
        await asyncio.sleep(0)
        sweep.interrupt("stop")
        result = await running
        assert result.trials == ()
        assert [row async for row in AsyncEstimator.iter_jobs(modelarts_session=session)] == []
        assert (await sweep.stop("stop")).going == ()
        with pytest.raises(ValueError, match="halt"):
            sweep.interrupt("halt")


@pytest.mark.parametrize("running", ["leave", "stop"])
async def test_an_interruption_while_the_job_is_being_made(tmp_path: Path, running: str) -> None:
    async with on_a_platform(tmp_path / "platform", "duration=60") as session:
        sweep = sweep_of(session, tmp_path, trials=5, concurrency=3)

        async def end(event: SweepEvent) -> None:
            if event.trial is not None and event.trial.state is TrialState.CREATING:
                sweep.interrupt(running)

        result = await asyncio.wait_for(sweep.run(listener=end), 20)
        (job,) = [row async for row in AsyncEstimator.iter_jobs(modelarts_session=session)]
        there = await versions_of(session, job.job_id)
    # What was sent already is made, and dealt with as was asked for.
    assert len(there) == 1
    state = result.trials[0].state
    assert (state, there[0][1] == "KILLED") == (
        (TrialState.RUNNING, False) if running == "leave" else (TrialState.RESERVED, True)
    )


async def test_stop_in_a_callback_waits_for_nothing(tmp_path: Path) -> None:
    async def end(sweep: Sweep, trial: Trial) -> None:
        await sweep.stop()

    async with on_a_platform(tmp_path / "platform") as session:
        sweep = sweep_of(session, tmp_path, trials=50, concurrency=2)
        result = await asyncio.wait_for(sweep.run(callbacks=[end]), 20)
    assert isinstance(result.stopped_by, StoppedAsAsked)


async def test_versions_that_an_earlier_run_left_are_stopped_by_the_next_one(tmp_path: Path) -> None:
    async with on_a_platform(tmp_path / "platform", "duration=60") as session:
        sweep = sweep_of(session, tmp_path, trials=9, concurrency=2)
        first = asyncio.create_task(sweep.run())
        await until_running(sweep, 2)
        sweep.interrupt("leave")
        await asyncio.wait_for(first, 20)
        events = asyncio.Event()

        async def hear(event: SweepEvent) -> None:
            events.set()

        second = asyncio.create_task(sweep.run(listener=hear))
        await events.wait()
        await asyncio.sleep(0.5)
        sweep.interrupt("stop")
        result = await asyncio.wait_for(second, 20)
    assert [trial.state for trial in result.trials] == [TrialState.RESERVED] * 2


async def test_what_was_stopped_early_did_not_fail_and_is_not_tried_again(tmp_path: Path) -> None:
    async with AsyncSession(access_key="a", secret_key="s", project_id="p", region_name="r") as session:
        sweep = sweep_of(session, tmp_path, trials=4)
        config = sweep.config
        await asyncio.to_thread(config.results_dir.mkdir)
        async with Ledger.open(config.ledger_address, Definition(config.name, {}), SystemClock()) as ledger:
            await ledger.join("here", "1 1")
            over = (TrialState.PRUNED, TrialState.FAILED, TrialState.NO_METRIC, TrialState.SUCCEEDED)
            for state in over:
                held = await ledger.reserve(4, lambda number: config.begin(number, {"layers": number}))
                assert held is not None
                value = 0.5 if state is TrialState.SUCCEEDED else None
                await ledger.move(Move(TrialState.RESERVED, evolve(held.trial, state=state, value=value), "over"))
            await ledger.leave()
        assert [trial.number for trial in await sweep.retry()] == [2, 3]
