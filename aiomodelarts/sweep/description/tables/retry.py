"""Reads ``[retry]``."""

from ...failures import Failure, RetryBudget
from ..reader import TableReader


def read_retry(table: TableReader) -> RetryBudget:
    """How often a failed trial is tried again; what the table does not name keeps its usual number."""
    table.only({failure.value for failure in Failure})
    given = {failure: table.integer(failure.value, low=0) for failure in Failure if failure.value in table.values}
    times = {failure: number for failure, number in given.items() if number is not None}
    return RetryBudget({**RetryBudget().times, **times})
