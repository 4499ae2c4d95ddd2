"""Ceilings that a user sets."""

import math
from typing import Any

from attrs import Attribute, field, frozen

from ..errors import InvalidArgument


def _count(_: object, attribute: "Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgument(attribute.name, value, "it is a whole number from 1 on")


def _positive(_: object, attribute: "Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (0 < value < math.inf):
        raise InvalidArgument(attribute.name, value, "it is a finite number above 0")


def _positive_or_none(owner: object, attribute: "Attribute[Any]", value: object) -> None:
    if value is not None:
        _positive(owner, attribute, value)


@frozen(kw_only=True)
class Limits:
    """Ceilings of a session; below them the service's own limit is learned.

    Creations, reads (with stops, deletions and changes) and log reads have places and rates of their own, so that none
    of them waits for another.

    Args:
        in_flight: requests of each of the three that are out at once.
        creates_per_s: creations that leave in a second; None leaves it to what is learned.
        reads_per_s: the same for reads, and again for log reads.
        pause_cap_s: the longest pause after a refusal for the rate, in seconds, also where the service asks for more.
        throttle_patience_s: seconds after which a call that is still refused for the rate raises ``Throttled``.

    Raises:
        InvalidArgument: for 0, a negative number, NaN, infinity, a bool or a text.
    """

    in_flight: int = field(default=128, validator=_count)
    creates_per_s: float | None = field(default=None, validator=_positive_or_none)
    reads_per_s: float | None = field(default=None, validator=_positive_or_none)
    pause_cap_s: float = field(default=60.0, validator=_positive)
    throttle_patience_s: float = field(default=300.0, validator=_positive)
