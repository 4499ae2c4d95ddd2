"""How much of the value each hyperparameter decides, by Optuna. Blocks: it is called in a thread."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ..objective import Goal
from ..space.space import Axis, Choice, Float, Int
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
    if len(whole) < _LEAST_TRIALS:
        return {}, f"It can be told from {_LEAST_TRIALS} trials with a value on; there are {len(whole)}."
    if len({trial.value for trial in whole}) == 1:
        return {}, "All values are equal."
    try:
        import optuna
    except ModuleNotFoundError:
        return {}, "It needs Optuna: pip install 'aiomodelarts[sweep]'."
    distributions = {name: _distribution(axes[name]) for name in everywhere}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the evaluator is new, and Optuna says so every time
        study = _study(optuna, whole[-_MOST_TRIALS:], distributions, goal)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    total = sum(shares.values())
    if not total > 0:
        return {}, "The best trials agree on nothing yet."
    missing = [name for name in varied if name not in everywhere]
    note = f"{_HOW} Not every trial has {', '.join(missing)}." if missing else _HOW
    return {name: share / total for name, share in sorted(shares.items(), key=lambda pair: -pair[1])}, note


def _study(optuna: Any, trials: Sequence[Trial], distributions: Mapping[str, Any], goal: Goal) -> Any:
    # Making a study is worth a line to Optuna; to a report it is not.
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(direction=goal.value)
    finally:
        optuna.logging.set_verbosity(before)
    study.add_trials(
        [
            optuna.trial.create_trial(
                params={name: trial.point[name] for name in distributions},
                distributions=dict(distributions),
                value=trial.value,
            )
            for trial in trials
        ]
    )
    return study


def _distribution(axis: Axis) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(axis, Float):
        return FloatDistribution(axis.low, axis.high, log=axis.log)
    if isinstance(axis, Int):
        return IntDistribution(axis.low, axis.high, log=axis.log)
    assert isinstance(axis, Choice)
    return CategoricalDistribution(axis.values)
