"""Hyperparameters: the rule from scalar to text, and equality with what comes back."""

import enum
import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts import Hyperparameters, InvalidArgument
from aiomodelarts._convert import structure
from aiomodelarts.models import VersionInfo


class Colour(str, enum.Enum):  # noqa: UP042  (this is the form whose str() is not its value)
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.001", "0.001"),
        ("", ""),
        (" spaced ", " spaced "),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-7, "-7"),
        (10**30, "1" + "0" * 30),
        (0.001, "0.001"),
        (1e-5, "1e-05"),
        (1.0, "1.0"),
        (Decimal("0.10"), "0.10"),
        (np.float64(0.1), "0.1"),
        (np.float32(0.1), "0.1"),
        (np.int64(3), "3"),
        (np.bool_(True), "true"),
        (np.array(2.5), "2.5"),
        (Colour.RED, "red"),
        (Level.HIGH, "3"),
    ],
)
def test_a_scalar_has_one_text(value: object, text: str) -> None:
    assert Hyperparameters.of({"x": value}).as_parameters() == [{"label": "x", "value": text}]


@pytest.mark.parametrize(
    "value",
    [
        None,
        math.nan,
        math.inf,
        -math.inf,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Fraction(1, 3),
        Fraction(10**5000),
        10**5000,
        1j,
        b"bytes",
        [1],
        {"a": 1},
        object(),
        np.array([1, 2]),
        "a\0b",
        "\ud800",
    ],
    ids=lambda value: repr(type(value)),
)
def test_what_has_no_text_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidArgument, match=r"hyperparameters\['lr'\]"):
        Hyperparameters.of({"lr": value})


@pytest.mark.parametrize(
    "given",
    [
        "lr=1",
        7,
        [{"label": "a"}],
        [{"label": "a", "value": 1, "extra": 2}],
        [("a", 1)],
        {"": 1},
        {3: 1},
        {"\ud800": 1},
        {"a\0": 1},
        [{"label": "a", "value": 1}, {"label": "a", "value": 1}],
    ],
)
def test_another_form_is_refused(given: object) -> None:
    with pytest.raises(InvalidArgument, match="hyperparameters"):
        Hyperparameters.of(given)


def test_a_mapping_and_pairs_are_the_same() -> None:
    mapping = Hyperparameters.of({"lr": 0.001, "act": "relu"})
    pairs = Hyperparameters.of([{"label": "act", "value": "relu"}, {"label": "lr", "value": "1e-3"}])
    assert mapping == pairs
    assert hash(mapping) == hash(pairs)
    assert mapping.digest == pairs.digest
    assert list(mapping) == ["lr", "act"]
    assert Hyperparameters.of(None) == Hyperparameters.of({}) == Hyperparameters.of([])


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("0.001", "1e-3", True),
        ("1", "1.0", True),
        ("007", "7", True),
        ("-0.0", "0", True),
        ("0.10000000000000000001", "0.1", True),
        ("9007199254740993", "9007199254740992", False),
        ("9007199254740993", "9007199254740992.0", False),
        ("true", "1", False),
        ("1e9999", "1e9998", False),
        ("nan", "nan", True),
        ("\u0661", "1", False),
        ("1 ", "1", False),
        ("a", "b", False),
    ],
)
def test_numbers_are_compared_as_numbers(one: str, other: str, equal: bool) -> None:
    left, right = Hyperparameters.of({"x": one}), Hyperparameters.of({"x": other})
    assert (left == right) is equal
    assert (left.digest == right.digest) is equal
    assert not equal or hash(left) == hash(right)


def _echoed(parameters: list[dict[str, str]], as_numbers: bool) -> Hyperparameters:
    """What a service makes of the wire form: numbers for numeric text, if it is of that kind."""
    rows: list[Mapping[str, Any]] = []
    for row in parameters:
        value: Any = row["value"]
        if as_numbers:
            try:
                number = orjson.loads(row["value"])
            except orjson.JSONDecodeError:
                number = value
            is_number = isinstance(number, int | float) and not isinstance(number, bool)
            value = number if is_number and value == value.strip() else value
        rows.append({"label": row["label"], "value": value, "required": False})
    answer = orjson.loads(orjson.dumps({"version_id": 1, "parameter": rows}))
    return structure(answer, VersionInfo).hyperparameters


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_SCALARS = st.one_of(
    _TEXT,
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.from_regex(r"[+-]?[0-9]{1,25}(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)


@given(st.dictionaries(_TEXT.filter(bool), _SCALARS, max_size=6), st.booleans())
def test_whatever_is_accepted_comes_back_equal(values: dict[str, Any], as_numbers: bool) -> None:
    sent = Hyperparameters.of(values)
    back = _echoed(sent.as_parameters(), as_numbers)
    assert back == sent
    assert hash(back) == hash(sent)
    assert back.digest == sent.digest
