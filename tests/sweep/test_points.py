"""Which point belongs to which trial, also after the space was changed."""

from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts.sweep.search.points import Points
from aiomodelarts.sweep.search.search import GridSearch, RandomSearch
from aiomodelarts.sweep.space.space import Float, Int, Space

SPACE = Space({"a": Int(1, 6), "b": Int(1, 3)})


@given(st.sets(st.integers(1, 18)))
def test_whoever_gets_only_some_numbers_gets_the_same_points(numbers: set[int]) -> None:
    whole = list(GridSearch().points(SPACE))
    points = Points(GridSearch(), SPACE)
    points.draw(18)
    assert points.is_drawn(18)
    assert not points.is_drawn(19)
    assert [points.at(number) for number in sorted(numbers)] == [whole[number - 1] for number in sorted(numbers)]


@given(st.integers(0, 18), st.integers(1, 8))
def test_after_a_change_every_point_comes_once_and_the_earlier_ones_keep_their_numbers(earlier: int, high: int) -> None:
    kept = list(GridSearch().points(SPACE))[:earlier]
    changed = Space({"a": Int(1, high), "b": Int(1, 3)})
    points = Points(GridSearch(), changed, kept)
    points.draw(100)
    new = [points.at(number) for number in range(earlier + 1, points.count() + 1)]
    assert all(point not in kept for point in new)
    assert all(point in kept or point in new for point in GridSearch().points(changed))
    assert len(new) == len({tuple(point.items()) for point in new})


def test_more_random_trials_begin_with_the_same_points() -> None:
    space = Space({"lr": Float(0.0, 1.0)})
    few, many = Points(RandomSearch(3, 7), space), Points(RandomSearch(9, 7), space)
    few.draw(3)
    many.draw(5)
    assert [few.at(number) for number in (1, 2, 3)] == [many.at(number) for number in (1, 2, 3)]
