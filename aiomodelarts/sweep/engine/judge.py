"""Optuna's pruners, fed with what all trials of a sweep have told so far. Works long: for a thread."""

import copy
import logging
import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import define, field, frozen
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    PatientPruner,
    SuccessiveHalvingPruner,
    ThresholdPruner,
)
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from ..ledger.records import Measure
from ..objective import Goal
from ..pruning import Pruning
from ..trial import Trial, TrialState

_DIRECTIONS = {Goal.MAXIMIZE: StudyDirection.MAXIMIZE, Goal.MINIMIZE: StudyDirection.MINIMIZE}
_MAKERS: Mapping[str, Callable[..., BasePruner]] = {
    "median": MedianPruner,
    "successive-halving": SuccessiveHalvingPruner,
    "hyperband": HyperbandPruner,
    "threshold": ThresholdPruner,
    "patience": lambda **settings: PatientPruner(None, **settings),
}

# These look for the best of several values, among which one that is not a number has no place.
_COMPARE = frozenset({"median", "patience"})


@frozen
class Verdict:
    """What became of one value.

    Args:
        measure: the value, as it is kept.
        stop: whether the version is to be stopped.
    """

    measure: Measure
    stop: bool


@define
class _Run:
    """One attempt at a trial, as far as its log has told."""

    attempt: int
    values: dict[int, float] = field(factory=dict)
    marks: dict[str, Any] = field(factory=dict)
    ended: OptunaState | None = None
    value: float | None = None


class Judge:
    """Says which versions are to be stopped.

    What a pruner notes of a trial is kept beside the value that it looked at, so that another controller, or the next
    run, comes to the same verdicts.

    Args:
        pruning: by which rule.
        name: of the sweep; Hyperband's brackets depend on it.
    """

    def __init__(self, pruning: Pruning, name: str) -> None:
        self._direction = _DIRECTIONS[pruning.goal]
        self._name = name
        self._compares = pruning.method in _COMPARE
        with warnings.catch_warnings():
            # Patience is called experimental.
            warnings.simplefilter("ignore")
            self._pruner = _MAKERS[pruning.method](**pruning.settings)
        self._runs: dict[int, _Run] = {}
        self._study, self._storage = self._new_study()
        self._ids: list[int] = []

    def learn(self, measures: Iterable[Measure], trials: Iterable[Trial] = ()) -> None:
        """Take in what other controllers, or earlier runs, have written down."""
        for one in measures:
            run = self._run(one.number, one.attempt)
            if run is not None and one.step not in run.values:
                self._note(one.number, run, one.step, one.value)
                self._mark(one.number, run, one.marks or {})
        for trial in trials:
            self.ended(trial)

    def ended(self, trial: Trial) -> None:
        """Take in that a trial is over, where it is."""
        run = self._run(trial.number, trial.attempt)
        if run is None or run.ended is not None or not trial.state.is_settled:
            return
        states = {TrialState.SUCCEEDED: OptunaState.COMPLETE, TrialState.PRUNED: OptunaState.PRUNED}
        run.ended = states.get(trial.state, OptunaState.FAIL)
        run.value = trial.value
        self._close(trial.number, run)

    def verdict(self, number: int, attempt: int, step: int, value: float) -> Verdict | None:
        """What becomes of the next value of a running trial; None where its step was told before."""
        run = self._run(number, attempt)
        if run is None or run.ended is not None or step in run.values:
            return None
        self._note(number, run, step, value)
        trial_id = self._id(number)
        stop = self._pruner.prune(self._study, self._as_judged(self._storage.get_trial(trial_id), run))
        marks = self._storage.get_trial_system_attrs(trial_id)
        new = {key: mark for key, mark in marks.items() if run.marks.get(key) != mark}
        run.marks |= new
        return Verdict(Measure(number, attempt, step, value, new or None), stop)

    def _run(self, number: int, attempt: int) -> _Run | None:
        """The attempt's run, or None when a later attempt is known."""
        run = self._runs.get(number)
        if run is not None and run.attempt > attempt:
            return None
        if run is None or run.attempt < attempt:
            anew = run is not None and (run.values or run.ended)
            run = self._runs[number] = _Run(attempt)
            if anew:
                # Optuna forgets nothing.
                self._rebuild()
        return run

    def _note(self, number: int, run: _Run, step: int, value: float) -> None:
        run.values[step] = value
        if run.ended is None:
            self._tell(number, step, value)

    def _tell(self, number: int, step: int, value: float) -> None:
        if not (math.isnan(value) and self._compares):
            self._storage.set_trial_intermediate_value(self._id(number), step, value)

    def _as_judged(self, trial: FrozenTrial, run: _Run) -> FrozenTrial:
        """The trial with the worst there is in place of what is not a number, which others are not compared with."""
        if not self._compares or not any(map(math.isnan, run.values.values())):
            return trial
        worst = -math.inf if self._direction is StudyDirection.MAXIMIZE else math.inf
        judged = copy.copy(trial)
        judged.intermediate_values = {step: worst if math.isnan(value) else value for step, value in run.values.items()}
        return judged

    def _mark(self, number: int, run: _Run, marks: Mapping[str, Any]) -> None:
        for key, mark in marks.items():
            run.marks[key] = mark
            if run.ended is None:
                self._storage.set_trial_system_attr(self._id(number), key, mark)

    def _close(self, number: int, run: _Run) -> None:
        values = None if run.value is None else [run.value]
        assert run.ended is not None
        self._storage.set_trial_state_values(self._id(number), run.ended, values)

    def _id(self, number: int) -> int:
        """The trial's id in the study, where numbers are given in order."""
        while len(self._ids) < number:
            self._ids.append(self._storage.create_new_trial(self._study._study_id))
        return self._ids[number - 1]

    def _rebuild(self) -> None:
        self._study, self._storage = self._new_study()
        self._ids = []
        for number, run in self._runs.items():
            for step, value in run.values.items():
                self._tell(number, step, value)
            for key, mark in run.marks.items():
                self._storage.set_trial_system_attr(self._id(number), key, mark)
            if run.ended is not None:
                self._close(number, run)

    def _new_study(self) -> tuple[Study, InMemoryStorage]:
        storage = InMemoryStorage()
        logging.getLogger("optuna.storages._in_memory").setLevel(logging.WARNING)
        storage.create_new_study([self._direction], self._name)
        return Study(self._name, storage, pruner=self._pruner), storage
