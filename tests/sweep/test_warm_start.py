"""What a sweep takes from before it: from earlier ledgers and from versions that are there, with reads only."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep.description.definition import settings_of
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition
from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.search.search import AdaptiveSearch
from aiomodelarts.sweep.search.searcher import Searcher
from aiomodelarts.sweep.search.warm_start import (
    Elsewhere,
    History,
    LeftOut,
    Observation,
    WarmStart,
    another_objective,
    point_in,
)
from aiomodelarts.sweep.space.constraints import Constraint
from aiomodelarts.sweep.space.space import Choice, Float, Int, Space

from .documents import GOOD, complaint, read
from .spaces import spaces

pytest.importorskip("optuna", reason="needs the extra sweep")

SPACE = Space(
    {"lr": Float(1e-4, 0.1, log=True), "kind": Choice(("a", "b")), "deep": Int(1, 8), "on": Choice((True, False))},
    {"deep": {"kind": ("b",)}},
)


@given(spaces(), st.integers(0, 2**16))
def test_whatever_a_script_of_this_space_was_told_is_its_point(space: Space, seed: int) -> None:
    mixed = Choice((True, 1, 1.0, "1"))
    assume(mixed not in space.axes.values())
    point = space.draw(Random(seed))
    assert point_in(space, {"epochs": 3}, {**point, "epochs": "3"}) == point


@pytest.mark.parametrize(
    ("told", "point"),
    [
        ({"lr": "0.01", "kind": "a", "on": "true"}, {"lr": 0.01, "kind": "a", "on": True}),
        # Whoever passes everything every time passes what means nothing, too.
        ({"lr": "1e-2", "kind": "a", "deep": "99", "on": "True"}, {"lr": 0.01, "kind": "a", "on": True}),
        ({"lr": 0.01, "kind": "b", "deep": 8, "on": False}, {"lr": 0.01, "kind": "b", "deep": 8, "on": False}),
    ],
)
def test_points_come_from_text_and_from_values(told: dict[str, Any], point: dict[str, Any]) -> None:
    assert point_in(SPACE, {"epochs": 5}, {**told, "epochs": "5.0"}) == point


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"lr": "1"}, "lr lies outside of"),
        ({"lr": "abc"}, "lr lies outside of"),
        ({"lr": None}, "lr is missing"),
        ({"kind": "b"}, "deep is missing"),
        ({"kind": "b", "deep": "1.5"}, "deep lies outside of"),
        ({"dropout": "0.1"}, "dropout is no hyperparameter here"),
        ({"epochs": "6"}, "epochs was not 5"),
        ({"epochs": None}, "epochs was not 5"),
        ({"lr": "0.09"}, r"it breaks lr < 0\.05"),
    ],
)
def test_what_lies_elsewhere_says_why(change: dict[str, Any], why: str) -> None:
    space = evolve(SPACE, constraints=(Constraint.parse("lr < 0.05", SPACE.axes),))
    told = {"lr": "0.01", "kind": "a", "on": "true", "epochs": "5"} | change
    with pytest.raises(Elsewhere, match=why):
        point_in(space, {"epochs": 5}, {name: value for name, value in told.items() if value is not None})


def test_values_of_another_goal_or_of_other_objectives_mean_something_else() -> None:
    one, two = {"": Goal.MAXIMIZE}, {"a": Goal.MAXIMIZE, "b": Goal.MINIMIZE}
    of_two = {"[objective] order": ["a", "b"], "[objective.a] goal": "maximize", "[objective.b] goal": "minimize"}
    assert another_objective({"[objective] goal": "maximize"}, one) is None
    assert another_objective(of_two, two) is None
    assert another_objective({"[objective] goal": "minimize"}, one) == "its goal is to minimize, and here to maximize"
    assert another_objective(of_two, one) == "its objectives are a, b, and here they are one"
    assert another_objective({**of_two, "[objective] order": ["b", "a"]}, two) is not None
    assert another_objective({**of_two, "[objective.b] goal": "maximize"}, two) is not None


ADAPTIVE = GOOD.replace('"grid"', '"tpe"\ntrials = 9').replace(", num = 4", "")
WARM = (
    '[warm_start]\nledgers = ["old.sqlite", "postgresql://me:hush@host/base"]\nsweeps = ["old"]\njobs = [7, "mine"]\n'
)


def test_a_file_with_a_warm_start() -> None:
    config = read(ADAPTIVE + WARM, Path("/here"))
    assert config.warm_start is not None
    assert [one.address for one in config.warm_start.ledgers] == [
        "sqlite:////here/old.sqlite",
        "postgresql://me:hush@host/base",
    ]
    assert (config.warm_start.sweeps, config.warm_start.jobs) == (("old",), (7, "mine"))
    settings = settings_of(config)
    assert settings["[warm_start] ledgers"] == ["old.sqlite", "postgresql://me@host/base"]
    assert "hush" not in repr(config) + str(settings)


@pytest.mark.parametrize(
    ("wrong", "line", "told"),
    [
        ("[warm_strat]\njobs = [7]", 26, '[warm_strat]: unknown key; did you mean "warm_start"?'),
        ("[warm_start]\njob = [7]", 27, '[warm_start] job: unknown key; did you mean "jobs"? Allowed: jobs, ledgers'),
        ("[warm_start]\njob = [7]", 26, "[warm_start]: needs ledgers, jobs or both"),
        ("[warm_start]\njobs = 7", 27, "[warm_start] jobs: is a whole number, 7, and has to be a list"),
        ("[warm_start]\njobs = [0]", 27, "[warm_start] jobs: holds 0, which is a whole number and has to be a job's"),
        ("[warm_start]\njobs = [true]", 27, "[warm_start] jobs: holds true"),
        ("[warm_start]\njobs = [7, 7]", 27, "[warm_start] jobs: names 7 twice"),
        ("[warm_start]\njobs = []", 27, "[warm_start] jobs: is empty"),
        ("[warm_start]\njobs = [7]\nsweeps = ['a']", 28, "[warm_start] sweeps: goes with ledgers"),
        ("[warm_start]\nledgers = [7]", 27, "[warm_start] ledgers: holds 7, which is a whole number and has to be"),
        ("[warm_start]\nledgers = ['mysql://u:hush@h/b']", 27, '[warm_start] ledgers: holds "mysql://u@h/b", which'),
    ],
)
def test_what_is_wrong_with_a_warm_start(wrong: str, line: int, told: str) -> None:
    said = complaint(f"{ADAPTIVE}{wrong}\n")
    assert f"sweep.toml:{line}: {told}" in said
    assert "hush" not in said


def test_a_search_that_learns_nothing_takes_no_warm_start() -> None:
    assert "[warm_start]: goes with tpe, cma-es and gp; grid learns nothing from values" in complaint(
        f"{GOOD}[warm_start]\njobs = [7]\n"
    )


HISTORY = History(
    {"[space] x": 1},
    (Observation({"x": 0.5, "a": True}, (1.0,), "job 7"), Observation({"x": 0.1}, (0.25,), "job 7")),
    (LeftOut("job 7", "of another space: x is missing", 4, ("version 1", "version 2", "version 3")),),
    ("a note",),
)


async def test_controllers_that_begin_at_once_keep_one_history(address: str, name: str) -> None:
    other_values = evolve(HISTORY, observations=HISTORY.observations[:1])
    async with (
        Ledger.open(address, Definition(name, {}), SystemClock()) as one,
        Ledger.open(address, Definition(name, {}), SystemClock()) as other,
    ):
        await asyncio.gather(one.take_in(HISTORY), other.take_in(other_values))
        assert one.known_before == other.known_before
        assert one.known_before in (HISTORY, other_values)
        # What was taken for another space is taken anew.
        changed = evolve(HISTORY, settings={"[space] x": 2}, observations=())
        assert await one.kept(changed.settings) is None
        await one.take_in(changed)
        assert one.known_before == changed
    async with Ledger.open(address, Definition(name, {}), SystemClock()) as later:
        assert await later.kept(changed.settings) == changed
        assert await later.kept(HISTORY.settings) is None


def test_a_history_tells_what_was_taken_and_what_was_left_out() -> None:
    assert HISTORY.lines() == [
        "warm start: 2 values taken (2 from job 7)",
        "warm start: 4 of job 7 left out, of another space: x is missing: version 1, version 2, version 3, ...",
        "warm start: a note",
    ]


@pytest.mark.parametrize(("algorithm", "closer"), [("tpe", 0.35), ("cma-es", 0.42)])
def test_values_from_before_are_learnt_from_and_count_as_no_trials(algorithm: str, closer: float) -> None:
    space = Space({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
    rng = Random(1)
    points = [space.draw(rng) for _ in range(40)]
    # The further from the middle, the worse.
    values = [-((float(one["x"]) - 0.5) ** 2 + (float(one["y"]) - 0.5) ** 2) for one in points]
    observations = tuple(Observation(one, (value,), "job 7") for one, value in zip(points, values, strict=True))
    before = History({}, observations).as_trials()
    assert all(trial.number <= 0 for trial in before)
    searcher = Searcher(AdaptiveSearch(algorithm, 10, 3), space, [Goal.MAXIMIZE], before)
    first = searcher.suggest(1, [])
    assert first.why == f"suggested by {algorithm} from 40 values, 40 of them from before this sweep"
    assert first.point not in points
    suggested = [
        Searcher(AdaptiveSearch(algorithm, 10, seed), space, [Goal.MAXIMIZE], before).suggest(1, []).point
        for seed in range(20)
    ]
    off = [abs(float(one["x"]) - 0.5) + abs(float(one["y"]) - 0.5) for one in suggested]
    # Random points are 0.5 off, on average.
    assert sum(off) / len(off) < closer
    assert Searcher(AdaptiveSearch(algorithm, 10, 3), space, [Goal.MAXIMIZE], before).suggest(1, []) == first


def test_cma_es_begins_at_the_best_of_all_that_was_known() -> None:
    space = Space({"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)})
    corner = [Observation({"x": 0.01 * place, "y": 0.1}, (0.01 * place,), "job 7") for place in range(11)]
    best = Observation({"x": 0.9, "y": 0.9}, (5.0,), "job 7")
    before = History({}, (*corner, best)).as_trials()
    suggested = [
        Searcher(AdaptiveSearch("cma-es", 10, seed), space, [Goal.MAXIMIZE], before).suggest(1, []).point
        for seed in range(20)
    ]
    assert sum(float(one["y"]) for one in suggested) / len(suggested) > 0.6


def test_too_few_values_from_before_shorten_the_random_beginning() -> None:
    space = Space({"x": Float(0.0, 1.0)})
    before = History({}, (Observation({"x": 0.5}, (1.0,), "job 7"),)).as_trials()
    why = Searcher(AdaptiveSearch("tpe", 10, 3, 2), space, [Goal.MAXIMIZE], before).suggest(1, []).why
    assert why == "drawn at random, since 1 values are known and 2 are waited for"


def test_nothing_is_a_warm_start_of_nothing() -> None:
    assert WarmStart().as_settings() == {}
