"""Sweeps described in Python: the same values and the same complaints as those of a file."""

import asyncio
import inspect
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aiomodelarts import AsyncEstimator, AsyncSession
from aiomodelarts.errors import SweepError
from aiomodelarts.sweep import (
    AdaptiveSearch,
    Budget,
    Choice,
    Failure,
    Float,
    Goal,
    Int,
    InvalidSweep,
    JsonFile,
    LogPattern,
    Objective,
    PlatformMetric,
    PointList,
    Pruning,
    QuasiRandomSearch,
    RandomSearch,
    RetryBudget,
    Space,
    Sweep,
    Take,
    maximize,
    minimize,
)
from aiomodelarts.sweep.description import config as sweep_file
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.description.given import GivenDocument
from aiomodelarts.sweep.description.reader import TableReader
from aiomodelarts.sweep.description.tables.sweep import read_sweep
from aiomodelarts.sweep.space.constraints import Constraint

SETTINGS = {
    "framework_type": "PyTorch",
    "framework_version": "PyTorch-1.0.0-python3.6",
    "code_dir": "/bucket/src/",
    "boot_file": "/bucket/src/train.py",
    "output_path": "/bucket/out/",
    "train_instance_type": "modelarts.vm.gpu.p100",
}
ESTIMATOR = {**SETTINGS, "inputs": "/bucket/data/"}
ESTIMATOR_TOML = "[estimator]\n" + "".join(f'{key} = "{value}"\n' for key, value in ESTIMATOR.items())
ACCURACY = maximize(log_pattern="accuracy=([0-9.]+)")
LR = {"lr": Choice((0.1, 0.2))}


def given(**arguments: Any) -> Sweep:
    return Sweep(**{"space": LR, "objective": ACCURACY, "estimator": ESTIMATOR, **arguments})


def from_toml(text: str) -> sweep_file.SweepConfig:
    return sweep_file.parse(text, file="sweep.toml", folder=Path())


def complaint(**arguments: Any) -> str:
    with pytest.raises(InvalidSweep) as caught:
        given(**arguments)
    return str(caught.value)


def test_a_whole_sweep_is_the_same_value_as_the_one_of_a_file() -> None:
    from_file = from_toml(f"""\
[sweep]
name = "whole"
concurrency = 7
job_name = "mine"
results_dir = "there"
ledger = "kept.sqlite"
{ESTIMATOR_TOML}
hyperparameters = {{ epochs = 3 }}
[space]
lr = {{ log_float = [1e-4, 1e-1] }}
dropout = {{ float = [0.0, 0.5], step = 0.1 }}
layers = {{ int = [1, 9], step = 2 }}
width = {{ log_int = [8, 512], num = 4 }}
i = {{ range = [1, 120] }}
act = {{ choice = ["relu", "tanh"] }}
momentum = {{ float = [0.5, 0.99], when = {{ act = ["relu"], layers = 3 }} }}
[search]
algorithm = "tpe"
trials = 50
seed = 3
startup = 5
constraints = ["layers * width <= 2000"]
[objective]
log_pattern = 'accuracy=([0-9.]+)'
take = "best"
goal = "maximize"
[pruning]
method = "median"
n_warmup_steps = 4
[budget]
max_trials = 40
max_hours = 20
max_trial_hours = 0.5
max_cost = 100
prices = {{ "modelarts.vm.gpu.p100" = 4.5 }}
[retry]
lost = 1
code = 2
""")
    from_python = Sweep(
        name="whole",
        concurrency=7,
        job_name="mine",
        results_dir="there",
        ledger=Path("kept.sqlite"),
        estimator=SETTINGS | {"hyperparameters": {"epochs": 3}},
        inputs="/bucket/data/",
        space={
            "lr": Float(1e-4, 1e-1, log=True),
            "dropout": Float(0, 0.5, step=0.1),
            "layers": Int(1, 9, 2),
            "width": Int(8, 512, log=True, num=4),
            "i": range(1, 121),
            "act": ["relu", "tanh"],
            "momentum": Float(0.5, 0.99).when(act=["relu"], layers=3),
        },
        search=AdaptiveSearch("tpe", 50, startup=5),
        seed=3,
        constraints=["layers * width <= 2000"],
        objective=Objective(LogPattern(re.compile("accuracy=([0-9.]+)"), Take.BEST), Goal.MAXIMIZE),
        pruning={"method": "median", "n_warmup_steps": 4},
        budget=Budget(40, 20, 100, 0.5, {"modelarts.vm.gpu.p100": 4.5}),
        retry={Failure.LOST: 1, "code": 2},
    )
    assert settings_of(from_python.config) == settings_of(from_file)
    # A file has its code beside it; nothing else tells the two apart.
    assert from_file.local_folders != {}
    assert from_python.config == Sweep.of(from_file).config.__class__(
        **{name: getattr(from_file, name) for name in from_file.__slots__ if not name.startswith("__")}
        | {"local_folders": {}}
    )


@pytest.mark.parametrize(
    ("arguments", "toml"),
    [
        ({}, '[search]\nalgorithm = "grid"'),
        ({"trials": 2}, '[search]\nalgorithm = "tpe"\ntrials = 2'),
        ({"search": "random", "trials": 2, "seed": 4}, '[search]\nalgorithm = "random"\ntrials = 2\nseed = 4'),
        ({"search": RandomSearch(2, 4)}, '[search]\nalgorithm = "random"\ntrials = 2\nseed = 4'),
        ({"search": QuasiRandomSearch(2)}, '[search]\nalgorithm = "quasi-random"\ntrials = 2'),
        ({"search": [{"lr": 0.2}]}, '[search]\nalgorithm = "points"\npoints = [{ lr = 0.2 }]'),
        ({"search": PointList(({"lr": 0.2},))}, '[search]\nalgorithm = "points"\npoints = [{ lr = 0.2 }]'),
    ],
)
def test_ways_to_say_a_search(arguments: dict[str, Any], toml: str) -> None:
    text = (
        '[sweep]\nname = "a"\n[space]\nlr = { choice = [0.1, 0.2] }\n'
        f"{ESTIMATOR_TOML}{toml}\n[objective]\nlog_pattern = 'accuracy=([0-9.]+)'\ngoal = \"maximize\"\n"
    )
    assert given(**arguments).config.search == from_toml(text).search


@pytest.mark.parametrize(
    ("objective", "source", "goal"),
    [
        (minimize(json_file="m.json", key="a.b"), JsonFile("m.json", "a.b"), Goal.MINIMIZE),
        (Objective(JsonFile("m.json", "a.b"), Goal.MINIMIZE), JsonFile("m.json", "a.b"), Goal.MINIMIZE),
        (maximize(metric="f1"), PlatformMetric("f1"), Goal.MAXIMIZE),
        ({"metric": "f1", "goal": Goal.MAXIMIZE}, PlatformMetric("f1"), Goal.MAXIMIZE),
        (maximize(log_pattern=re.compile("A=(.)", re.IGNORECASE)), LogPattern(re.compile("(?i)A=(.)")), Goal.MAXIMIZE),
    ],
)
def test_ways_to_say_an_objective(objective: Any, source: Any, goal: Goal) -> None:
    assert given(objective=objective).config.objective == Objective(source, goal)


def test_several_objectives_have_names() -> None:
    config = given(objective={"acc": ACCURACY, "size": Objective(PlatformMetric("size"), Goal.MINIMIZE)}).config
    assert config.goals == {"acc": Goal.MAXIMIZE, "size": Goal.MINIMIZE}


def test_a_space_value_brings_its_conditions_and_constraints() -> None:
    axes = {"layers": Int(1, 4), "width": Choice((8, 16)), "skip": Choice((True, False))}
    space = Space(axes, {"skip": {"layers": (3, 4)}})
    whole = Space(axes, space.conditions, (Constraint.parse("layers * width < 40", axes),))
    assert given(space=space).config.space == space
    assert given(space=whole).config.space == whole


def test_pruning_and_retry_as_values_and_as_names() -> None:
    told = given(pruning="median").config.pruning
    assert told is not None
    assert told.settings["n_startup_trials"] == 5
    again = given(pruning=Pruning("median", told.settings, told.source, told.goal)).config.pruning
    assert again == told
    one_sided = given(pruning={"method": "threshold", "lower": 0.5}).config.pruning
    assert given(pruning=one_sided).config.pruning == one_sided
    assert given(retry=RetryBudget({Failure.CODE: 2})).config.retry.times[Failure.CODE] == 2


def test_numbers_of_other_libraries_are_taken_as_numbers() -> None:
    space = {"a": [np.float32(0.5), np.int64(3)], "b": Int(np.int64(1), np.int64(3)), "c": Float(Decimal(0), 1, num=3)}
    config = given(space=space, trials=np.int32(2)).config
    assert config.space.axes == {"a": Choice((0.5, 3)), "b": Int(1, 3), "c": Float(0.0, 1.0, num=3)}
    assert config.count == 2


def test_the_name_follows_from_what_trials_depend_on() -> None:
    first, again, more = given(trials=1), given(trials=1, concurrency=9), given(trials=2)
    assert re.fullmatch(r"sweep-[0-9a-f]{8}", first.config.name)
    assert first.config.name == again.config.name == more.config.name
    assert first.config.results_dir == Path("results", first.config.name)
    assert given(space={"lr": [0.1, 0.3]}, trials=1).config.name != first.config.name
    assert given(results_dir="here").config.results_dir == Path("here")


async def test_an_estimator_stands_for_its_arguments(tmp_path: Path) -> None:
    async with AsyncSession(token="t", project_id="p", endpoints={"modelarts": "http://127.0.0.1:9"}) as session:
        estimator = AsyncEstimator(
            session, train_instance_count=2, hyperparameters={"epochs": 3}, job_description="told", **SETTINGS
        )
        config = given(estimator=estimator, inputs="/bucket/data/").config
        assert config.nodes == 2
        assert config.settings["hyperparameters"] == {"epochs": "3"}
        assert config.settings["job_description"] == "told"
        assert config.inputs == {"inputs": "/bucket/data/"}
        assert config.flavors == ("modelarts.vm.gpu.p100",)
        several = given(
            estimator=estimator, inputs="/bucket/data/", flavors=["modelarts.vm.gpu.v100", "modelarts.vm.gpu.p100"]
        ).config
        assert several.settings["train_instance_type"] == "modelarts.vm.gpu.v100"
        assert len(several.flavors) == 2
        # It says everything that it was told, so that an estimator made from that is the same.
        assert AsyncEstimator(session, **estimator.arguments).settings == estimator.settings
        with pytest.raises(InvalidSweep, match=r"space\['epochs'\]: stands under \[estimator\] hyperparameters too"):
            given(estimator=estimator, inputs="/bucket/data/", space={"epochs": [1, 2]})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"objective": maximize(log_patern="a=(.)")}, "objective['log_patern']: unknown key; did you mean"),
        ({"objective": {"metric": "f1"}}, "objective: goal is missing"),
        ({"objective": "accuracy"}, "objective: is text, and has to be a table"),
        ({"space": {"lr": 0.1}}, "space['lr']: is a number, and has to be a table"),
        ({"space": {}}, "space: is empty"),
        ({"space": None}, "[space] is missing"),
        ({"space": {"lr": object}}, "space['lr']: is of type type, and has to be a table"),
        ({"space": {"lr": Float(0, 1).when(act="relu"), "act": ["tanh"]}}, "space['lr']['when']['act']:"),
        ({"space": {"lr": Float(0, 1)}}, "search: a grid needs a number of points on lr"),
        ({"space": {"data_url": [1, 2]}}, "space['data_url']: is an option that the platform itself gives"),
        ({"search": "tpee", "trials": 2}, "search['algorithm']: is \"tpee\"; did you mean \"tpe\"?"),
        ({"search": "grid", "trials": 2}, "search['trials']: unknown key"),
        ({"trials": 0}, "search['trials']: is 0, and has to be at least 1"),
        ({"trials": 3}, "search: the space has 2 points, and 3 trials are asked for"),
        ({"search": [{"lr": 0.3}]}, "search['points']: point 1: lr is 0.3, not one of 0.1, 0.2"),
        ({"search": [{"rl": 0.1}]}, "search['points']: point 1: rl is not in the space; Allowed: lr"),
        ({"search": [{"lr": 0.1}, {"lr": 0.1}]}, "search['points']: point 2: is the same point as point 1"),
        ({"search": []}, "search['points']: holds no point"),
        ({"concurrency": 0}, "concurrency: is 0, and has to be at least 1"),
        ({"concurrency": "4"}, "concurrency: is text, \"4\", and has to be a whole number"),
        ({"name": "a b"}, "name: is \"a b\"; allowed are 1 to 40 letters"),
        ({"estimator": {**ESTIMATOR, "code_dir": None}}, "estimator['code_dir']"),
        ({"estimator": {**ESTIMATOR, "boot_fil": "a"}}, "estimator['boot_fil']: unknown key; did you mean"),
        ({"estimator": {**ESTIMATOR, "inputs": "/a/"}, "inputs": "/b/"}, "inputs: stands in estimator['inputs'] too"),
        ({"estimator": 3}, "estimator: is a whole number, and has to be a table"),
        ({"pruning": "medium"}, "pruning['method']: is \"medium\"; did you mean \"median\"?"),
        ({"budget": {"max_hours": 1}}, "budget['max_hours']: needs max_trial_hours"),
        ({"budget": {"max_cost": 1, "max_trial_hours": 1, "prices": {"modelarts.vm.gpu.p10": 1}}}, "did you mean"),
        ({"retry": {"lots": 1}}, "retry['lots']: unknown key; did you mean \"lost\"?"),
        ({"constraints": "lr <"}, "search['constraints']:"),
        ({"constraints": 3}, "search['constraints']: is a whole number, and has to be a list"),
        ({"ledger": "mysql://here"}, "ledger: has to be a path, or a URL"),
        ({"objective": {"a": ACCURACY, "b": ACCURACY}, "pruning": "median"}, "pruning: goes with one objective"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_the_name_of_the_argument(arguments: dict[str, Any], said: str) -> None:
    assert said in complaint(**arguments)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = complaint(concurrency=0, objective=maximize(metric=3), retry={"lost": -1})
    assert [line.partition(":")[0] for line in told.splitlines()] == [
        "objective['metric']", "concurrency", "retry['lost']",
    ]  # fmt: skip
    assert issubclass(InvalidSweep, SweepError)


def test_a_sweep_without_a_session_says_what_to_do() -> None:
    with pytest.raises(TypeError, match="give it one, or an AsyncEstimator"):
        asyncio.run(given().run())


def test_everything_that_a_file_can_say_has_an_argument() -> None:
    arguments = inspect.signature(Sweep.__init__).parameters.keys()
    assert set(sweep_file._TABLES) - {"sweep"} <= arguments
    with pytest.raises(InvalidSweep) as caught:
        given(estimator={**ESTIMATOR, "x": 1}, name="a b")
    assert "x" in str(caught.value)
    table = TableReader(GivenDocument({"sweep": {"name": "a", "?": 1}}), ("sweep",), problems := [])
    read_sweep(table, Path())
    allowed = problems[0].message.partition("Allowed: ")[2].split(", ")
    assert len(allowed) >= 5
    assert set(allowed) <= arguments


def test_a_warm_start_as_a_table_and_as_a_value() -> None:
    ways = {"search": "tpe", "trials": 2}
    table = given(**ways, warm_start={"ledgers": ["old.sqlite"], "sweeps": ["old"], "jobs": [3]}).config.warm_start
    assert table is not None
    again = given(**ways, warm_start=table).config.warm_start
    assert again is not None
    assert [one.address for one in again.ledgers] == [one.address for one in table.ledgers] == ["sqlite:///old.sqlite"]
    assert (again.sweeps, again.jobs) == (("old",), (3,))
    assert "warm_start: goes with tpe" in complaint(warm_start={"jobs": [3]})


def test_its_repr_says_what_it_is() -> None:
    assert repr(given(name="mine")) == "<Sweep mine: 2 trials, grid>"
