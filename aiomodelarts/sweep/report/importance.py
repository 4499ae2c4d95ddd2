"""How much of the value each hyperparameter decides, by Optuna. Blocks: it is called in a thread."""

import warnings
from collections.abc import Mapping, Sequence

from attrs import evolve

from ..objective import Goal
from ..space.space import Axis, Point, Space
from ..trial import Trial

_LEAST_TRIALS = 10
# The evaluator looks at the best tenth of the trials; beyond so many the picture does not change any more.
_MOST_TRIALS = 10_000
_HOW = "Which hyperparameters the best tenth of the trials agrees on (PED-ANOVA, by Optuna)."


def importance(axes: Mapping[str, Axis], trials: Sequence[Trial], goal: Goal) -> tuple[dict[str, float], str]:
    """The share of each hyperparameter, largest first, and how it was found; or nothing, and why not."""
    whole = [trial for trial in trials if trial.value is not None]
    varied = [name for name, axis in axes.items() if axis.size != 1]
    if not whole:
        return {}, ""
    if len(varied) < 2:
        return {}, "There is one hyperparameter, and it decides everything."
    everywhere = [name for name in varied if all(name in trial.point for trial in whole)]
    if len(everywhere) < 2:
        return {}, "It can be told of hyperparameters that every trial has, and there are not two of them."
    compared = Space({name: axes[name] for name in everywhere})
    # Trials from before the space was changed may lie outside of it.
    placed = [(trial, point) for trial in whole if (point := compared.own(_part(trial.point, everywhere))) is not None]
    if len(placed) < _LEAST_TRIALS:
        return {}, f"It can be told from {_LEAST_TRIALS} trials with a value on; there are {len(placed)}."
    if len({trial.value for trial, _ in placed}) == 1:
        return {}, "All values are equal."
    try:
        shares = _shares(compared, placed[-_MOST_TRIALS:], goal)
    except ModuleNotFoundError:
        return {}, "It needs Optuna: pip install 'aiomodelarts[sweep]'."
    total = sum(shares.values())
    if not total > 0:
        return {}, "The best trials agree on nothing yet."
    missing = [name for name in varied if name not in everywhere]
    note = f"{_HOW} Not every trial has {', '.join(missing)}." if missing else _HOW
    return {name: share / total for name, share in sorted(shares.items(), key=lambda pair: -pair[1])}, note


def _shares(space: Space, placed: Sequence[tuple[Trial, Point]], goal: Goal) -> Mapping[str, float]:
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    from ..search.study import SpaceForOptuna, frozen_trial, study_of

    seen = SpaceForOptuna(space)
    told = [
        frozen_trial(evolve(trial, values=()), number, point, seen, 1) for number, (trial, point) in enumerate(placed)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the evaluator is new, and Optuna says so every time
        return get_param_importances(study_of([goal], told), evaluator=PedAnovaImportanceEvaluator())


def _part(point: Point, names: Sequence[str]) -> Point:
    return {name: point[name] for name in names}
