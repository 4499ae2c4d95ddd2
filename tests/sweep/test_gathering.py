"""Warm starts on a platform: what is read of earlier ledgers and of versions, what is kept, what is left out."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from aiomodelarts import AsyncSession, Sweep, SweepError
from aiomodelarts._clock import SystemClock
from aiomodelarts.hyperparameters import Hyperparameters
from aiomodelarts.models.job import VersionInfo
from aiomodelarts.status import JobStatus
from aiomodelarts.sweep import SweepEvent, SweepResult, Trial
from aiomodelarts.sweep.ledger.errors import SweepChanged
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.planning import gathering
from aiomodelarts.sweep.planning.gathering import Gathering, _each
from aiomodelarts.sweep.search.warm_start import (
    History,
)
from tests.support.fakes import estimator_on
from tests.support.platform import requests

from . import kept
from .documents import read
from .test_plan import READS

pytest.importorskip("optuna", reason="needs the extra sweep")

SWEEP = """\
[sweep]
name = "NAME"
concurrency = 1

[estimator]
framework_type = "PyTorch"
framework_version = "PyTorch-1.0.0-python3.6"
code_dir = "/bucket/src/"
boot_file = "/bucket/src/train.py"
output_path = "/bucket/out/"
inputs = "/bucket/data/"
train_instance_type = "modelarts.vm.cpu.2u"
hyperparameters = { epochs = 5 }

[space]
lr = { log_float = [1e-4, 0.1] }
layers = { int = [1, 8] }

[search]
algorithm = "ALGORITHM"
trials = 6
seed = 4

[objective]
log_pattern = 'accuracy=([0-9.]+)'
goal = "maximize"
"""


async def sweep_of(folder: Path, name: str, further: str = "", algorithm: str = "tpe", **changes: Any) -> Sweep:
    text = SWEEP.replace("NAME", name).replace("ALGORITHM", algorithm) + further
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    file = folder / f"{name}.toml"
    await asyncio.to_thread(file.write_text, text)
    return await asyncio.to_thread(Sweep.from_file, file)


FROM_OLD = '\n[warm_start]\nledgers = ["results/old/sweep.sqlite"]\n'


@pytest.fixture
async def old(session: AsyncSession, tmp_path: Path) -> SweepResult:
    """What an earlier sweep has found."""
    sweep = await sweep_of(tmp_path, "old", algorithm="random")
    return await sweep.run(session)


async def begun(sweep: Sweep, session: AsyncSession, **options: bool) -> tuple[SweepResult, History]:
    """What a sweep finds, and what it told when it began."""
    events: list[SweepEvent] = []

    async def listen(event: SweepEvent) -> None:
        events.append(event)

    result = await sweep.run(session, listener=listen, **options)
    assert events[0].warm_start is not None
    return result, events[0].warm_start


async def test_a_sweep_begins_where_an_earlier_one_ended(
    session: AsyncSession, tmp_path: Path, old: SweepResult
) -> None:
    changes = {"startup": ("seed = 4", "seed = 4\nstartup = 6")}
    sweep = await sweep_of(tmp_path, "new", FROM_OLD, **changes)
    plan = await sweep.plan(session)
    assert plan.notes == ("warm start: 6 values taken (6 from sweep old in results/old/sweep.sqlite)",)
    assert (len(plan.trials), plan.later) == (0, 6)
    result, history = await begun(sweep, session)
    assert [(one.point, one.values[0]) for one in history.observations] == [
        (one.point, one.value) for one in old.trials
    ]
    assert len(result.trials) == 6
    why = (await sweep.why(1))[0].why
    assert why == "reserved: suggested by tpe from 6 values, 6 of them from before this sweep"
    # The same sources give the same sweep.
    again = Sweep.of(evolve(sweep.config, name="again", results_dir=tmp_path / "again"))
    assert [one.point for one in (await again.run(session)).trials] == [one.point for one in result.trials]
    # What was taken is kept: the source may go.
    await asyncio.to_thread((tmp_path / "results/old/sweep.sqlite").unlink)
    assert (await sweep.run(session)).trials == result.trials
    assert (await sweep.plan(session)).notes == plan.notes
    more = await sweep_of(tmp_path, "new", FROM_OLD, **changes, more=("trials = 6", "trials = 8"))
    _, kept = await begun(more, session)
    assert kept == history
    told = (await more.why(8))[0].why
    assert told.startswith("reserved: suggested by tpe from 13 values, 6 of them from before this sweep")


async def test_another_source_is_a_change_of_the_sweep(session: AsyncSession, tmp_path: Path, old: SweepResult) -> None:
    await (await sweep_of(tmp_path, "new", FROM_OLD)).run(session)
    job = old.trials[0].job_id
    other = await sweep_of(tmp_path, "new", f"\n[warm_start]\njobs = [{job}]\n")
    with pytest.raises(SweepChanged, match=r"\[warm_start\] jobs: nothing -> "):
        await other.run(session)
    _, history = await begun(other, session, allow_change=True)
    assert {one.source for one in history.observations} == {f"job {job}"}


async def test_a_sweep_in_python_has_it_too(session: AsyncSession, tmp_path: Path, old: SweepResult) -> None:
    config = (await sweep_of(tmp_path, "new")).config
    sweep = Sweep(
        space=config.space,
        objective=config.objective,
        estimator={**config.settings, "inputs": "/bucket/data/"},
        trials=2,
        warm_start={"ledgers": [tmp_path / "results/old/sweep.sqlite"], "jobs": [old.trials[0].job_id]},
        results_dir=tmp_path / "new",
    )
    history = await _gathered(sweep, session)
    assert [one.point for one in history.observations] == [one.point for one in old.trials]


async def test_versions_of_a_job_are_read_and_nothing_else(
    session: AsyncSession, tmp_path: Path, old: SweepResult
) -> None:
    job_id, first = old.trials[0].job_id, old.trials[0].version_id
    estimator = estimator_on(session)
    beyond = [{"lr": 3.0, "layers": 4, "epochs": 5}, {"lr": 0.01, "layers": 4, "epochs": 6}]
    other = await estimator.create_job_versions(
        job_id=job_id, pre_version_id=first, inputs="/bucket/data/", each=[{"hyperparameters": one} for one in beyond]
    )
    for version in other:
        await version.wait()
    before = await requests(session.platform)
    named = await sweep_of(tmp_path, "new", f"\n[warm_start]\njobs = [{job_id}]\n")
    plan = await named.plan(session)
    after = await requests(session.platform)
    assert {name for name in after if after[name] != before.get(name)} <= {
        *READS,
        "listTrainingJobVersions",
        "getTrainingJobVersion",
        "listTrainingJobLogs",
        "getTrainingJobLog",
        "listTrainingJobLogFiles",
        "getTrainingJobLogFile",
    }
    taken, *left_out = plan.notes
    assert taken == f"warm start: 6 values taken (6 from job {job_id})"
    of_another = f"warm start: 1 of job {job_id} left out, of another space"
    assert sorted(left_out) == [
        f"{of_another}: epochs was not 5: version {other[1].version_id}",
        f"{of_another}: lr lies outside of [space]: version {other[0].version_id}",
    ]
    _, history = await begun(named, session)
    by_point = {str(one.point): one.values[0] for one in history.observations}
    assert by_point == {str(one.point): one.value for one in old.trials}


async def test_only_versions_that_have_ended_well_are_read(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Hyperparameters.of({"lr": 0.01, "layers": 2, "epochs": 5})
    states = [JobStatus.RUNNING, JobStatus.FAILED, JobStatus.COMPLETED, JobStatus.KILLED, JobStatus.LOST]
    rows = [VersionInfo(version_id=at, status=status, parameter=told) for at, status in enumerate(states, start=1)]
    read_from: list[int] = []

    async def listed(job: Any) -> AsyncIterator[VersionInfo]:
        for row in reversed(rows):
            yield row

    class Meters:
        def __init__(self, *_: Any) -> None:
            pass

        async def read(self, trial: Trial, *_: Any) -> tuple[float, ...]:
            read_from.append(trial.number)
            return (0.5,)

    monkeypatch.setattr(gathering, "iter_job_versions", listed)
    monkeypatch.setattr(gathering, "Meters", Meters)
    config = (await sweep_of(tmp_path, "new", "\n[warm_start]\njobs = [7]\n")).config
    history = await Gathering(config, session, None, Ledger).gather()
    assert read_from == [3]
    assert [one.point for one in history.observations] == [{"lr": 0.01, "layers": 2}]
    assert {one.reason for one in history.left_out} == {
        f"without a value ({name})" for name in ("running", "failed", "killed", "lost")
    }


async def test_a_version_that_comes_by_two_ways_is_taken_once(
    session: AsyncSession, tmp_path: Path, old: SweepResult
) -> None:
    both = await sweep_of(tmp_path, "new", f"{FROM_OLD}jobs = [{old.trials[0].job_id}]\n")
    history = await _gathered(both, session)
    assert len(history.observations) == 6
    assert [(one.reason, one.count) for one in history.left_out] == [("taken already", 6)]


async def test_versions_without_a_value_are_told(session: AsyncSession, tmp_path: Path, old: SweepResult) -> None:
    pattern = ("accuracy=([0-9.]+)", "loss=([0-9.]+)")
    job = old.trials[0].job_id
    other = await sweep_of(tmp_path, "new", f"\n[warm_start]\njobs = [{job}]\n", pattern=pattern)
    history = await _gathered(other, session)
    assert not history.observations
    (left_out,) = history.left_out
    assert (left_out.count, left_out.reason) == (6, "no log line matches 'loss=([0-9.]+)'")
    # Of a ledger its values are taken, and it is told that they were read otherwise.
    of_ledger = await _gathered(await sweep_of(tmp_path, "newer", FROM_OLD, pattern=pattern), session)
    assert len(of_ledger.observations) == 6
    assert "read its objective in another way: [objective] log_pattern" in of_ledger.notes[0]


async def test_values_of_the_oldest_ledgers_are_taken(session: AsyncSession, tmp_path: Path) -> None:
    def write() -> None:
        with closing(sqlite3.connect(tmp_path / "old.sqlite")) as before:
            before.executescript((kept.FOLDER / "sqlite-1.sql").read_text("utf-8"))

    await asyncio.to_thread(write)
    text = await asyncio.to_thread((kept.FOLDER / "sweep.toml").read_text, "utf-8")
    text = text.replace('"kept"', '"new"').replace('"random"', '"tpe"') + '\n[warm_start]\nledgers = ["old.sqlite"]\n'
    config = read(text, tmp_path)
    history = await Gathering(config, session, None, Ledger).gather()
    async with Ledger.read(tmp_path / "old.sqlite", "kept", SystemClock()) as ledger:
        valued = [trial for trial in await ledger.trials() if trial.value is not None]
    assert [one.point for one in history.observations] == [trial.point for trial in valued]
    assert valued


async def test_a_job_may_be_named(session: AsyncSession, tmp_path: Path) -> None:
    named = ('name = "old"', 'name = "old"\njob_name = "trained"')
    await (await sweep_of(tmp_path, "old", algorithm="random", named=named)).run(session)
    history = await _gathered(await sweep_of(tmp_path, "new", '\n[warm_start]\njobs = ["trained"]\n'), session)
    assert len(history.observations) == 6


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("jobs = [999999]", "[warm_start] jobs: job 999999 is not there"),
        ('jobs = ["nobody"]', "[warm_start] jobs: there is no job nobody"),
        ('ledgers = ["none.sqlite"]', "[warm_start] ledgers: there is no ledger"),
        ('ledgers = ["results/old/sweep.sqlite"]\nsweeps = ["odl"]', 'no ledger has odl; did you mean "old"?'),
    ],
)
async def test_a_source_that_is_not_there_is_told_before_anything_is_sent(
    session: AsyncSession, tmp_path: Path, old: SweepResult, source: str, why: str
) -> None:
    sweep = await sweep_of(tmp_path, "new", f"\n[warm_start]\n{source}\n")
    (refusal,) = (await sweep.plan(session)).refused
    assert refusal.what == "warm_start"
    assert why in refusal.why
    with pytest.raises(SweepError) as raised:
        await sweep.run(session)
    assert why in str(raised.value)
    # Nothing remembers the attempt either: the file may be put right.
    assert not await asyncio.to_thread((tmp_path / "results/new/sweep.sqlite").exists)


async def test_a_ledger_of_several_sweeps_wants_a_name(session: AsyncSession, tmp_path: Path, old: SweepResult) -> None:
    second = await sweep_of(tmp_path, "second", algorithm="random", space=("[1, 8]", "[11, 18]"))
    in_one = evolve(second.config, ledger=f"sqlite:///{tmp_path}/results/old/sweep.sqlite")
    await Sweep.of(in_one).run(session)
    with pytest.raises(SweepError, match=r"holds several sweeps \(old, second\); name those that are meant"):
        await (await sweep_of(tmp_path, "new", FROM_OLD)).run(session)
    history = await _gathered(await sweep_of(tmp_path, "new", f'{FROM_OLD}sweeps = ["second", "old"]\n'), session)
    assert [one.source for one in history.observations] == ["sweep old in results/old/sweep.sqlite"] * 6
    assert [(one.count, one.reason) for one in history.left_out] == [
        (6, "of another space: layers lies outside of [space]")
    ]


async def _gathered(sweep: Sweep, session: AsyncSession) -> History:
    return (await begun(sweep, session))[1]


async def test_so_many_objectives_are_read_at_a_time_and_their_order_stays() -> None:
    going = most = 0

    async def work(item: int) -> int:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await asyncio.sleep(0.001 * (item % 3))
        going -= 1
        return item * 2

    assert await _each(work, range(50)) == [item * 2 for item in range(50)]
    assert most == 8
    assert await _each(work, []) == []

    async def fail(item: int) -> int:
        raise SweepError(f"no {item}")

    with pytest.raises(SweepError, match="no 0"):
        await _each(fail, range(20))
