"""How long a lost answer is looked for."""

from attrs import field, frozen

from .._checks import above_zero, at_least_one


@frozen(kw_only=True)
class SettlePolicy:
    """Bounds on finding out what became of a create whose answer was lost.

    Args:
        quiet_window_s: a version that has not shown up in the list for this long, and in the look after that, is taken
            for not made, and the create is sent again. A service whose lists lag longer than this makes twins, which
            are stopped.
        late_watch_s: how long after that a late version, then a twin, is looked for and stopped.
        patience_s: how long the list itself may fail before the outcome is called unknown.
        max_sends: how often one intent is sent in all.
        grace_s: how long a cancelled create may still find out what became of it.
    """

    quiet_window_s: float = field(default=15.0, validator=above_zero)
    late_watch_s: float = field(default=300.0, validator=above_zero)
    patience_s: float = field(default=120.0, validator=above_zero)
    max_sends: int = field(default=10, validator=at_least_one)
    grace_s: float = field(default=2.0, validator=above_zero)

    def pause_s(self, looked_for_s: float) -> float:
        """Seconds until the next look, for a create that has been looked for that long."""
        return min(max(looked_for_s * 0.5, 0.1), max(self.quiet_window_s / 3, 0.1))
