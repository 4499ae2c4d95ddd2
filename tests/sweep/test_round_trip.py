"""A value on its way: from the file to an axis, to a point, to the script, to the ledger, and to Optuna."""

import json
import warnings
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiomodelarts.hyperparameters import Hyperparameters
from aiomodelarts.sweep.search.warm_start import point_in
from aiomodelarts.sweep.space.axes import same

from .documents import GOOD, read

pytest.importorskip("optuna", reason="needs the extra sweep")
from aiomodelarts.sweep.report.export import _Axis
from aiomodelarts.sweep.search.study import SpaceForOptuna

AXES = GOOD[GOOD.index("lr =") : GOOD.index("\n[search]")]

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
names = texts.filter(lambda name: name not in {"", "data_url", "train_url", "epochs"})
whole = st.integers(-(2**63), 2**63 - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)


def as_toml(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


@st.composite
def axes(draw: st.DrawFn) -> str:
    """What may stand behind the name of a hyperparameter."""
    kind = draw(st.sampled_from(["int", "range", "log_int", "float", "log_float", "choice"]))
    if kind == "choice":
        listed = st.lists(st.one_of(texts, whole, numbers, st.booleans()), min_size=1, max_size=5)
        values = draw(listed.filter(lambda given: len({(type(one), one) for one in given}) == len(given)))
        return f"{{ choice = [{', '.join(map(as_toml, values))}] }}"
    if kind in {"int", "range", "log_int"}:
        low, high = sorted(draw(st.integers(1, 2**62) if kind == "log_int" else whole) for _ in range(2))
        step = f", step = {draw(st.integers(1, 2**62))}" if kind != "log_int" and draw(st.booleans()) else ""
        return f"{{ {kind} = [{low}, {high}]{step} }}"
    low, high = sorted(
        draw(st.floats(1e-300, 1e300) if kind == "log_float" else st.floats(-1e300, 1e300)) for _ in "ab"
    )
    more = ""
    if kind == "float" and low < high and draw(st.booleans()):
        more = f", step = {max((high - low) / draw(st.integers(1, 50)), 1e-8 * max(abs(low), abs(high)), 1e-300)!r}"
    return f"{{ {kind} = [{low!r}, {high!r}]{more} }}"


@settings(max_examples=200)
@given(st.dictionaries(names, axes(), min_size=1, max_size=4), st.integers(0, 2**32))
def test_a_value_is_the_same_wherever_it_goes(given_axes: dict[str, str], seed: int) -> None:
    lines = "".join(f"{as_toml(name)} = {axis}\n" for name, axis in given_axes.items())
    config = read(GOOD.replace(AXES, lines).replace('"grid"', '"random"\ntrials = 1'))
    space = config.space
    point = space.draw(Random(seed))
    assert list(point) == list(given_axes)
    assert space.own(point) == point
    told = json.loads(json.dumps(point, ensure_ascii=False))
    assert all(same(told[name], value) for name, value in point.items())
    received = Hyperparameters.of({**config.settings["hyperparameters"], **point}).as_dict()
    again = point_in(space, {"epochs": 3}, received)
    assert Hyperparameters.of(again) == Hyperparameters.of(point)
    seen = SpaceForOptuna(space)
    for name, value in seen.told(point).items():
        assert same(seen.coordinates[name].value(value), point[name])
    with warnings.catch_warnings():
        # Optuna remarks that a step does not divide a range.
        warnings.simplefilter("ignore")
        for name, value in point.items():
            shown = _Axis.of(space.axes[name])
            exported = shown.told(value)
            # Beyond, Optuna's numbers are too coarse for steps.
            assert exported is not None or abs(float(value)) > 2**50, (name, shown)
            if exported is not None:
                shown.distribution.to_external_repr(shown.distribution.to_internal_repr(exported))
