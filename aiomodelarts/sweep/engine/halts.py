"""Why a sweep makes no more versions although some are left to make."""

from enum import Enum

from ...errors import SweepError


class Running(Enum):
    """What becomes of running versions when a sweep ends before its time."""

    LEAVE = "leave"
    """They go on, and are taken up when the sweep goes on."""
    STOP = "stop"
    """They are stopped, and made anew when the sweep goes on."""


class Halt(SweepError):
    """The sweep ends as it was told to; the same command goes on with it."""


class StoppedAsAsked(Halt):
    """Somebody asked the sweep to end.

    Attributes:
        running: what was asked to become of running versions.
    """

    def __init__(self, running: Running) -> None:
        fate = "go on at the platform" if running is Running.LEAVE else "were stopped and will be made anew"
        super().__init__(f"stopped as asked; versions that ran {fate}")
        self.running = running


class BudgetUsedUp(Halt):
    """What is left of the budget is less than one more version may take."""


class JobDeleted(SweepError):
    """The job that the versions belong to is not there any more."""
