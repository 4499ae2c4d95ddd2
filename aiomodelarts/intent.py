"""An intent whose outcome is unknown, as something that can be kept and settled later."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ._create.made import Pending
from .errors import InvalidArgument
from .job import TrainingJob
from .models.spec import TrainingSpec
from .session import AsyncSession


@frozen
class Intent:
    """What was asked for, when nobody can say whether it was made.

    Args:
        pending: the plain value; ``as_plain`` gives it as JSON can hold it.
        session: the session that sent it; None after it was read back in another process.
    """

    pending: Pending
    session: AsyncSession | None = field(default=None, eq=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        # A session stays in its process.
        return Intent, (self.pending,)

    @property
    def spec(self) -> TrainingSpec:
        """What was asked for."""
        return self.pending.spec

    def as_plain(self) -> dict[str, Any]:
        """The intent as JSON can hold it."""
        return self.pending.as_plain()

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Intent":
        """The intent that ``as_plain`` wrote down."""
        return cls(Pending.from_plain(plain))

    async def settle(self, session: AsyncSession | None = None) -> TrainingJob | None:
        """The version that was made after all, or None when none shows up within the quiet window.

        Args:
            session: asks; without it the session that sent the intent does, if it is still open.

        Raises:
            CreateOutcomeUnknown: when the versions cannot be listed now either.
        """
        asking = session or self.session
        if asking is None:
            raise InvalidArgument("session", None, "an intent from another process is settled with a session")
        made = await asking.settle(self.pending)
        return None if made is None else TrainingJob.of(asking, made, self.spec)


def left_of(session: AsyncSession, spec: TrainingSpec) -> TrainingJob | Intent | None:
    """What a create that was cancelled left: its version, an intent that may have made one, or nothing."""
    left = next((left for left in reversed(session.left_behind) if left.pending.spec is spec), None)
    if left is not None:
        return Intent(left.pending, session) if left.made is None else TrainingJob.of(session, left.made, spec)
    # Somebody else waits for the version with this key, and goes on waiting.
    return Intent(Pending(spec=spec), session) if spec.intent_id is not None else None
