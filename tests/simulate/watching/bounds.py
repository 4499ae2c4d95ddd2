"""How late and how old what is told may be."""

from typing import TYPE_CHECKING

from attrs import frozen

from aiomodelarts.status import JobStatus
from tests.simulate.watching.board import Life, is_end

if TYPE_CHECKING:
    from tests.simulate.watching.plan import Plan

# In rough weather an answer that is repeated until it comes can be as old as this, and a pause after failures as long.
_ROUGH_S = 75.0
_LOOKS_BEFORE_GONE = 6
_APPEARS_WITHIN_S = 10.0


@frozen
class Bounds:
    """In seconds.

    Args:
        look_s: a whole look at a job, with the turns of all others.
        sees_s: until everybody knows what the board shows for good.
        gone_s: the same for a version that is deleted.
        old_s: how long ago a state may have been there that is told now.
    """

    look_s: float
    sees_s: float
    gone_s: float
    old_s: float


def bounds(plan: "Plan") -> Bounds:
    """Those of a run."""
    cadence = plan.cadence
    asked = sum(2 + len(lives) + len(lives) // plan.page for lives in plan.board.lives.values())
    look_s = asked * (1 / cadence.polls_per_s + 2 * plan.latency_s[1])
    pause_s = max(plan.slowest_s, asked / cadence.polls_per_s)
    sees_s = pause_s + 2 * look_s + 0.5
    gone_s = _APPEARS_WITHIN_S + _LOOKS_BEFORE_GONE * sees_s
    if plan.is_calm:
        # Whoever falls asleep during a look tells of it on waking.
        return Bounds(look_s, sees_s, gone_s, look_s if plan.nap is None else 1e9)
    return Bounds(look_s, sees_s + _ROUGH_S, gone_s + _ROUGH_S, 1e9)


def known_s(plan: "Plan", life: Life) -> float:
    """When, in the loop's time, the board shows the last of a version."""
    return plan.on_loop(min(life.moves[-1][0], life.deleted_s))


def endured_s(plan: "Plan", status: JobStatus) -> float:
    """How long a status is endured."""
    patience = plan.patience
    if status is JobStatus.LOST:
        return patience.lost_s
    if is_end(status) or not status.is_doubtful:
        return 0.0
    return patience._limit_s(status)
