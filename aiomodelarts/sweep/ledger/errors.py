"""What a ledger refuses, and why."""

from collections.abc import Sequence

from ...errors import SweepError


class LedgerError(SweepError):
    """The ledger cannot be used; nothing that it holds was changed."""


class NotRunYet(LedgerError):
    """There is no ledger of this sweep."""


class Fenced(LedgerError):
    """This controller was silent for so long that its trials were given to others; it may change nothing more."""


class LeaseInDoubt(Exception):
    """The lease was not seen for so long that it may be over; nothing was sent."""


class NumberTaken(LedgerError):
    """The number that a trial was made for belongs to another trial already; nothing was reserved."""


class NoRoom(LedgerError):
    """The budget has no room for a reservation now; nothing was changed."""


class SweepChanged(LedgerError):
    """The ledger's sweep is not the one that the file describes.

    Attributes:
        differences: one line for each setting that differs.
    """

    def __init__(self, name: str, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        lines = "\n".join(f"  {difference}" for difference in differences)
        super().__init__(
            f"sweep {name} has changed since its last run:\n{lines}\n"
            "--allow-change keeps the trials that are there and goes on with the new settings; "
            "--fresh begins anew and keeps the old trials aside; another name makes another sweep"
        )
