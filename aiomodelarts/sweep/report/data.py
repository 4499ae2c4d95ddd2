"""What a report is made of. Pure."""

from collections.abc import Mapping
from datetime import UTC, tzinfo

from attrs import evolve, field, frozen

from ..ledger.records import Event
from ..objective import Goal
from ..space.space import Axis
from ..trial import Trial

# A browser lists so many trials and draws so many dots without stuttering; a longer sweep is thinned out.
MOST_LISTED, MOST_DOTS = 5000, 1500


@frozen
class Aim:
    """One objective of several.

    Args:
        goal: which value is better.
        metric: what is read from each version, in words.
        importance: as of ``ReportData``, for this objective.
        importance_note: as well.
    """

    goal: Goal
    metric: str
    importance: Mapping[str, float] = field(factory=dict)
    importance_note: str = ""


@frozen
class ReportData:
    """A sweep as its ledger knew it at one moment.

    Args:
        name: of the sweep.
        goal: which value is better.
        metric: what is read from each version, in words.
        search: how the points are chosen, in words.
        axes: the axes of the space, by hyperparameter.
        trials: all that were begun, by number.
        events: the history of these trials, oldest first.
        planned: how many trials there will be.
        at: when the ledger was read, in seconds since the Unix epoch.
        zone: the zone that times are shown in.
        importance: how much of the value each hyperparameter decides, largest first; empty where it cannot be told.
        importance_note: why it cannot be told, or how it was.
        logs: by trial, the address of its log, relative to the report.
        several: the objectives by name, where there is more than one; what is said above is of the first.
        shows_stopped: whether the last values of trials that were stopped early are values of the objective.
    """

    name: str
    goal: Goal
    metric: str
    search: str
    axes: Mapping[str, Axis]
    trials: tuple[Trial, ...]
    events: tuple[Event, ...]
    planned: int
    at: float
    zone: tzinfo = UTC
    importance: Mapping[str, float] = field(factory=dict)
    importance_note: str = ""
    logs: Mapping[int, str] = field(factory=dict)
    several: Mapping[str, Aim] = field(factory=dict)
    shows_stopped: bool = False

    @property
    def views(self) -> "Mapping[str, ReportData]":
        """The same sweep as each objective alone sees it; a single one has no name."""
        return {name: self._by(place, aim) for place, (name, aim) in enumerate(self.several.items())} or {"": self}

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Which values are better, in the order of the objectives."""
        return tuple(aim.goal for aim in self.several.values()) or (self.goal,)

    def _by(self, place: int, aim: Aim) -> "ReportData":
        trials = tuple(evolve(trial, value=trial.values[place]) if trial.values else trial for trial in self.trials)
        return evolve(
            self,
            trials=trials,
            goal=aim.goal,
            metric=aim.metric,
            importance=aim.importance,
            importance_note=aim.importance_note,
            several={},
        )

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the hyperparameters: those of the space, then those that only earlier trials had."""
        names = dict.fromkeys(self.axes)
        for trial in self.trials:
            names.update(dict.fromkeys(trial.point))
        return tuple(names)


def drawn(trials: tuple[Trial, ...], goal: Goal, most: int = MOST_LISTED) -> tuple[Trial, ...]:
    """The trials that are drawn: all, or the best, those that go on, and an even share of the others; by number."""
    if len(trials) <= most:
        return trials
    sign = -1 if goal is Goal.MAXIMIZE else 1
    valued = sorted(
        (trial for trial in trials if trial.value is not None), key=lambda trial: sign * (trial.value or 0.0)
    )
    going = [trial for trial in trials if not trial.state.is_final]
    chosen = {trial.number for trial in (*valued[: most // 2], *going[-(most // 4) :])}
    others = [trial for trial in trials if trial.number not in chosen]
    room = most - len(chosen)
    chosen.update(others[place * len(others) // room].number for place in range(room))
    return tuple(trial for trial in trials if trial.number in chosen)
