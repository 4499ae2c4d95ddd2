"""A bound on repetitions as a share of all traffic, so that an outage is not multiplied: pure, and told the time."""

import math

# What may be spent at once, before anything was earned and after a quiet time.
_RESERVE = 100.0


class RetryBudget:
    """Repetitions that may be sent. A repetition too many is not refused but delayed until it is earned.

    Args:
        share: repetitions that each success earns.
        per_s: repetitions per second that come by themselves.
    """

    def __init__(self, share: float, per_s: float) -> None:
        self._share = share
        self._per_s = per_s
        self._left = _RESERVE
        self._at = -math.inf

    def earn(self) -> None:
        """Note a success."""
        self._left = min(_RESERVE, self._left + self._share)

    def wait_s(self, now: float) -> float:
        """Seconds until one more repetition is earned, those before it included."""
        self._left = min(_RESERVE, self._left + (now - self._at) * self._per_s)
        self._at = now
        return max(0.0, (1.0 - self._left) / self._per_s)

    def spend(self, now: float) -> None:
        """Note a repetition that will be sent after ``wait_s``."""
        self.wait_s(now)
        self._left -= 1.0
