"""Which running versions are stopped, by every method, and that all controllers come to the same verdicts."""

import math
import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiomodelarts.sweep.ledger.records import Measure
from aiomodelarts.sweep.objective import Goal, LogPattern
from aiomodelarts.sweep.pruning import METHODS, Pruning, kept_step
from aiomodelarts.sweep.trial import Trial, TrialState

pytest.importorskip("optuna", reason="needs the extra sweep")
from aiomodelarts.sweep.engine.judge import Judge, Verdict

PATTERN = r"epoch (?P<step>\d+) accuracy=(?P<value>\S+)"


def pruning(method: str, goal: Goal = Goal.MAXIMIZE, **given: float) -> Pruning:
    usual = {key: value for key, value in METHODS[method].items() if value is not None}
    return Pruning(method, usual | given, LogPattern(re.compile(PATTERN)), goal)


def ended(number: int, value: float) -> Trial:
    return Trial(number, {"x": 1}, "/b/", state=TrialState.SUCCEEDED, value=value)


def stops_at(judge: Judge, number: int, values: Sequence[float]) -> int | None:
    """The step at which a trial that tells these values is stopped."""
    for step, value in enumerate(values, start=1):
        verdict = judge.verdict(number, 1, step, value)
        if verdict is not None and verdict.stop:
            return step
    return None


@pytest.mark.parametrize("goal", Goal)
def test_median_stops_what_is_worse_than_half_of_the_others(goal: Goal) -> None:
    sign = 1 if goal is Goal.MAXIMIZE else -1
    judge = Judge(pruning("median", goal, n_startup_trials=3, n_warmup_steps=2), "x")
    for number, level in enumerate((0.2, 0.5, 0.8), start=1):
        # Nothing is stopped before there are others to compare with.
        assert stops_at(judge, number, [sign * level] * 5) is None
        judge.ended(ended(number, sign * level))
    assert stops_at(judge, 4, [sign * 0.6] * 5) is None
    assert stops_at(judge, 5, [sign * 0.4] * 5) == 2
    # One good value is enough for the best so far.
    assert stops_at(judge, 6, [sign * 0.9, *[sign * 0.1] * 4]) is None


def test_successive_halving_lets_the_best_half_pass_each_rung() -> None:
    judge = Judge(pruning("successive-halving", min_resource=1, reduction_factor=2), "x")
    stopped = [stops_at(judge, number, [number / 10] * 8) for number in (8, 7, 6, 5)]
    # Whoever comes first has nobody to be worse than.
    assert stopped == [None, 1, 1, 1]
    assert stops_at(judge, 9, [0.9] * 8) is None


def test_hyperband_stops_within_its_brackets_and_keeps_what_it_has_noted() -> None:
    one = Judge(pruning("hyperband", max_resource=9), "x")
    stopped = {number: stops_at(one, number, [1 - number / 100] * 9) for number in range(1, 40)}
    assert any(stopped.values())
    assert not all(stopped.values())
    # Brackets depend on the sweep's name and the trial alone, so that another controller has the same ones.
    again = Judge(pruning("hyperband", max_resource=9), "x")
    assert stopped == {number: stops_at(again, number, [1 - number / 100] * 9) for number in range(1, 40)}


@pytest.mark.parametrize(
    ("values", "at"),
    [([0.5, 0.05], 2), ([0.5, 0.95], 2), ([0.5, math.nan], 2), ([0.5, math.inf], 2), ([0.1, 0.9, 0.5], None)],
)
def test_threshold_stops_what_lies_outside(values: list[float], at: int | None) -> None:
    assert stops_at(Judge(pruning("threshold", lower=0.1, upper=0.9), "x"), 1, values) == at


NOTHING = [0.5, math.nan, math.nan, math.nan]


@pytest.mark.parametrize(
    ("values", "at"),
    [([0.1, 0.2, 0.3, 0.4, 0.5], None), ([0.5, 0.4, 0.4, 0.4, 0.4], 4), ([0.5, 0.4, 0.6, 0.4], None), (NOTHING, 4)],
)
def test_patience_stops_what_no_longer_becomes_better(values: list[float], at: int | None) -> None:
    assert stops_at(Judge(pruning("patience", patience=2), "x"), 1, values) == at


def test_a_step_counts_once_and_an_earlier_attempt_not_at_all() -> None:
    judge = Judge(pruning("threshold", lower=0.5), "x")
    assert judge.verdict(1, 1, 1, 0.7) is not None
    assert judge.verdict(1, 1, 1, 0.1) is None
    again = judge.verdict(1, 2, 1, 0.1)
    assert again is not None
    assert again.stop
    assert judge.verdict(1, 1, 2, 0.9) is None


def test_what_an_earlier_attempt_has_told_does_not_help_the_next_one() -> None:
    judge = Judge(pruning("median", n_startup_trials=2), "x")
    for number in (1, 2, 3):
        stops_at(judge, number, [0.5] * 3)
        judge.ended(ended(number, 0.5))
    assert judge.verdict(4, 1, 1, 0.9) == Verdict(Measure(4, 1, 1, 0.9), False)
    again = judge.verdict(4, 2, 2, 0.1)
    assert again is not None
    assert again.stop


told_values = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 9), st.floats(0, 1) | st.just(math.nan)), min_size=1, max_size=40
)


@settings(max_examples=60)
@given(st.sampled_from(sorted(METHODS)), told_values, st.data())
def test_another_controller_comes_to_the_same_verdicts(
    method: str, values: list[tuple[int, int, float]], data: st.DataObject
) -> None:
    """What is in the ledger is enough, wherever a controller takes over."""
    rule = pruning(method, **{"hyperband": {"max_resource": 9}, "patience": {"patience": 2}}.get(method, {}))
    one = other = Judge(rule, "x")
    kept: list[Measure] = []
    stopped: set[int] = set()
    for number, step, value in values:
        if number in stopped:
            continue
        if data.draw(st.booleans()):
            other = Judge(rule, "x")
            other.learn(kept)
        seen = one.verdict(number, 1, step, value)
        also = seen if other is one else other.verdict(number, 1, step, value)
        if seen is None:
            continue
        assert also is not None
        assert (also.stop, also.measure.marks) == (seen.stop, seen.measure.marks)
        kept.append(seen.measure)
        if seen.stop:
            stopped.add(number)
            over = Trial(number, {"x": 1}, "/b/", state=TrialState.PRUNED)
            for judge in {id(one): one, id(other): other}.values():
                judge.ended(over)


@given(st.integers(0, 10**12))
def test_a_log_of_any_length_leaves_few_steps(step: int) -> None:
    kept = kept_step(step)
    assert kept <= step
    assert kept == step or step - kept < step / 20
    assert kept_step(kept) == kept
