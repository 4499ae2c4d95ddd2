"""Suggestions by Optuna's samplers."""

import logging
from collections.abc import Sequence

import numpy as np
from optuna.samplers import BaseSampler, GPSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from ..objective import Goal
from ..space.conditions import is_met
from ..space.space import Point, Space
from ..trial import Trial
from .chance import derived
from .study import SpaceForOptuna, frozen_trial, study_of


class OptunaWay:
    """Suggests with the tree-structured Parzen estimator or with a Gaussian process.

    Args:
        algorithm: ``tpe`` or ``gp``.
        seed: of the search.
        space: what is searched.
        goals: of the objectives.
    """

    def __init__(self, algorithm: str, seed: int, space: Space, goals: Sequence[Goal]) -> None:
        self._algorithm = algorithm
        self._seed = seed
        self._space = space
        self._goals = goals
        self._seen = SpaceForOptuna(space)
        self._told: list[FrozenTrial] = []
        # That its own search has converged is nothing that a user could do something about.
        logging.getLogger("optuna._gp").setLevel(logging.ERROR)

    def take(self, index: int, trial: Trial, point: Point | None) -> None:
        """Take in what the trial at this place of the history is now."""
        told = frozen_trial(trial, index, point, self._seen, len(self._goals))
        self._told[index : index + 1] = [told]

    def forget(self) -> None:
        """Begin with an empty history."""
        self._told.clear()

    def suggest(self, number: int, attempt: int) -> Point:
        """A point; the same one for the same history, number and attempt."""
        sampler = self._sampler(derived(self._seed, number, attempt))
        asked = FrozenTrial(
            number=len(self._told),
            trial_id=len(self._told),
            state=OptunaState.RUNNING,
            value=None,
            datetime_start=None,
            datetime_complete=None,
            params={},
            distributions={},
            user_attrs={},
            system_attrs={},
            intermediate_values={},
        )
        study = study_of(self._goals, self._told)
        picked: Point = {}
        # A Gaussian process divides by nothing where its search has converged, and then sees it.
        with np.errstate(divide="ignore", invalid="ignore"):
            for names in self._seen.groups:
                if is_met(self._space.conditions.get(names[0], {}), picked):
                    picked |= self._group(sampler, study, asked, names)
        return self._space.arranged(picked)

    def _sampler(self, seed: int) -> BaseSampler:
        if self._algorithm == "gp":
            return GPSampler(seed=seed, n_startup_trials=1)
        return TPESampler(seed=seed, n_startup_trials=1, multivariate=True, constant_liar=True)

    def _group(self, sampler: BaseSampler, study: Study, asked: FrozenTrial, names: Sequence[str]) -> Point:
        """Values for hyperparameters that are there together."""
        wanted = self._seen.distributions(names)
        if self._algorithm == "gp":
            # It takes only trials that have all of them.
            study = study_of(self._goals, [trial for trial in self._told if wanted.keys() <= trial.params.keys()])
        said = dict(sampler.sample_relative(study, asked, wanted)) if wanted else {}
        for name in wanted.keys() - said.keys():
            said[name] = sampler.sample_independent(study, asked, name, wanted[name])
        places = {name: self._seen.coordinates[name] for name in names}
        return {name: places[name].value(said[name]) if name in said else places[name].axis.at(0) for name in names}
