"""A page of versions, read no further than their states: what is looked at a thousand times is decoded once."""

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from ..status import JobStatus


@frozen(kw_only=True)
class StatePage:
    """The states of some versions of a job, newest first.

    Args:
        states: the status of each version; rows that say none that can be read are left out.
        rows: the whole rows, by version; of a page that was known before, those with another state than then.
        count: how many rows the answer had.
        total: how many versions the job has, which is a hint: pages can be out of step with it.
        head: the members beside the rows.
        digest: of the answer, so that the same one need not be read twice.
    """

    states: Mapping[int, JobStatus]
    rows: Mapping[int, Mapping[str, Any]] = field(repr=False)
    count: int
    total: int | None = None
    head: Mapping[str, Any] = field(factory=dict, repr=False)
    digest: bytes = field(default=b"", repr=False)

    def without_rows(self) -> "StatePage":
        """What is worth keeping until the next look."""
        return evolve(self, rows={}, head={})
