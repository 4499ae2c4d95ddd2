"""One trial, and how far a sweep has come. Pure."""

from collections.abc import Mapping
from enum import Enum

from attrs import evolve, field, frozen

from .budget import Amount, Spending
from .space.space import Point


class TrialState(Enum):
    """What became of a trial."""

    RESERVED = "reserved"
    CREATING = "creating"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PRUNED = "pruned"
    FAILED = "failed"
    NO_METRIC = "no metric"
    REFUSED = "refused"
    UNCLEAR = "unclear"

    @property
    def is_final(self) -> bool:
        """Whether the trial is over, for this run."""
        return self not in OPEN

    @property
    def is_settled(self) -> bool:
        """Whether the trial is over for good: a further run of the sweep leaves it as it is."""
        return self.is_final and self not in {TrialState.REFUSED, TrialState.UNCLEAR}


OPEN = frozenset({TrialState.RESERVED, TrialState.CREATING, TrialState.RUNNING})


class Ending(Enum):
    """Why a sweep has the version of a trial stopped."""

    PRUNED = "pruned"
    """It does worse than others."""
    OVERTIME = "overtime"
    """It has trained for as long as a trial may."""
    ASKED = "asked"
    """Somebody ended the sweep; the trial is made anew when the sweep goes on."""


@frozen
class Trial:
    """One point of a sweep and what became of it.

    Args:
        number: counts from 1 in the order of the search.
        point: its hyperparameters.
        output_path: where its version writes, and no other.
        state: what became of it.
        value: the objective, or the first of several; there for every succeeded trial and for no other.
        reason: why there is no value, in one line.
        job_id: of its version, once that is made.
        version_id: of its version, once that is made.
        duration_s: seconds from the accepted creation to the end, as seen from here.
        attempt: counts from 1; a trial is tried again where its failure was none of the script's.
        failure: the class of its failure.
        began_at: when its creation was accepted, in seconds since the Unix epoch.
        tries: how often it was tried again, by the class of the failure.
        flavor: what its version runs on, where the sweep names one.
        ending: why its version is being stopped, once that was decided.
        last_value: the last value that its log told while it ran, where the sweep looks.
        last_step: the step of that value.
        account: what is reserved for its present attempt, and what all of its attempts have spent.
        values: of all objectives, where there are several.
    """

    number: int
    point: Point = field(eq=True, hash=False)
    output_path: str
    state: TrialState = TrialState.RESERVED
    value: float | None = None
    reason: str | None = None
    job_id: int | None = None
    version_id: int | None = None
    duration_s: float | None = None
    attempt: int = 1
    failure: str | None = None
    began_at: float | None = None
    tries: Mapping[str, int] = field(factory=dict, hash=False)
    flavor: str | None = None
    ending: Ending | None = None
    last_value: float | None = None
    last_step: int | None = None
    account: Spending = field(factory=Spending)
    values: tuple[float, ...] = ()

    def again(self, output_path: str, failure: str | None = None) -> "Trial":
        """The next attempt, which has yet to be reserved for.

        Args:
            output_path: of that attempt.
            failure: the class that it is tried again for; None begins to count anew.
        """
        tries = {} if failure is None else {**self.tries, failure: self.tries.get(failure, 0) + 1}
        spent = evolve(self.account, held=Amount())
        return Trial(self.number, self.point, output_path, attempt=self.attempt + 1, tries=tries, account=spent)


@frozen
class Progress:
    """A sweep at one moment.

    Args:
        total: how many trials there will be.
        done: trials that are over, whatever became of them.
        running: trials that are being made or run.
        failed: trials that are over and have no value.
        best: the best trial so far.
        elapsed_s: seconds since the start of this run.
        before: trials that were over when this run began.
        waiting_for: why nothing is made at the moment although something is left to make, or None.
    """

    total: int
    done: int
    running: int
    failed: int
    best: Trial | None
    elapsed_s: float
    before: int = 0
    waiting_for: str | None = None

    @property
    def time_left_s(self) -> float | None:
        """Seconds to the end at the pace of this run, or None before one of its trials is over."""
        here = self.done - self.before
        return self.elapsed_s / here * (self.total - self.done) if here > 0 else None
