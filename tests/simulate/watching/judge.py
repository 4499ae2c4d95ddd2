"""What has to be true after a run; the board is the judge."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulate.watching.run import Run


def judge(run: "Run") -> None:
    """Add what is wrong to the run's violations."""
