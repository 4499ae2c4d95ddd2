"""The laws of suggesting points from a history."""

import math
from collections.abc import Sequence
from importlib.util import find_spec
from random import Random

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiomodelarts.sweep.objective import Goal
from aiomodelarts.sweep.search.search import AdaptiveSearch, RandomSearch
from aiomodelarts.sweep.search.searcher import Searcher
from aiomodelarts.sweep.space.constraints import Constraint
from aiomodelarts.sweep.space.space import Axis, Choice, Float, Int, Point, Space, key_of
from aiomodelarts.sweep.trial import Trial, TrialState

from .spaces import spaces
from .test_conditions import lies_in

FLAT = Space({"x": Float(-5.0, 5.0), "y": Float(1e-4, 1.0, log=True), "n": Int(1, 8)})
DEEP = Space(
    {"kind": Choice(("a", "b", True)), "x": Float(0.0, 1.0), "deep": Float(0.0, 1.0), "n": Int(1, 64, log=True)},
    {"deep": {"kind": ("b",)}},
)
WAYS = ["tpe", "cma-es"]
few = settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])


def finished(number: int, point: Point, value: float) -> Trial:
    times = {"began_at": 100.0 + number, "duration_s": 5.0}
    return Trial(number, point, f"/out/{number}/", state=TrialState.SUCCEEDED, value=value, **times)


def history(space: Space, seed: int, outcomes: Sequence[str]) -> list[Trial]:
    """Trials at random points that ended in these ways."""
    rng = Random(seed)
    trials = []
    for number, outcome in enumerate(outcomes, start=1):
        trial = finished(number, space.draw(rng), rng.random())
        if outcome != "value":
            state, failure = {
                "runs": (TrialState.RUNNING, None),
                "code": (TrialState.FAILED, "code"),
                "lost": (TrialState.FAILED, "lost"),
                "empty": (TrialState.NO_METRIC, None),
            }[outcome]
            trial = evolve(trial, state=state, failure=failure, value=None)
        trials.append(trial)
    return trials


outcomes = st.lists(st.sampled_from(["value", "value", "value", "runs", "code", "lost", "empty"]), max_size=30)


@few
@given(spaces(), st.integers(0, 2**16), outcomes)
def test_every_suggestion_lies_in_its_space(space: Space, seed: int, ended: list[str]) -> None:
    told = history(space, seed, ended)
    suggestion = Searcher(AdaptiveSearch("tpe", 1, seed, 3), space, [Goal.MAXIMIZE]).suggest(len(told) + 1, told)
    assert lies_in(space, suggestion.point)


@few
@given(st.sampled_from([FLAT, DEEP]), st.sampled_from(WAYS), st.integers(0, 2**16), outcomes, st.integers(0, 30))
def test_seed_number_and_history_alone_decide(
    space: Space, algorithm: str, seed: int, ended: list[str], earlier: int
) -> None:
    told = history(space, seed, ended)
    search = AdaptiveSearch(algorithm, 10**6, seed, 3)
    knew_less = Searcher(search, space, [Goal.MINIMIZE])
    # What was running then, or another history altogether, leaves no trace.
    for part in (history(space, seed + 1, ended), [evolve(one, state=TrialState.RUNNING, value=None) for one in told]):
        knew_less.suggest(earlier + 1, part[:earlier])
    knew_less.suggest(len(told) + 5, told)
    at_once = Searcher(search, space, [Goal.MINIMIZE])
    assert knew_less.suggest(len(told) + 1, told) == at_once.suggest(len(told) + 1, told)


@pytest.mark.parametrize("algorithm", WAYS)
def test_numbers_and_seeds_tell_suggestions_apart(algorithm: str) -> None:
    told = history(FLAT, 1, ["value"] * 20)
    points = {
        key_of(Searcher(AdaptiveSearch(algorithm, 99, seed), FLAT, [Goal.MINIMIZE]).suggest(number, told).point)
        for seed in (1, 2)
        for number in (21, 22)
    }
    assert len(points) == 4


def test_the_beginning_is_the_random_search_of_the_same_seed() -> None:
    search = AdaptiveSearch("tpe", 12, 5, startup=4)
    searcher = Searcher(search, FLAT, [Goal.MAXIMIZE])
    told: list[Trial] = []
    points = []
    for number in range(1, 6):
        suggestion = searcher.suggest(number, told)
        points.append(suggestion.point)
        told.append(finished(number, suggestion.point, number))
    assert points[:4] == list(search.points(FLAT)) == list(RandomSearch(12, 5).points(FLAT))[:4]
    assert suggestion.why == "suggested by tpe from 4 values"


@pytest.mark.parametrize("algorithm", WAYS)
def test_the_goal_is_found_and_the_other_end_for_the_other_goal(algorithm: str) -> None:
    def reached(goal: Goal) -> float:
        searcher = Searcher(AdaptiveSearch(algorithm, 80, 3), FLAT, [goal])
        told: list[Trial] = []
        for number in range(1, 81):
            point = searcher.suggest(number, told).point
            told.append(finished(number, point, float(point["x"]) + math.log10(float(point["y"]))))
        return sum(float(trial.point["x"]) for trial in told[-20:]) / 20

    assert reached(Goal.MAXIMIZE) > 3.0
    assert reached(Goal.MINIMIZE) < -3.0


def test_a_small_space_is_gone_through_without_repeating() -> None:
    space = Space({"a": Int(1, 5), "b": Choice((True, 1, "1"))})
    searcher = Searcher(AdaptiveSearch("tpe", 15, 0, 4), space, [Goal.MAXIMIZE])
    told: list[Trial] = []
    for number in range(1, 16):
        told.append(finished(number, searcher.suggest(number, told).point, 1.0))
    assert len({key_of(trial.point) for trial in told}) == 15


@few
@given(st.sampled_from(WAYS), st.integers(0, 2**16))
def test_rules_are_kept(algorithm: str, seed: int) -> None:
    axes: dict[str, Axis] = {"a": Float(0.0, 1.0), "b": Float(0.0, 1.0)}
    space = Space(axes, {}, (Constraint.parse("a + b <= 0.5", axes),))
    told = history(space, seed, ["value"] * 12)
    point = Searcher(AdaptiveSearch(algorithm, 99, seed), space, [Goal.MAXIMIZE]).suggest(13, told).point
    assert space.allows(point)


def test_running_trials_keep_others_away() -> None:
    """Many suggestions are asked for before any of them has a value; they do not crowd in one place."""
    told = history(FLAT, 1, ["value"] * 30)
    searcher = Searcher(AdaptiveSearch("tpe", 99, 1), FLAT, [Goal.MINIMIZE])
    for number in range(31, 47):
        point = searcher.suggest(number, told).point
        told.append(Trial(number, point, "/out/", state=TrialState.RUNNING))
    asked = [float(trial.point["x"]) for trial in told[30:]]
    assert max(asked) - min(asked) > 2.0


def test_trials_of_another_space_and_broken_scripts() -> None:
    """What lies elsewhere says nothing; where the script itself failed is a bad place."""
    space = Space({"x": Float(0.0, 1.0)})
    told = [finished(number, {"x": 5.0, "old": 1}, 9.0) for number in range(1, 20)]
    assert "0 values are known" in Searcher(AdaptiveSearch("tpe", 99), space, [Goal.MAXIMIZE]).suggest(20, told).why
    rng = Random(0)
    for number in range(20, 60):
        point = space.draw(rng)
        trial = finished(number, point, rng.random())
        if float(point["x"]) > 0.5:
            trial = evolve(trial, state=TrialState.FAILED, failure="code", value=None)
        told.append(trial)
    searcher = Searcher(AdaptiveSearch("tpe", 99), space, [Goal.MAXIMIZE])
    asked = [float(searcher.suggest(number, told).point["x"]) for number in range(60, 80)]
    assert sum(x > 0.5 for x in asked) < 5


@pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra gp, whose libraries are large")
def test_a_gaussian_process_keeps_the_same_laws(capfd: pytest.CaptureFixture[str]) -> None:
    axes: dict[str, Axis] = {"kind": Choice(("a", "b")), "x": Float(-5.0, 5.0), "deep": Int(1, 64, log=True)}
    rule = Constraint.parse("x <= 4", axes)
    space = Space(axes, {"deep": {"kind": ("b",)}}, (rule,))
    search = AdaptiveSearch("gp", 99, 1, 5)

    def value(point: Point) -> float:
        return -((float(point["x"]) - 3.0) ** 2) - (1.0 if point["kind"] == "a" else 0.0)

    told: list[Trial] = []
    searcher = Searcher(search, space, [Goal.MAXIMIZE])
    for number in range(1, 17):
        suggestion = searcher.suggest(number, told)
        assert lies_in(space, suggestion.point)
        told.append(finished(number, suggestion.point, value(suggestion.point)))
    assert suggestion.why.startswith("suggested by gp from 15 values")
    assert Searcher(search, space, [Goal.MAXIMIZE]).suggest(16, told[:15]) == suggestion
    assert abs(float(max(told, key=lambda trial: trial.value or 0.0).point["x"]) - 3.0) < 0.3
    assert sum(trial.point["kind"] == "b" for trial in told[8:]) > 4
    assert capfd.readouterr().err == ""
