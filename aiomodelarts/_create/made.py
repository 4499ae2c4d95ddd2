"""What comes out of making a version."""

from collections.abc import Mapping
from typing import Any, Literal

from attrs import frozen

from ..models.job import CreatedVersion
from ..models.spec import TrainingSpec

Origin = Literal["created", "adopted"]


@frozen(kw_only=True)
class Made:
    """One version for one intent.

    Args:
        job_id: its job.
        version_id: the version.
        origin: ``created`` when the answer named it, ``adopted`` when it was found after the answer was lost.
        created: the answer, where there was one.
    """

    job_id: int
    version_id: int
    origin: Origin
    created: CreatedVersion | None = None


@frozen(kw_only=True)
class Twin:
    """A second version for one intent, which landed after the first one had been given up; it was stopped.

    Args:
        job_id: its job.
        version_id: the twin.
        spec: the intent.
    """

    job_id: int
    version_id: int
    spec: TrainingSpec


@frozen(kw_only=True)
class Pending:
    """An intent whose outcome is not known yet; a plain value, to be settled later or elsewhere.

    Args:
        spec: the intent.
        after_version_id: the newest version of the job that was known when it was sent.
    """

    spec: TrainingSpec
    after_version_id: int = 0

    def as_plain(self) -> dict[str, Any]:
        """The value as JSON can hold it."""
        return {"spec": self.spec.as_plain(), "after_version_id": self.after_version_id}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Pending":
        """The value that ``as_plain`` wrote down."""
        return cls(spec=TrainingSpec.from_plain(plain["spec"]), after_version_id=plain["after_version_id"])


@frozen(kw_only=True)
class LeftBehind:
    """What a cancelled create left on the platform.

    Args:
        pending: the intent.
        made: the version, when it is known to exist; None when nobody can say.
    """

    pending: Pending
    made: Made | None
