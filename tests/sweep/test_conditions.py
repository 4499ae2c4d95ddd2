"""Which combinations of values are points: conditions, and rules between hyperparameters."""

import re
from itertools import islice, pairwise, product
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aiomodelarts.sweep.search.search import RandomSearch
from aiomodelarts.sweep.space.axes import Axis, Choice, Float, Int, same
from aiomodelarts.sweep.space.conditions import faults, is_met
from aiomodelarts.sweep.space.constraints import Constraint
from aiomodelarts.sweep.space.space import NoPoint, Point, Space, key_of

from .spaces import ranges, rows, spaces

AXES: dict[str, Axis] = {
    "optimizer": Choice(("adam", "sgd", "rmsprop")),
    "momentum": Float(0.0, 0.9, step=0.3),
    "nesterov": Choice((True, False)),
    "layers": Int(1, 4),
}


def lies_in(space: Space, point: Point) -> bool:
    """Whether the point has exactly the hyperparameters that it should have, each on its axis."""
    wanted = [name for name in space.axes if is_met(space.conditions.get(name, {}), point)]
    return list(point) == wanted and all(
        any(same(value, space.axes[name].at(place)) for place in range(space.axes[name].size or 0))
        if (space.axes[name].size or 10**6) < 1000
        else space.axes[name].low <= value <= space.axes[name].high  # type: ignore[union-attr,operator]
        for name, value in point.items()
    )


def everything(space: Space) -> set[str]:
    """All points, found the long way."""
    found = set()
    for places in product(*(range(axis.size or 0) for axis in space.axes.values())):
        point = {name: axis.at(place) for place, (name, axis) in zip(places, space.axes.items(), strict=True)}
        for _ in space.axes:
            point = {name: value for name, value in point.items() if is_met(space.conditions.get(name, {}), point)}
        found.add(key_of(space.arranged(point)))
    return found


@given(spaces(finite=True))
def test_a_space_with_conditions_has_every_combination_that_they_call_for_once(space: Space) -> None:
    points = [key_of(point) for point in space.points()]
    assert len(points) == len(set(points)) == space.size
    assert set(points) == everything(space)


@given(spaces(), st.integers(0, 2**32))
def test_whatever_is_drawn_lies_in_the_space(space: Space, seed: int) -> None:
    point = space.draw(Random(seed))
    assert lies_in(space, point)
    assert space.own(point) == point


@given(spaces(), st.integers(0, 2**32))
def test_a_point_is_found_again_by_how_far_along_its_axes_it_lies(space: Space, seed: int) -> None:
    rng = Random(seed)
    point = space.pick({name: rng.random() for name in space.axes})
    assert lies_in(space, point)
    again = space.pick(
        {name: space.axes[name].position(value) for name, value in point.items()}
        | dict.fromkeys(space.axes.keys() - point.keys(), 0.5)
    )
    for name, value in point.items():
        assert again[name] == (pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value)


@given(st.one_of(rows, ranges), st.floats(0, 1))
def test_a_value_of_a_row_has_one_place(axis: Axis, position: float) -> None:
    assume(axis.size is not None)
    value = axis.pick(position)
    place = axis.place(value)
    assert place is not None
    assert same(axis.at(place), value)


@pytest.mark.parametrize("stranger", [{}, {"layers": 9}, {"layers": True}, {"layers": 1, "x": 1}, {"layers": "1"}])
def test_a_point_of_another_space_is_known_as_one(stranger: Point) -> None:
    assert Space({"layers": Int(1, 4)}).own(stranger) is None


def test_whole_numbers_are_values_of_an_axis_with_a_point() -> None:
    assert Space({"lr": Float(0.0, 4.0, step=2.0)}).own({"lr": 2}) == {"lr": 2.0}


def test_conditions_may_wait_for_each_other_in_a_row() -> None:
    space = Space(AXES, {"momentum": {"optimizer": ("sgd",)}, "nesterov": {"momentum": (0.3, 0.6)}})
    told = [point for point in space.points() if point["layers"] == 1]
    assert {"optimizer": "sgd", "momentum": 0.3, "nesterov": False, "layers": 1} in told
    assert {"optimizer": "sgd", "momentum": 0.9, "layers": 1} in told
    assert {"optimizer": "adam", "layers": 1} in told
    assert len(told) == 2 + 2 + 2 * 2


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        ({"momentum": {"optimiser": ("sgd",)}}, "optimiser is no hyperparameter of this space"),
        ({"momentum": {"optimizer": ("sgdm",)}}, 'optimizer never is "sgdm"; did you mean "sgd"'),
        ({"momentum": {"layers": (True,)}}, "layers never is true"),
        ({"momentum": {"optimizer": ()}}, "lists no value"),
        ({"momentum": {"nesterov": (True,)}, "nesterov": {"momentum": (0.3,)}}, "waits for itself"),
        ({"momentum": {"momentum": (0.3,)}}, "waits for itself"),
        ({"gone": {"layers": (1,)}}, "a condition for gone"),
    ],
)
def test_a_condition_that_cannot_be_met_or_decided_is_refused(
    conditions: dict[str, dict[str, tuple[str]]], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        Space(AXES, conditions)


def test_only_those_in_the_circle_are_named() -> None:
    circle = {"momentum": {"nesterov": (True,)}, "nesterov": {"momentum": (0.3,)}, "layers": {"momentum": (0.3,)}}
    assert [fault.name for fault in faults(AXES, circle)] == ["momentum", "nesterov"]


def test_conditions_may_wait_for_each_other_in_a_row_of_any_length() -> None:
    names = [f"x{place}" for place in range(3000)]
    axes: dict[str, Axis] = {name: Int(1, 2) for name in names}
    row = {after: {before: (2,)} for before, after in pairwise(names)}
    space = Space(axes, row)
    assert list(space.order) == names
    assert [len(point) for point in islice(space.points(), 3)] == [1, 2, 3]
    circle = row | {"x0": {"x2999": (2,)}}
    assert sum(fault.parent is None for fault in faults(axes, circle)) == 3000


NUMBERS: dict[str, Axis] = {"batch": Int(8, 512), "layers": Int(1, 8), "lr": Float(0.1, 1.0), "batch-size": Int(1, 9)}


@pytest.mark.parametrize(
    ("rule", "point", "kept"),
    [
        ("batch * layers <= 512", {"batch": 64, "layers": 8}, True),
        ("batch * layers <= 512", {"batch": 65, "layers": 8}, False),
        ("1 <= layers < 3", {"layers": 3}, False),
        ("layers % 2 == 0 and not batch > 64", {"layers": 2, "batch": 64}, True),
        ("layers in [1, 4] or lr < 0.5", {"layers": 2, "lr": 0.6}, False),
        ("layers not in (1, 4)", {"layers": 2}, True),
        ("max(layers, batch) - abs(-lr) >= 8 // 1", {"layers": 2, "batch": 9, "lr": 0.5}, True),
        ("min(layers, 3) == 3", {"layers": 8}, True),
        ("`batch-size` + 1 > layers", {"batch-size": 3, "layers": 4}, False),
        ("batch ** 99999999999 > 1", {"batch": 8}, False),
        ("batch / (layers - 1) < 3", {"batch": 8, "layers": 1}, False),
        ("batch < 9", {"layers": 1}, True),
    ],
)
def test_a_rule_is_kept_or_not(rule: str, point: Point, kept: bool) -> None:
    assert Constraint.parse(rule, NUMBERS).is_kept(point) is kept


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("", "is no expression"),
        ("batch <", "is no expression"),
        ("batch + 1", "is a number, and has to be a comparison"),
        ("laers < 3", 'names laers; did you mean "layers"?'),
        ("2 < 3", "is about no hyperparameter"),
        ("__import__('os').system('true')", "calls __import__"),
        ("batch.real < 3", "holds batch.real"),
        ("(lambda: 1)() < batch", "calls"),
        ("[layers for layers in batch] == 3", "holds"),
        ("f'{batch}' == 'a'", "holds"),
        ("batch << 3 < 4", "of the operators"),
        ("optimizer < 3", "only numbers are"),
        ("optimizer == 3", "never equal"),
        ("nesterov + 1 < 3", "arithmetic needs a number"),
        ("not layers", "not needs true or false"),
        ("layers in 4", "takes a list after in"),
        ("layers is 4", "write == or !="),
        ("layers == None", "is no number, text or truth value"),
        ("max(layers, key=abs) > 1", "min, max and abs of numbers"),
        ("(" * 240 + "layers" + ")" * 240 + " < 3", "nested"),
        ("layers < 3 " + "and layers < 3 " * 40, "characters"),
        ("layers\x00 < 3", "is no expression"),
    ],
)
def test_what_is_no_rule_is_told(rule: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Constraint.parse(rule, AXES | NUMBERS)


@given(st.text(alphabet="batch layers()[]<>=+-*/%'\"`.,:1 andornotin\\#\n", max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        rule = Constraint.parse(text, NUMBERS)
    except ValueError:
        return
    assert rule.is_kept({"batch": 8, "layers": 2}) in {True, False}


@given(st.integers(0, 2**32))
def test_no_point_breaks_a_rule(seed: int) -> None:
    rules = tuple(Constraint.parse(rule, NUMBERS) for rule in ("batch * layers <= 64", "lr < 0.5"))
    space = Space(NUMBERS, {}, rules)
    point = space.draw(Random(seed))
    assert point["batch"] * point["layers"] <= 64  # type: ignore[operator]
    assert point["lr"] < 0.5  # type: ignore[operator]


def test_a_needle_in_a_finite_space_is_found() -> None:
    axes: dict[str, Axis] = {"a": Int(1, 400), "b": Int(1, 400)}
    space = Space(axes, {}, (Constraint.parse("a == 17 and b == 4", axes),))
    assert space.size == 1
    assert space.draw(Random(0)) == {"a": 17, "b": 4}


def test_where_points_are_too_rare_to_be_counted_all_that_can_be_found_are_drawn_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aiomodelarts.sweep.space.space.MOST_STEPS", 1000)
    axes: dict[str, Axis] = {name: Int(1, 12) for name in "abc"}
    space = Space(axes, {}, (Constraint.parse("a == 1 and b + 0 * c <= 2", axes),))
    assert space.size is None
    points = RandomSearch(25).points(space)
    assert len({key_of(next(points)) for _ in range(24)}) == 24
    with pytest.raises(NoPoint, match="after 24 points no other one was found"):
        next(points)


def test_a_space_without_a_point_says_which_rule_is_too_much() -> None:
    axes: dict[str, Axis] = {"lr": Float(0.0, 1.0)}
    with pytest.raises(NoPoint, match="none of 10000 points keeps lr > 2"):
        Space(axes, {}, (Constraint.parse("lr > 2", axes),)).draw(Random(0))
