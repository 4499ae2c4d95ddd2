"""Ceilings that a user sets."""

from attrs import field, frozen

from .._checks import above_zero, above_zero_or_none, at_least_one


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

    in_flight: int = field(default=128, validator=at_least_one)
    creates_per_s: float | None = field(default=None, validator=above_zero_or_none)
    reads_per_s: float | None = field(default=None, validator=above_zero_or_none)
    pause_cap_s: float = field(default=60.0, validator=above_zero)
    throttle_patience_s: float = field(default=300.0, validator=above_zero)
