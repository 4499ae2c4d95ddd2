"""Statuses of a training-job version, and what each means for somebody who waits."""

from enum import Enum, IntEnum


class Outcome(Enum):
    """What a status says about the run."""

    GOING_ON = "going on"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobStatus(IntEnum):
    """A documented status number. A number that no document lists is kept as an extra member and is never final."""

    UNKNOWN = 0
    INIT = 1
    IMAGE_CREATING = 2
    IMAGE_FAILED = 3
    SUBMIT_TRYING = 4
    SUBMIT_FAILED = 5
    DELETE_FAILED = 6
    WAITING = 7
    RUNNING = 8
    KILLING = 9
    COMPLETED = 10
    FAILED = 11
    KILLED = 12
    CANCELED = 13
    LOST = 14
    SCALING = 15
    SUBMIT_MODEL_FAILED = 16
    DEPLOY_SERVICE_FAILED = 17
    CHECK_INIT = 18
    CHECK_RUNNING = 19
    CHECK_RUNNING_COMPLETED = 20
    CHECK_FAILED = 21
    MOUNT_FAILED = 22

    @classmethod
    def _missing_(cls, value: object) -> "JobStatus | None":
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        extra = int.__new__(cls, value)
        extra._name_ = f"UNLISTED_{value}" if value >= 0 else f"UNLISTED_MINUS_{-value}"
        extra._value_ = value
        return extra

    @property
    def outcome(self) -> Outcome:
        """What this status says about the run."""
        return _OUTCOMES.get(self, Outcome.GOING_ON)

    @property
    def is_final(self) -> bool:
        """Whether the version will not leave this status by itself."""
        return self in _OUTCOMES

    @property
    def is_listed(self) -> bool:
        """Whether any document names this number."""
        return not self._name_.startswith("UNLISTED_")

    @property
    def is_doubtful(self) -> bool:
        """Whether a wait should endure this status for a limited time only."""
        return self in _DOUBTFUL or not self.is_listed


_OUTCOMES = {
    JobStatus.COMPLETED: Outcome.SUCCEEDED,
    JobStatus.KILLED: Outcome.CANCELLED,
    JobStatus.CANCELED: Outcome.CANCELLED,
    JobStatus.IMAGE_FAILED: Outcome.FAILED,
    JobStatus.SUBMIT_FAILED: Outcome.FAILED,
    JobStatus.DELETE_FAILED: Outcome.FAILED,
    JobStatus.FAILED: Outcome.FAILED,
    JobStatus.LOST: Outcome.FAILED,
    JobStatus.SUBMIT_MODEL_FAILED: Outcome.FAILED,
    JobStatus.DEPLOY_SERVICE_FAILED: Outcome.FAILED,
    JobStatus.CHECK_FAILED: Outcome.FAILED,
    JobStatus.MOUNT_FAILED: Outcome.FAILED,
}

# LOST can return, so one sight of it is not enough: it is final, and doubtful.
_DOUBTFUL = frozenset({JobStatus.UNKNOWN, JobStatus.LOST, JobStatus.CHECK_RUNNING_COMPLETED})
