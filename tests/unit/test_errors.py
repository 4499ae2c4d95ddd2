"""Errors cross processes and are copied whole, as those of the standard library do."""

import copy
import importlib
import pickle
from collections.abc import Iterator

import pytest

from aiomodelarts import (
    CreateOutcomeUnknown,
    DecodeError,
    InvalidArgument,
    ModelArtsError,
    NotFound,
    TrainingFailed,
    WaitTimeout,
)
from aiomodelarts._create.made import Pending
from aiomodelarts.errors import Where
from aiomodelarts.hyperparameters import Hyperparameters
from aiomodelarts.intent import Intent
from aiomodelarts.models.job import JobDetail
from aiomodelarts.models.logs import LogLine
from aiomodelarts.models.spec import Inputs, TrainingSpec
from tests.support.fakes import Service, session_on

WHERE = Where("wait", 7, 3)


def _kinds(kind: type[ModelArtsError] = ModelArtsError) -> Iterator[type[ModelArtsError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _every_kind() -> list[type[ModelArtsError]]:
    # These and what they import hold all of them.
    for module in ("_delivery", "obs._s3.answers", "sweep"):
        importlib.import_module(f"aiomodelarts.{module}")
    return sorted(set(_kinds()), key=lambda kind: kind.__qualname__)


@pytest.mark.parametrize("kind", _every_kind())
def test_an_error_of_any_kind_is_copied_and_pickled_whole(kind: type[ModelArtsError]) -> None:
    error = kind.__new__(kind, "told")
    ModelArtsError.__init__(error, "told", where=WHERE)
    error.extra = {"a": 1}  # type: ignore[attr-defined]
    for again in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is kind
        assert (again.args, again.__dict__) == (error.args, error.__dict__)


LINE = LogLine("epoch 1", "job-0.log", ("1234", 3), {"job-1.log": ("1", 2)})
SPEC = TrainingSpec(
    inputs=Inputs.of("/bucket/data/"),
    hyperparameters=Hyperparameters.of({"lr": 0.1}),
    output_path="/bucket/out/",
    config={"spec_id": 2},
    job_id=7,
    pre_version_id=5,
)


@pytest.mark.parametrize(
    "error",
    [
        InvalidArgument("a", 1, "it is a text", nearest="b"),
        NotFound("no", where=WHERE, status=404, code="ModelArts.2775", request_id="r", retry_after_s=1.0),
        DecodeError("no", path="versions[3]", where=WHERE, status=200, excerpt="{}"),
        TrainingFailed("no", where=WHERE, detail=JobDetail(job_id=7, version_id=3), log_tail=[LINE]),
        WaitTimeout("no", where=WHERE),
        CreateOutcomeUnknown("no", where=WHERE, intent=Intent(Pending(spec=SPEC), session_on(Service().transport))),
    ],
)
def test_what_an_error_tells_survives(error: ModelArtsError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__


@pytest.mark.parametrize("again", [copy.copy(LINE), copy.deepcopy(LINE), pickle.loads(pickle.dumps(LINE))])
def test_a_line_of_a_log_is_copied_with_its_place(again: LogLine) -> None:
    assert (again, again.log_file, again.marker) == (LINE, LINE.log_file, LINE.marker)
