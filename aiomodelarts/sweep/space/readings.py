"""What a text may mean as a value of an axis. Pure."""

import contextlib
import math
from collections.abc import Iterator

from .axes import Axis, Scalar, own_value


def readings(text: str) -> Iterator[Scalar]:
    """What the text may mean, the narrowest meaning first."""
    if text.lower() in {"true", "false"}:
        yield text.lower() == "true"
    for kind in (int, float):
        with contextlib.suppress(ValueError, OverflowError):
            value = kind(text)
            if "_" not in text and text.isascii() and math.isfinite(value):
                yield value
    yield text


def read_as(axis: Axis, text: str) -> Scalar | None:
    """The value of the axis that the text means, or None when it means none."""
    own = (own_value(axis, reading) for reading in readings(text))
    return next((value for value in own if value is not None), None)
