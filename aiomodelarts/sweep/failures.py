"""Why a trial has no value: the class of the failure decides whether it is tried again. Pure."""

import math
from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen

from ..errors import TrainingCancelled, TrainingFailed, VersionGone
from ..status import JobStatus


class Failure(Enum):
    """Who or what a failure is owed to."""

    CODE = "code"
    """The script ended with an error."""
    PLATFORM = "platform"
    """The platform did not bring the script to run: image, submission, mount."""
    CAPACITY = "capacity"
    """The platform had no room for the version, or the quota was used up: it was not made."""
    PREEMPTED = "preempted"
    """Stopped or deleted, and not by this sweep: the platform does not tell whether it was somebody, or itself."""
    OVERTIME = "overtime"
    """It trained for longer than a trial may, and was stopped."""
    LOST = "lost"
    """The platform lost sight of the version."""
    UNKNOWN = "unknown"
    """It cannot be told."""


_BY_STATUS = {
    JobStatus.FAILED: Failure.CODE,
    JobStatus.LOST: Failure.LOST,
    JobStatus.IMAGE_FAILED: Failure.PLATFORM,
    JobStatus.SUBMIT_FAILED: Failure.PLATFORM,
    JobStatus.SUBMIT_MODEL_FAILED: Failure.PLATFORM,
    JobStatus.DEPLOY_SERVICE_FAILED: Failure.PLATFORM,
    JobStatus.CHECK_FAILED: Failure.PLATFORM,
    JobStatus.MOUNT_FAILED: Failure.PLATFORM,
}


def classified(error: TrainingFailed | VersionGone) -> Failure:
    """The class of a version's failure."""
    if isinstance(error, VersionGone):
        return Failure.PREEMPTED
    if isinstance(error, TrainingCancelled):
        return Failure.PREEMPTED
    status = getattr(error.detail, "status", None)
    return _BY_STATUS.get(status, Failure.UNKNOWN) if isinstance(status, JobStatus) else Failure.UNKNOWN


@frozen
class RetryBudget:
    """How often a trial is tried again, by the class of its failure.

    Args:
        times: repetitions for each class. A class that is not there has none, but want of capacity, which has no end:
            it says nothing about the trial.
    """

    times: Mapping[Failure, int] = field(factory=lambda: {Failure.LOST: 3, Failure.PLATFORM: 1})

    def allows(self, failure: Failure, earlier: int) -> bool:
        """Whether the trial may be tried again after ``earlier`` repetitions for this class."""
        return earlier < self.times.get(failure, math.inf if failure is Failure.CAPACITY else 0)
