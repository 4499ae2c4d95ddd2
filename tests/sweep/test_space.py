"""The laws of axes and spaces."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts.sweep.space.space import Choice, Float, Int, Scalar, Space

numbers = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=1e-300, max_value=1e300)


@st.composite
def floats_by_num(draw: st.DrawFn) -> Float:
    log = draw(st.booleans())
    low, high = sorted((draw(positive if log else numbers), draw(positive if log else numbers)))
    num = draw(st.integers(1, 50))
    try:
        return Float(low, high, log=log, num=num)
    except ValueError:
        return Float(1.0, 2.0, log=log, num=max(num, 2))


@st.composite
def floats_by_step(draw: st.DrawFn) -> Float:
    low = draw(st.floats(-1e6, 1e6))
    step = draw(st.floats(1e-2, 1e3))
    return Float(low, low + step * draw(st.integers(0, 200)) + step / 2, step=step)


@st.composite
def continuous(draw: st.DrawFn) -> Float:
    log = draw(st.booleans())
    ends = st.tuples(positive, positive) if log else st.tuples(numbers, numbers)
    low, high = sorted(draw(ends.filter(lambda pair: pair[0] != pair[1])))
    return Float(low, high, log=log)


ints = st.builds(
    lambda low, width, step: Int(low, low + width, step),
    st.integers(-1000, 1000),
    st.integers(0, 60),
    st.integers(1, 9),
)
choices = st.lists(st.one_of(st.integers(), st.text(), st.booleans()), min_size=1, unique_by=repr).map(
    lambda values: Choice(tuple(values))
)
finite_axes = st.one_of(ints, choices, floats_by_num(), floats_by_step())


def key(value: Scalar) -> tuple[type, Scalar]:
    return type(value), value


@given(finite_axes)
def test_a_finite_axis_has_as_many_values_as_it_says_each_once(axis: Choice | Int | Float) -> None:
    assert axis.size is not None
    values = [axis.at(index) for index in range(axis.size)]
    assert len({key(value) for value in values}) == len(values) >= 1
    if not isinstance(axis, Choice):
        assert values == sorted(values)
        assert values[0] == axis.low
        assert all(axis.low <= float(value) <= axis.high for value in values)


@given(floats_by_num())
def test_a_row_of_num_values_holds_both_ends(axis: Float) -> None:
    assert axis.size is not None
    assert axis.at(axis.size - 1) == axis.high


@given(floats_by_step())
def test_one_more_step_would_leave_the_range(axis: Float) -> None:
    assert axis.size is not None
    assert axis.step is not None
    assert axis.at(axis.size - 1) + axis.step > axis.high - 1e-6 * axis.step


@given(continuous(), st.integers())
def test_draws_stay_inside(axis: Float, seed: int) -> None:
    rng = Random(seed)
    assert axis.size is None
    assert all(axis.low <= axis.draw(rng) <= axis.high for _ in range(50))


def test_values_are_the_numbers_a_person_would_write() -> None:
    by_step = Float(0.1, 0.7, step=0.1)
    assert [by_step.at(index) for index in range(7)] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    log = Float(1e-4, 1e-1, log=True, num=4)
    assert [log.at(index) for index in range(4)] == [0.0001, 0.001, 0.01, 0.1]
    assert Int(1, 10, step=4).size == 3


def test_a_log_axis_draws_each_decade_alike() -> None:
    axis, rng = Float(1e-4, 1.0, log=True), Random(1)
    decades = [math.floor(math.log10(axis.draw(rng))) for _ in range(4000)]
    assert all(850 < decades.count(decade) < 1150 for decade in (-4, -3, -2, -1))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Choice(()), "nothing to choose"),
        (lambda: Choice((1, 2, 1)), "1 is listed twice"),
        (lambda: Choice((math.nan,)), "not a finite number"),
        (lambda: Int(2, 1), "low end 2 lies above the high end 1"),
        (lambda: Int(1, 2, 0), "at least 1"),
        (lambda: Float(2, 1), "lies above"),
        (lambda: Float(0, math.inf), "inf is not a finite number"),
        (lambda: Float(0, 1, log=True), "starts above 0"),
        (lambda: Float(1, 2, log=True, step=0.1), "num, not step"),
        (lambda: Float(1, 2, step=0.1, num=3), "not both"),
        (lambda: Float(1, 2, step=0), "above 0"),
        (lambda: Float(1, 2, step=1e-12), "too fine"),
        (lambda: Float(1, 2, num=0), "at least 1"),
        (lambda: Float(1, 2, num=1), "two ends differ"),
        (lambda: Float(1, 1 + 1e-12, num=50), "do not fit"),
        (lambda: Space({}), "at least one axis"),
    ],
)
def test_an_axis_without_sense_is_refused(make: object, words: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=words):
        make()


def test_numbers_and_truth_values_that_python_takes_for_equal_are_different_choices() -> None:
    assert Choice((1, 1.0, True, "1")).size == 4


def test_equal_ends_are_one_point_not_a_continuous_axis() -> None:
    assert Float(0.5, 0.5).size == 1
    assert Float(0.5, 0.5).at(0) == 0.5


spaces = st.dictionaries(st.text(min_size=1, max_size=3), st.one_of(ints, choices), min_size=1, max_size=3)


@given(spaces)
def test_a_space_has_the_product_of_its_axes(axes: dict[str, Choice | Int]) -> None:
    space = Space(axes)
    assert space.size == math.prod(axis.size for axis in axes.values())
    assert list(space.at(space.size - 1)) == list(axes)
