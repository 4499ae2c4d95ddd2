"""When to look again, and how: pure."""

from attrs import field, frozen

from .._checks import above_zero

# Reading a version by itself costs one request; a page costs one request, however many of its rows are awaited.
_FEW = 3


@frozen(kw_only=True)
class Cadence:
    """How often the watcher looks.

    Args:
        min_s: the shortest pause between two looks at a job.
        max_s: the longest.
        share: the pause as a share of the time since the newest wait began, so that short runs are seen to end early
            and long ones are not asked for in vain.
    """

    min_s: float = field(default=0.05, validator=above_zero)
    max_s: float = field(default=5.0, validator=above_zero)
    share: float = field(default=0.2, validator=above_zero)

    def pause_s(self, youngest_s: float, failures: int = 0) -> float:
        """Seconds until the next look.

        Args:
            youngest_s: age of the newest wait.
            failures: looks that failed in a row; each one doubles the pause.
        """
        pause = min(max(youngest_s * self.share, self.min_s), self.max_s)
        return float(min(pause * 2 ** min(failures, 10), max(self.max_s, 30.0) if failures else self.max_s))


def one_by_one(awaited: int) -> bool:
    """Whether single reads are cheaper than listing pages for this many awaited versions."""
    return awaited <= _FEW
