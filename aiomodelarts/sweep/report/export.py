"""A sweep's ledger as an Optuna study, for its dashboard and its plots. Works long: for a thread."""

import json
import logging
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import frozen
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study, create_study, delete_study, load_study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from ...errors import SweepError
from ..description.config import SweepConfig
from ..ledger.records import Event, Measure
from ..reasons import one_line
from ..space.axes import Axis, Choice, Int, Scalar, own_value
from ..trial import Trial, TrialState

_JOURNAL = "journal:"
# A study that has it was made here, and is replaced by the next export.
_MARK = "aiomodelarts"
# Optuna keeps whole numbers as other ones, which are not exact beyond.
_MOST_WHOLE = 2**53
_STATES = {
    TrialState.RESERVED: OptunaState.WAITING,
    TrialState.CREATING: OptunaState.RUNNING,
    TrialState.RUNNING: OptunaState.RUNNING,
    TrialState.SUCCEEDED: OptunaState.COMPLETE,
    TrialState.PRUNED: OptunaState.PRUNED,
}


@frozen
class Record:
    """What a ledger holds of a sweep.

    Args:
        trials: by number.
        events: oldest first.
        measures: what logs have told.
    """

    trials: Sequence[Trial]
    events: Sequence[Event]
    measures: Sequence[Measure]


def export(config: SweepConfig, record: Record, storage: str | BaseStorage | None, name: str) -> Study:
    """A study of the sweep's trials; an earlier one that was made here is replaced.

    Args:
        config: of the sweep.
        record: what its ledger holds.
        storage: a database's URL, ``journal:`` and a path, or one of Optuna's; None keeps the study in memory.
        name: of the study.

    Raises:
        SweepError: the storage cannot be used, or has a study of this name that somebody else has made.
    """
    trials = list(_trials(config, record))
    with _without_remarks(), _told():
        if not isinstance(storage, str) or not storage.startswith(_JOURNAL):
            return _written(config, trials, _opened(storage), name)
        file = Path(storage.removeprefix(_JOURNAL).removeprefix("//"))
        file.parent.mkdir(parents=True, exist_ok=True)
        at_once = _AtOnce(str(file))
        _written(config, trials, JournalStorage(at_once), name)
        at_once.write()
        return load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(file))))


def _written(config: SweepConfig, trials: Sequence[FrozenTrial], storage: BaseStorage, name: str) -> Study:
    _remove_earlier(storage, name)
    study = create_study(storage=storage, study_name=name, directions=[goal.value for goal in config.goals.values()])
    study.set_user_attr(_MARK, {"sweep": config.name, "algorithm": config.search.algorithm})
    if config.space.constraints:
        study.set_user_attr("constraints", [rule.text for rule in config.space.constraints])
    if len(config.goals) > 1:
        study.set_metric_names(list(config.goals))
    study.add_trials(trials)
    return study


class _AtOnce(JournalFileBackend):
    """A journal that is written as a whole: one line at a time, each of them would wait for the disk."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        _check_whole(Path(file))
        self._logs = list(super().read_logs(0))
        self._there = len(self._logs)

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        yield from self._logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self._logs += json.loads(json.dumps(logs))

    def write(self) -> None:
        """Put all that was appended into the file."""
        super().append_logs(self._logs[self._there :])


def _check_whole(journal: Path) -> None:
    """Return when every line is a whole one, behind which others can stand."""
    with journal.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                raise SweepError(f"{journal} was cut short, by a program that was killed perhaps; move it away")
            if not line.startswith(b'{"op_code"'):
                raise SweepError(f"{journal} is no journal of Optuna; choose another file")


def _trials(config: SweepConfig, record: Record) -> Iterator[FrozenTrial]:
    axes = {name: _Axis.of(axis) for name, axis in config.space.axes.items()}
    times: dict[int, list[float]] = {}
    for event in record.events:
        times.setdefault(event.number, []).append(event.at)
    steps: dict[tuple[int, int], dict[int, float]] = {}
    for measure in record.measures:
        steps.setdefault((measure.number, measure.attempt), {}).setdefault(measure.step, measure.value)
    for trial in record.trials:
        yield _trial(trial, axes, times.get(trial.number, [0.0]), steps.get((trial.number, trial.attempt), {}))


def _trial(trial: Trial, axes: "Mapping[str, _Axis]", times: Sequence[float], steps: dict[int, float]) -> FrozenTrial:
    state = _STATES.get(trial.state, OptunaState.FAIL)
    began = trial.began_at if trial.began_at is not None else times[0]
    ended = began + trial.duration_s if trial.duration_s is not None else max(began, times[-1])
    params = dict(_params(trial.point, axes))
    values = trial.values or (() if trial.value is None else (trial.value,))
    if state is OptunaState.PRUNED and trial.last_value is not None:
        # As Optuna itself does, whatever a stopped trial has told last is its value.
        values = (trial.last_value,)
        steps = {trial.last_step or 0: trial.last_value} | steps
    return FrozenTrial(
        number=trial.number - 1,
        trial_id=-1,
        state=state,
        value=None,
        values=list(values) or None,
        datetime_start=None if state is OptunaState.WAITING else _moment(began),
        datetime_complete=_moment(ended) if state.is_finished() else None,
        params=params,
        distributions={name: axes[name].distribution for name in params},
        user_attrs=_attributes(trial, params),
        system_attrs={},
        intermediate_values=dict(sorted(steps.items())),
    )


def _attributes(trial: Trial, params: Mapping[str, Any]) -> dict[str, Any]:
    outside = {name: value for name, value in trial.point.items() if name not in params}
    told = {
        "trial": trial.number,
        "state": trial.state.value,
        "reason": trial.reason,
        "failure": trial.failure,
        "job_id": trial.job_id,
        "version_id": trial.version_id,
        "attempt": trial.attempt,
        "flavor": trial.flavor,
        "output_path": trial.output_path,
        "spent_cost": trial.account.spent.cost or None,
        # Of trials from before the space was changed.
        "outside_of_the_space": outside or None,
    }
    return {name: value for name, value in told.items() if value is not None}


@frozen
class _Axis:
    """An axis as people read it in a plot: with its own values, where the search itself may go by their places."""

    axis: Axis
    distribution: BaseDistribution
    as_text: bool = False

    @classmethod
    def of(cls, axis: Axis) -> "_Axis":
        if isinstance(axis, Choice):
            # 1, 1.0 and true are equal there.
            as_text = len(set(axis.values)) < len(axis.values)
            return cls(axis, CategoricalDistribution([_shown(value, as_text) for value in axis.values]), as_text)
        if isinstance(axis, Int) and max(abs(axis.low), abs(axis.high)) > _MOST_WHOLE:
            return cls(axis, FloatDistribution(float(axis.low), float(axis.high), log=axis.log))
        if isinstance(axis, Int):
            high = axis.high if axis.log else axis.at(axis.size - 1)
            return cls(axis, IntDistribution(axis.low, high, log=axis.log, step=axis.step))
        if axis.step is not None and axis.size is not None:
            return cls(axis, FloatDistribution(axis.low, axis.at(axis.size - 1), step=axis.step))
        return cls(axis, FloatDistribution(axis.low, axis.high, log=axis.log))

    def told(self, value: Scalar) -> Scalar | None:
        """The value as the study has it, or None when it does not lie on the axis, or Optuna could not tell that."""
        own = own_value(self.axis, value)
        if own is None:
            return None
        shown = float(own) if isinstance(self.distribution, FloatDistribution) else _shown(own, self.as_text)
        return shown if self.distribution._contains(self.distribution.to_internal_repr(shown)) else None


def _shown(value: Scalar, as_text: bool) -> Scalar:
    return repr(value) if as_text else value


def _params(point: Mapping[str, Scalar], axes: Mapping[str, _Axis]) -> Iterator[tuple[str, Scalar]]:
    for name, value in point.items():
        told = axes[name].told(value) if name in axes else None
        if told is not None:
            yield name, told


def _moment(at: float) -> datetime:
    """As Optuna notes times: by the clock of this place, without saying so."""
    return datetime.fromtimestamp(at).astimezone().replace(tzinfo=None)


def _opened(storage: str | BaseStorage | None) -> BaseStorage:
    if storage is None:
        return InMemoryStorage()
    if isinstance(storage, BaseStorage):
        return storage
    if "://" not in storage:
        raise SweepError(f"{storage} is no storage; write journal:{storage}, sqlite:///{storage} or a database's URL")
    scheme, _, place = storage.partition(":///")
    if scheme == "sqlite" and place:
        Path(place).parent.mkdir(parents=True, exist_ok=True)
    return RDBStorage(storage)


@contextmanager
def _told() -> Iterator[None]:
    """Say what is wrong with a storage as everything else is said."""
    try:
        yield
    except (OSError, ImportError, StorageInternalError) as error:
        raise SweepError(f"the storage cannot be used: {one_line(error)}") from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "sqlalchemy":
            raise
        raise SweepError(f"the storage cannot be used: {one_line(error)}") from error


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Have Optuna say nothing of a study that is new, or of what it calls experimental."""
    said = logging.getLogger("optuna")
    level = said.level
    said.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        said.setLevel(level)


def _remove_earlier(storage: BaseStorage, name: str) -> None:
    if all(study.study_name != name for study in storage.get_all_studies()):
        return
    if _MARK not in load_study(study_name=name, storage=storage).user_attrs:
        raise SweepError(f"the storage has a study {name} that was not exported from a sweep; choose another name")
    delete_study(study_name=name, storage=storage)
