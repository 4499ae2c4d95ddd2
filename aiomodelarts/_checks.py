"""Bounds of settings, told as every other wrong argument is."""

import math
from typing import Any

from .errors import InvalidArgument


def above_zero(_: Any, attribute: Any, value: object) -> None:
    """A finite number above 0."""
    if not _is_number(value) or not value > 0:  # type: ignore[operator]
        raise InvalidArgument(attribute.name, value, "it is a finite number above 0")


def not_negative(_: Any, attribute: Any, value: object) -> None:
    """A finite number from 0 up."""
    if not _is_number(value) or not value >= 0:  # type: ignore[operator]
        raise InvalidArgument(attribute.name, value, "it is a finite number from 0 up")


def above_zero_or_none(instance: Any, attribute: Any, value: object) -> None:
    """A finite number above 0, or None for no limit."""
    if value is not None:
        above_zero(instance, attribute, value)


def at_least_one(_: Any, attribute: Any, value: object) -> None:
    """A whole number from 1 up."""
    check_count(attribute.name, value)


def check_count(argument: str, value: object) -> int:
    """The value, when it is a whole number from 1 up."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidArgument(argument, value, "it is a whole number from 1 up")
    return value


def check_timeout(value: object) -> None:
    """``timeout_s`` is a finite number of seconds from 0 up, or None."""
    if value is not None and (not _is_number(value) or not value >= 0):  # type: ignore[operator]
        raise InvalidArgument("timeout_s", value, "it is a finite number of seconds from 0 up, or None for no limit")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
