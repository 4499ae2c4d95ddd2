"""The laws of searching."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts.sweep.search.search import GridSearch, RandomSearch
from aiomodelarts.sweep.space.space import Axis, Choice, Float, Int, Point, Space

AXES: dict[str, Axis] = {
    "lr": Float(1e-4, 1e-1, log=True, num=4),
    "layers": Int(1, 3),
    "act": Choice(("relu", "tanh")),
}


def frozen(points: list[Point]) -> list[frozenset[tuple[str, object]]]:
    return [frozenset((name, repr(value)) for name, value in point.items()) for point in points]


def test_a_grid_tries_every_point_once() -> None:
    space = Space(AXES)
    points = list(GridSearch().points(space))
    assert GridSearch().count(space) == len(points) == 24
    assert len(set(frozen(points))) == 24
    assert points[0] == {"lr": 1e-4, "layers": 1, "act": "relu"}


def test_a_grid_over_a_continuous_axis_says_how_to_count_it() -> None:
    with pytest.raises(ValueError, match="number of points on lr: give num or step"):
        GridSearch().count(Space({"lr": Float(0, 1), "i": Int(1, 2)}))


@given(st.integers(0, 24), st.integers(0, 2**64))
def test_random_draws_from_a_finite_space_do_not_repeat(trials: int, seed: int) -> None:
    points = list(RandomSearch(trials, seed).points(Space(AXES)))
    assert len(set(frozen(points))) == len(points) == trials
    assert set(frozen(points)) <= set(frozen(list(GridSearch().points(Space(AXES)))))


@given(st.integers(0, 2**64), st.permutations(sorted(AXES)), st.integers(1, 24), st.booleans())
def test_the_seed_alone_decides(seed: int, order: list[str], trials: int, endless: bool) -> None:
    extra: dict[str, Axis] = {"drop": Float(0, 1)} if endless else {}
    space = Space(AXES | extra)
    shuffled = Space({name: space.axes[name] for name in [*extra, *order]})
    points = list(RandomSearch(trials, seed).points(space))
    assert points == list(RandomSearch(trials, seed).points(shuffled))
    # A longer search begins with the shorter one.
    assert points == list(islice(RandomSearch(24, seed).points(space), trials))


@given(st.permutations(sorted(AXES)))
def test_a_grid_does_not_depend_on_the_order_of_the_axes(order: list[str]) -> None:
    shuffled = Space({name: AXES[name] for name in order})
    assert list(GridSearch().points(shuffled)) == list(GridSearch().points(Space(AXES)))


def test_different_seeds_differ() -> None:
    space = Space({"lr": Float(0, 1)})
    assert list(RandomSearch(3, 1).points(space)) != list(RandomSearch(3, 2).points(space))


def test_more_trials_than_points_is_refused() -> None:
    with pytest.raises(ValueError, match="24 points, and 25 trials"):
        RandomSearch(25).count(Space(AXES))


def test_a_space_too_large_to_list_is_drawn_from_at_once() -> None:
    space = Space({f"x{index}": Int(1, 10**9) for index in range(10)})
    points = list(RandomSearch(5, 1).points(space))
    assert len(set(frozen(points))) == 5


def test_every_point_of_a_finite_space_is_as_likely() -> None:
    space = Space({"i": Int(0, 4)})
    firsts = [next(iter(RandomSearch(1, seed).points(space)))["i"] for seed in range(3000)]
    assert all(480 < firsts.count(value) < 720 for value in range(5))
