"""What a status means to somebody who waits, and for how long it is endured: pure."""

from enum import Enum

from attrs import field, frozen

from .._checks import above_zero
from ..status import JobStatus

# One sight of a lost version is not enough: it can return.
_SIGHTS_OF_LOST = 2


class Verdict(Enum):
    """What becomes of the waits for a version."""

    GOES_ON = "goes on"
    OVER = "over"
    TOO_LONG = "too long"


@frozen(kw_only=True)
class Patience:
    """How long a version may stay in a status that does not say how it stands, before the waits for it end.

    Args:
        lost_s: seconds after which a version that stays LOST (14) counts as failed.
        unknown_s: for UNKNOWN (0); after this a wait raises ``StateUnclear``.
        reviewed_s: for CHECK_RUNNING_COMPLETED (20), after which the run has still to follow.
        unlisted_s: for numbers that no document lists.
    """

    lost_s: float = field(default=30.0, validator=above_zero)
    unknown_s: float = field(default=900.0, validator=above_zero)
    reviewed_s: float = field(default=1800.0, validator=above_zero)
    unlisted_s: float = field(default=3600.0, validator=above_zero)

    def judge(self, status: JobStatus, seen_for_s: float, sights: int) -> Verdict:
        """What a status means.

        Args:
            status: the one that was just seen.
            seen_for_s: seconds since it was seen first without another in between.
            sights: how often that was.
        """
        if status is JobStatus.LOST:
            lost = sights >= _SIGHTS_OF_LOST and seen_for_s >= self.lost_s
            return Verdict.OVER if lost else Verdict.GOES_ON
        if status.is_final:
            return Verdict.OVER
        if status.is_doubtful and seen_for_s >= self._limit_s(status):
            return Verdict.TOO_LONG
        return Verdict.GOES_ON

    def _limit_s(self, status: JobStatus) -> float:
        if status is JobStatus.UNKNOWN:
            return self.unknown_s
        if status is JobStatus.CHECK_RUNNING_COMPLETED:
            return self.reviewed_s
        return self.unlisted_s
