"""A sweep's ledger as an Optuna study: what is in it, where it can be kept, and that Optuna's own plots show it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts import Sweep, SweepError
from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep.description.config import SweepConfig
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Measure, Move
from aiomodelarts.sweep.space.axes import Choice, Float, Int
from aiomodelarts.sweep.space.space import Point, Space
from aiomodelarts.sweep.trial import Trial, TrialState

from .documents import GOOD, read
from .spaces import spaces

optuna = pytest.importorskip("optuna", reason="needs the extra sweep")
from aiomodelarts.sweep.report.export import Record, export  # noqa: E402

COMPLETE, PRUNED, FAIL, RUNNING, WAITING = (
    optuna.trial.TrialState[name] for name in ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")
)

SPACE = """\
optimizer = { choice = ["adam", "sgd"] }
momentum = { float = [0, 1], when = { optimizer = "sgd" } }
lr = { log_float = [1e-4, 1e-1] }
width = { float = [0, 1], step = 0.25 }
batch = { log_int = [8, 512], num = 7 }
units = { log_int = [1, 1024] }
layers = { int = [1, 8], step = 3 }

[search]
algorithm = "tpe"
trials = 9
constraints = ["batch * layers <= 4096"]
"""
CONFIG = read(GOOD[: GOOD.index("lr =")] + SPACE + GOOD[GOOD.index("\n[objective]") :])
TWO = """
[objective.accuracy]
log_pattern = 'accuracy=([0-9.]+)'
goal = "maximize"

[objective.size]
log_pattern = 'size=([0-9.]+)'
goal = "minimize"
"""
OF_TWO = read(GOOD[: GOOD.index("lr =")] + SPACE + TWO)
ADAM: Point = {"optimizer": "adam", "lr": 0.01, "width": 0.25, "batch": 16, "units": 5, "layers": 4}
SGD: Point = {"optimizer": "sgd", "momentum": 0.5, "lr": 0.02, "width": 0.75, "batch": 512, "units": 700, "layers": 7}
VERSION = {"job_id": 7, "began_at": 1000.0}


def trial(number: int, state: TrialState, point: Point = ADAM, **more: Any) -> Trial:
    return Trial(number, point, f"/b/o/{number:04d}/", state=state, **more)


TRIALS = [
    trial(1, TrialState.SUCCEEDED, value=0.5, version_id=1, duration_s=60.0, flavor="gpu", **VERSION),
    trial(2, TrialState.SUCCEEDED, SGD, value=0.7, version_id=2, duration_s=90.0, attempt=2, **VERSION),
    trial(3, TrialState.PRUNED, version_id=3, duration_s=9.0, last_value=0.1, last_step=2, reason="worse", **VERSION),
    trial(4, TrialState.FAILED, SGD, version_id=4, duration_s=5.0, failure="code", reason="it broke", **VERSION),
    trial(5, TrialState.NO_METRIC, version_id=5, duration_s=5.0, reason="nothing matched", **VERSION),
    trial(6, TrialState.REFUSED, reason="no quota"),
    trial(7, TrialState.RUNNING, version_id=7, **VERSION),
    trial(8, TrialState.RESERVED),
    trial(9, TrialState.SUCCEEDED, {**SGD, "layers": 99, "gone": 1}, value=0.6, version_id=9, **VERSION),
]
MEASURES = [
    Measure(2, 1, 1, 0.01),
    Measure(2, 2, 1, 0.2),
    Measure(2, 2, 2, 0.7),
    Measure(3, 1, 1, 0.3),
    Measure(3, 1, 2, 0.1),
]


async def written(config: SweepConfig, folder: Path, trials: Sequence[Trial]) -> Sweep:
    """A sweep whose ledger holds these trials."""
    sweep = Sweep.of(evolve(config, results_dir=folder))
    definition = Definition(config.name, settings_of(config))
    async with Ledger.open(sweep.config.ledger_address, definition, SystemClock()) as ledger:
        await ledger.join("here", "1 1")
        for one in trials:
            await ledger.reserve(
                len(trials), lambda number: trial(number, TrialState.RESERVED, trials[number - 1].point)
            )
            if one.state is not TrialState.RESERVED:
                await ledger.move(Move(TrialState.RESERVED, one, "as it came"))
        await ledger.note(MEASURES)
    return sweep


@pytest.fixture
async def sweep(tmp_path: Path) -> Sweep:
    return await written(CONFIG, tmp_path, TRIALS)


async def test_every_trial_is_there_as_it_is(sweep: Sweep) -> None:
    study = await sweep.study()
    told = study.get_trials()
    assert study.direction is optuna.study.StudyDirection.MAXIMIZE
    assert [one.state for one in told] == [
        COMPLETE, COMPLETE, PRUNED, FAIL, FAIL, FAIL, RUNNING, WAITING, COMPLETE
    ]  # fmt: skip
    assert [one.number + 1 for one in told] == [one.number for one in TRIALS]
    assert [one.value for one in told] == [0.5, 0.7, 0.1, None, None, None, None, None, 0.6]
    assert [one.params for one in told[:8]] == [one.point for one in TRIALS[:8]]
    assert told[1].intermediate_values == {1: 0.2, 2: 0.7}
    assert told[2].intermediate_values == {1: 0.3, 2: 0.1}
    assert study.best_trial.number == 1
    assert study.user_attrs["constraints"] == ["batch * layers <= 4096"]


async def test_the_ids_and_the_reasons_go_with_it(sweep: Sweep) -> None:
    told = (await sweep.study()).get_trials()
    assert told[0].user_attrs == {
        "trial": 1,
        "state": "succeeded",
        "job_id": 7,
        "version_id": 1,
        "attempt": 1,
        "flavor": "gpu",
        "output_path": "/b/o/0001/",
    }
    assert (told[3].user_attrs["reason"], told[3].user_attrs["failure"]) == ("it broke", "code")
    assert (told[4].user_attrs["state"], told[5].user_attrs["state"]) == ("no metric", "refused")
    assert told[1].user_attrs["attempt"] == 2
    # A trial from before the space was changed has what it shares with the space, and the rest beside it.
    assert told[8].params == {name: value for name, value in SGD.items() if name != "layers"}
    assert told[8].user_attrs["outside_of_the_space"] == {"layers": 99, "gone": 1}


async def test_times_are_those_of_the_ledger(sweep: Sweep) -> None:
    told = (await sweep.study()).get_trials()
    assert told[0].datetime_start == datetime.fromtimestamp(1000.0).astimezone().replace(tzinfo=None)
    assert [one.duration.total_seconds() for one in told[:5]] == [60.0, 90.0, 9.0, 5.0, 5.0]
    assert (told[6].datetime_start is None, told[6].datetime_complete) == (False, None)
    # Nothing was made for it, but it was refused at a time.
    assert told[5].datetime_complete is not None
    assert told[5].datetime_complete.year >= 2024


async def test_axes_are_as_people_read_them(sweep: Sweep) -> None:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    told = (await sweep.study()).get_trials()[1].distributions
    assert told == {
        "optimizer": CategoricalDistribution(["adam", "sgd"]),
        "momentum": FloatDistribution(0.0, 1.0),
        "lr": FloatDistribution(1e-4, 0.1, log=True),
        "width": FloatDistribution(0.0, 1.0, step=0.25),
        "batch": IntDistribution(8, 512, log=True),
        "units": IntDistribution(1, 1024, log=True),
        "layers": IntDistribution(1, 7, step=3),
    }


@given(spaces(), st.integers(0, 2**16))
def test_points_of_every_space_can_be_exported(space: Space, seed: int) -> None:
    rng = Random(seed)
    points = [space.draw(rng) for _ in range(5)]
    trials = [trial(number, TrialState.SUCCEEDED, point, value=1.0) for number, point in enumerate(points, start=1)]
    study = export(evolve(CONFIG, space=space), Record(trials, [], []), None, "x")
    for one, point in zip(study.get_trials(), points, strict=True):
        mixed = {name for name in point if space.axes[name] == Choice((True, 1, 1.0, "1"))}
        assert one.params == {name: repr(value) if name in mixed else value for name, value in point.items()}
        assert "outside_of_the_space" not in one.user_attrs


async def test_values_that_python_takes_for_equal_stay_apart(tmp_path: Path) -> None:
    mixed = evolve(CONFIG, space=Space({"a": Choice((True, 1, 1.0)), "b": Float(2.0, 2.0), "c": Int(1, 64, log=True)}))
    points: list[Point] = [{"a": value, "b": 2.0, "c": 3} for value in (True, 1, 1.0)]
    trials = [trial(number, TrialState.SUCCEEDED, point, value=1.0) for number, point in enumerate(points, start=1)]
    study = await (await written(mixed, tmp_path, trials)).study()
    assert [one.params["a"] for one in study.get_trials()] == ["True", "1", "1.0"]
    assert [one.params["b"] for one in study.get_trials()] == [2.0] * 3


@pytest.mark.parametrize("storage", ["sqlite:///{}/deep/study.sqlite", "journal:{}/deep/study.log"])
async def test_a_study_can_be_kept_and_is_replaced_by_the_next_export(
    sweep: Sweep, tmp_path: Path, storage: str
) -> None:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    url = storage.format(tmp_path)
    in_memory = await sweep.study()
    for _ in range(2):
        await sweep.study(url)
    await sweep.study(url, name="another")

    def load(name: str) -> Any:
        kept = url if url.startswith("sqlite") else JournalStorage(JournalFileBackend(url.removeprefix("journal:")))
        return optuna.load_study(study_name=name, storage=kept).get_trials()

    for name in ("digits", "another"):
        for one, other in zip(await asyncio.to_thread(load, name), in_memory.get_trials(), strict=True):
            # Ids are given by the storage.
            kept, told = (dict(vars(it), _trial_id=0) for it in (one, other))
            assert kept == told


async def test_a_study_of_somebody_else_is_left_alone(sweep: Sweep, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.sqlite"
    await asyncio.to_thread(optuna.create_study, storage=url, study_name="digits")
    with pytest.raises(SweepError, match="has a study digits that was not exported from a sweep; choose another name"):
        await sweep.study(url)
    assert not await asyncio.to_thread(lambda: optuna.load_study(study_name="digits", storage=url).user_attrs)


@pytest.mark.parametrize(
    ("storage", "why"),
    [
        ("study.sqlite", "write journal:study.sqlite, sqlite:///study.sqlite or a database's URL"),
        ("nothing://host/base", "the storage cannot be used"),
        ("sqlite:////proc/none/study.sqlite", "the storage cannot be used"),
        ("journal:/proc/none/study.log", "the storage cannot be used"),
    ],
)
async def test_a_storage_that_cannot_be_used_is_told(sweep: Sweep, storage: str, why: str) -> None:
    with pytest.raises(SweepError) as raised:
        await sweep.study(storage)
    assert why in str(raised.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("no journal\n", "is no journal of Optuna; choose another file"),
        ('{"op_code":0}\n{"op', "was cut short, by a program that was killed perhaps; move it away"),
    ],
)
async def test_a_journal_that_is_none_or_was_cut_short_is_left_as_it_is(
    sweep: Sweep, tmp_path: Path, content: str, why: str
) -> None:
    journal = tmp_path / "study.log"
    await asyncio.to_thread(journal.write_text, content)
    with pytest.raises(SweepError) as raised:
        await sweep.study(f"journal:{journal}")
    assert why in str(raised.value)
    assert await asyncio.to_thread(journal.read_text) == content


async def test_several_objectives_become_directions_with_names(tmp_path: Path) -> None:
    values = [(0.9, 5.0), (0.8, 1.0), (0.7, 3.0)]
    trials = [
        trial(number, TrialState.SUCCEEDED, value=one[0], values=one) for number, one in enumerate(values, start=1)
    ]
    sweep = await written(OF_TWO, tmp_path, trials)
    study = await sweep.study()
    assert [one.values for one in study.get_trials()] == [list(one) for one in values]
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["accuracy", "size"]
    assert sorted(one.number for one in study.best_trials) == [0, 1]
    assert [one.number - 1 for one in (await sweep.past()).front] == [0, 1]
    figure = await asyncio.to_thread(optuna.visualization.plot_pareto_front, study)
    assert figure.layout.xaxis.title.text == "accuracy"


async def test_optunas_own_plots_show_it(sweep: Sweep) -> None:
    pytest.importorskip("plotly", reason="needs the extra report")
    study = await sweep.study()
    plots = optuna.visualization

    def draw() -> dict[str, Any]:
        return {
            "history": plots.plot_optimization_history(study),
            "parallel": plots.plot_parallel_coordinate(study),
            "slice": plots.plot_slice(study, params=["lr", "layers", "optimizer", "momentum"]),
            "contour": plots.plot_contour(study, params=["lr", "units"]),
            "steps": plots.plot_intermediate_values(study),
            "timeline": plots.plot_timeline(study),
            "edf": plots.plot_edf(study),
            "rank": plots.plot_rank(study, params=["lr", "batch"]),
        }

    drawn = await asyncio.to_thread(draw)
    assert sorted(drawn["history"].data[0].y) == [0.5, 0.6, 0.7]
    assert {line.name for line in drawn["steps"].data} == {"Trial1", "Trial2"}
    # A hyperparameter that is not always there has an axis, too.
    assert set(drawn["parallel"].layout.xaxis.ticktext[1:]) == set(CONFIG.space.axes)
    assert {bar.name for bar in drawn["timeline"].data} >= {"COMPLETE", "PRUNED", "FAIL", "RUNNING"}
