"""When to look again: pure."""

import math
from typing import Any, Self

from attrs import evolve, field, frozen

from .._checks import above_zero
from ..errors import InvalidArgument

# Bounds of the pause between two looks, in seconds; one number is both of them.
PollS = float | tuple[float, float] | None
# Reading a list costs both sides by the row. A look that reads so many rows a second takes a few hundredths of a core.
_ROWS_PER_S = 2000.0
_LONGEST_AFTER_FAILURES_S = 30.0
# With no room left under the service's rate, looks still come, this many times more seldom.
_LEAST_HEADROOM = 0.1


@frozen(kw_only=True)
class Look:
    """What one look at a job is about.

    Args:
        age_s: age of the newest wait.
        requests: how many requests the look takes.
        rows: how many rows these answer.
        typical_s: how long versions of this job took so far, or None where none has ended yet.
        headroom: 1 when nothing holds reads back, down to 0 when the service's rate leaves no room.
        failures: looks that failed in a row.
    """

    age_s: float
    requests: int = 1
    rows: int = 0
    typical_s: float | None = None
    headroom: float = 1.0
    failures: int = 0


@frozen(kw_only=True, cache_hash=True)
class Cadence:
    """How often the watcher looks.

    Args:
        min_s: the shortest pause between two looks at a job.
        max_s: the longest, as long as no look fails and the ceiling leaves room.
        share: the pause as a share of the time since the newest wait began, so that short runs are seen to end early
            and long ones are not asked for in vain.
        polls_per_s: requests of the watcher in a second, over all jobs together.
    """

    min_s: float = field(default=0.05, validator=above_zero)
    max_s: float = field(default=5.0, validator=above_zero)
    share: float = field(default=0.2, validator=above_zero)
    polls_per_s: float = field(default=20.0, validator=above_zero)

    def within(self, poll_s: PollS) -> Self:
        """This cadence with other bounds in seconds; one number is both of them, None leaves it as it is.

        Raises:
            InvalidArgument: for anything but one finite number above 0, or two in order.
        """
        if poll_s is None:
            return self
        bounds: tuple[Any, ...] = poll_s if isinstance(poll_s, tuple) else (poll_s, poll_s)
        numbers = [bound for bound in bounds if type(bound) in (int, float) and 0 < bound < math.inf]
        if len(bounds) != 2 or len(numbers) != 2 or numbers[0] > numbers[1]:
            allowed = "it is a number of seconds above 0, or a pair (shortest, longest)"
            raise InvalidArgument("poll_s", poll_s, allowed)
        return evolve(self, min_s=bounds[0], max_s=bounds[1])

    def pause_s(self, youngest_s: float, failures: int = 0) -> float:
        """Seconds until the next question about a single thing.

        Args:
            youngest_s: age of the newest wait.
            failures: looks that failed in a row; each one doubles the pause.
        """
        return self.next_look_s(Look(age_s=youngest_s, failures=failures))

    def next_look_s(self, look: Look) -> float:
        """Seconds until the next look at a job."""
        wish = look.age_s * self.share
        if look.typical_s is not None:
            # What is known to last for hours need not be looked at every moment because somebody has just come.
            wish = max(wish, look.typical_s * self.share / 4)
        wish = max(wish, look.rows / _ROWS_PER_S) / max(look.headroom, _LEAST_HEADROOM)
        pause = min(max(wish, self.min_s), self.max_s)
        if look.failures:
            pause = min(pause * 2 ** min(look.failures, 10), max(self.max_s, _LONGEST_AFTER_FAILURES_S))
        return float(max(pause, look.requests / self.polls_per_s))
