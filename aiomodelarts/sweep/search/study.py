"""The trials of a sweep as Optuna reads them: a study in memory that is looked at and never changed."""

from collections.abc import Container, Sequence
from typing import Any

from attrs import frozen
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection, load_study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from ..objective import Goal
from ..space.axes import Axis, Choice, Float, Scalar
from ..space.space import Point, Space
from ..trial import Trial, TrialState

_DIRECTIONS = {Goal.MAXIMIZE: StudyDirection.MAXIMIZE, Goal.MINIMIZE: StudyDirection.MINIMIZE}
# What a script failed at is as bad as a stopped trial; what failed for other reasons says nothing about its point.
_FAULTS_OF_THE_POINT = frozenset({"code"})


@frozen
class Coordinate:
    """One axis as Optuna sees it: a range as it is, a row of single values by their places."""

    axis: Axis
    distribution: BaseDistribution
    by_place: bool

    @classmethod
    def of(cls, axis: Axis) -> "Coordinate":
        """The axis as Optuna sees it."""
        if isinstance(axis, Choice):
            return cls(axis, CategoricalDistribution(range(axis.size)), True)
        if isinstance(axis, Float):
            if axis.size is None:
                return cls(axis, FloatDistribution(axis.low, axis.high, log=axis.log), False)
        elif axis.log and axis.num is None:
            return cls(axis, IntDistribution(axis.low, axis.high, log=True), False)
        assert axis.size is not None
        return cls(axis, IntDistribution(0, axis.size - 1), True)

    def told(self, value: Scalar) -> Any:
        """What Optuna is told of a value of the axis."""
        return self.axis.place(value) if self.by_place else value

    def value(self, told: Any) -> Scalar:
        """The value of what Optuna says."""
        return self.axis.at(told) if self.by_place else told


class SpaceForOptuna:
    """A space as Optuna sees it.

    Args:
        space: the space.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self.coordinates = {name: Coordinate.of(axis) for name, axis in space.axes.items()}

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """The names that are there together, each group behind those that its condition asks about."""
        groups: dict[str, list[str]] = {}
        for name in self._space.order:
            groups.setdefault(repr(self._space.conditions.get(name, {})), []).append(name)
        return [tuple(names) for names in groups.values()]

    def told(self, point: Point) -> dict[str, Any]:
        """What Optuna is told of a point; an axis with one value is none to it."""
        return {name: self.coordinates[name].told(value) for name, value in point.items() if self.varies(name)}

    def varies(self, name: str) -> bool:
        """Whether the axis has more than one value."""
        return self._space.axes[name].size != 1

    def distributions(self, names: Sequence[str]) -> dict[str, BaseDistribution]:
        """By name, what Optuna chooses from."""
        return {name: self.coordinates[name].distribution for name in names if self.varies(name)}


def frozen_trial(trial: Trial, number: int, point: Point | None, seen: SpaceForOptuna, objectives: int) -> FrozenTrial:
    """A trial as Optuna reads it.

    Args:
        trial: the trial.
        number: its place in the study.
        point: its point as the space writes it, or None when it does not lie there.
        seen: the space.
        objectives: how many values a trial has.
    """
    state, values, steps = _outcome(trial, objectives)
    params = seen.told(point) if point is not None else {}
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=state if point is not None else OptunaState.FAIL,
        value=None,
        values=values,
        datetime_start=None,
        datetime_complete=None,
        params=params,
        distributions=seen.distributions(tuple(params)),
        user_attrs={},
        system_attrs={},
        intermediate_values=steps,
    )


def _outcome(trial: Trial, objectives: int) -> tuple[OptunaState, Sequence[float] | None, dict[int, float]]:
    if trial.value is not None:
        return OptunaState.COMPLETE, trial.values or (trial.value,), {}
    if not trial.state.is_final:
        return OptunaState.RUNNING, None, {}
    stopped = trial.state is TrialState.PRUNED
    is_bad = stopped or trial.state is TrialState.NO_METRIC or trial.failure in _FAULTS_OF_THE_POINT
    if not is_bad or objectives > 1:
        # Optuna ranks stopped trials by one direction.
        return OptunaState.FAIL, None, {}
    known = stopped and trial.last_value is not None
    return OptunaState.PRUNED, None, {trial.last_step or 0: trial.last_value or 0.0} if known else {}


class _ToLookAt(InMemoryStorage):
    """A storage with one study, whose trials are handed in."""

    def __init__(self, directions: Sequence[StudyDirection], trials: Sequence[FrozenTrial]) -> None:
        super().__init__()
        self._directions_of_all = list(directions)
        self._all = trials

    def get_study_id_from_name(self, study_name: str) -> int:  # noqa: ARG002  (there is one)
        return 0

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:  # noqa: ARG002
        return self._directions_of_all

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:  # noqa: ARG002
        return {}

    def get_all_trials(
        self,
        study_id: int,  # noqa: ARG002
        deepcopy: bool = True,  # noqa: ARG002
        states: Container[OptunaState] | None = None,
    ) -> list[FrozenTrial]:
        return [trial for trial in self._all if states is None or trial.state in states]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Samplers leave notes for other processes here; ours tell each other through the ledger."""


def study_of(goals: Sequence[Goal], trials: Sequence[FrozenTrial]) -> Study:
    """A study of these trials."""
    return load_study(study_name="", storage=_ToLookAt([_DIRECTIONS[goal] for goal in goals], trials))
