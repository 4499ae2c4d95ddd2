"""Spaces of all shapes, with conditions."""

from hypothesis import strategies as st

from aiomodelarts.sweep.space.space import Axis, Choice, Float, Int, Space, When

NAMES = ("a", "b", "c", "d")

rows: st.SearchStrategy[Axis] = st.sampled_from(
    [
        Choice(("x", "y")),
        Choice((True, 1, 1.0, "1")),
        Choice((0.1, 3)),
        Int(1, 3),
        Int(-4, 4, 3),
        Int(1, 64, log=True, num=3),
        Int(1, 4, log=True),
        Float(0.0, 1.0, step=0.5),
        Float(1e-3, 1.0, log=True, num=3),
        Float(2.0, 2.0),
    ]
)
ranges: st.SearchStrategy[Axis] = st.sampled_from(
    [Float(-2.0, 5.0), Float(1e-6, 10.0, log=True), Int(1, 10**6, log=True), Int(0, 10**9)]
)


@st.composite
def spaces(draw: st.DrawFn, *, finite: bool = False) -> Space:
    """A space whose hyperparameters may wait for ones that come before them."""
    axes: dict[str, Axis] = {}
    conditions: dict[str, When] = {}
    names = draw(st.permutations(NAMES[: draw(st.integers(1, len(NAMES)))]))
    for place, name in enumerate(names):
        axes[name] = draw(rows if finite else st.one_of(rows, ranges))
        parents = [other for other in names[:place] if (axes[other].size or 0) in range(1, 100)]
        if parents and draw(st.booleans()):
            conditions[name] = {
                parent: draw(_some_values(axes[parent]))
                for parent in draw(st.lists(st.sampled_from(parents), min_size=1, max_size=2, unique=True))
            }
    shuffled = draw(st.permutations(names))
    return Space({name: axes[name] for name in shuffled}, conditions)


def _some_values(axis: Axis) -> st.SearchStrategy[tuple[str | int | float | bool, ...]]:
    assert axis.size is not None
    places = st.lists(st.integers(0, axis.size - 1), min_size=1, max_size=3, unique=True)
    return places.map(lambda chosen: tuple(axis.at(place) for place in chosen))
