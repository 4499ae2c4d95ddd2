"""Answers and requests where the documents disagree. Each test names the finding it holds."""

import itertools
from collections.abc import Callable
from typing import Any

import attrs
import orjson
import pytest

from aiomodelarts import (
    ApiError,
    AsyncEstimator,
    DecodeError,
    InvalidArgument,
    InvalidRequest,
    JobDetail,
    JobStatus,
    LogNotReady,
    NotAllowed,
    NotFound,
    QuotaExceeded,
    ServiceTrouble,
    StateChanged,
    Throttled,
    TokenExpired,
    WrongState,
)
from aiomodelarts._wire.message import Response
from aiomodelarts.models.spec import check_id, check_job_name
from aiomodelarts.status import Outcome
from tests.support.contract import calls
from tests.support.fakes import ENGINES, SPECS, FakeTransport, answer, estimator_on, session_on

METRICS = {"metric": [], "total_metric": {"total_metric_values": {"accuracy": 0.9}}}
BROKEN = '{"metric": [1, '


def read(operation: str, body: Any, status: int = 200) -> Any:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return calls()[operation].read(Response(status, {"x-request-id": "r1"}, raw))


def version(**members: Any) -> JobDetail:
    detail = read("getTrainingJobVersion", {"job_id": 1, "version_id": 2, **members})
    assert isinstance(detail, JobDetail)
    return detail


def raised(operation: str, code: str, status: int, message: str = "no", **members: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        read(operation, {"error_code": code, "error_message": message, **members}, status)
    return caught.value


# A1. Envelope and HTTP


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("said", [{}, {"is_success": True}, {"is_success": None}, {"error_code": None}])
def test_3_and_9_success_is_any_2xx_that_does_not_say_otherwise(status: int, said: dict[str, Any]) -> None:
    """Findings 3 and 9."""
    assert read("getVisualizationJob", {"job_id": 7, **said}, status).job_id == 7
    assert read("stopVisualizationJob", said, status) is None


def test_3_a_refusal_needs_no_is_success() -> None:
    """Finding 3."""
    assert type(raised("getVisualizationJob", "ModelArts.0104", 200)) is InvalidRequest
    with pytest.raises(ApiError, match="no reason"):
        read("getVisualizationJob", {"is_success": False})


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("0112", 401, NotAllowed),
        ("0112", 403, NotAllowed),
        ("0203", 401, TokenExpired),
        ("0203", 403, TokenExpired),
        ("0204", 401, TokenExpired),
        ("0204", 400, NotAllowed),
        ("0206", 401, NotAllowed),
        ("0206", 403, NotAllowed),
        ("0210", 400, NotAllowed),
        ("0210", 403, NotAllowed),
        ("0428", 400, NotAllowed),
        ("2786", 404, NotAllowed),
        ("2878", 409, StateChanged),
        ("0116", 400, QuotaExceeded),
        ("2775", 400, NotFound),
        ("9999", 404, NotFound),
        ("9999", 429, Throttled),
    ],
)
def test_5_a_code_means_what_it_means_under_its_status(code: str, status: int, kind: type[ApiError]) -> None:
    """Findings 5 and 87."""
    assert type(raised("listTrainingJobs", f"ModelArts.{code}", status)) is kind


@pytest.mark.parametrize("code", ["4302", "4700", ""])
def test_8_a_503_is_asked_again_later(code: str) -> None:
    """Finding 8."""
    error = raised("listTrainingJobs", f"ModelArts.{code}" if code else "", 503, is_success=False)
    assert type(error) is ServiceTrouble
    assert error.retryable


@pytest.mark.parametrize("operation", ["stopTrainingJobVersion", "stopVisualizationJob", "restartVisualizationJob"])
def test_10_stops_and_restarts_are_posts_without_a_body(operation: str) -> None:
    """Finding 10; that Content-Length is sent is held by the platform's own tests."""
    request = calls()[operation].request
    assert (request.method, request.body) == ("POST", b"")


def test_11_and_12_paths_have_no_slash_at_the_end_and_reads_no_body() -> None:
    """Findings 11 and 12."""
    for name, call in calls().items():
        assert not call.request.path.endswith("/"), name
        assert "//" not in call.request.path, name
        if call.request.method == "GET":
            assert call.request.body == b"", name


# A2. Totals


def test_16_totals_are_shown_as_they_are() -> None:
    """Findings 15 and 16."""
    page = read("listTrainingJobs", {"jobs": [], "job_total_count": "41", "job_count_limit": 3, "quotas": 5})
    assert (page.jobs, page.job_total_count, page.job_count_limit, page.quotas) == ((), 41, 3, 5)


# A3. Types and representations


@pytest.mark.parametrize(("given", "wanted"), [(7, 7), ("7", 7), (0, 0), (2**63 - 1, 2**63 - 1)])
def test_27_ids_are_taken_as_numbers_and_as_digits(given: int | str, wanted: int) -> None:
    """Finding 27."""
    assert check_id(given, "job_id") == wanted


def test_27_numbers_travel_as_numbers_in_bodies_and_as_digits_in_paths() -> None:
    """Finding 27."""
    call = calls()["createTrainingJobVersion"]
    assert call.request.path.endswith("/training-jobs/10/versions")
    assert orjson.loads(call.request.body)["config"]["pre_version_id"] == 20


def test_28_values_are_sent_as_text_and_read_in_any_form() -> None:
    """Finding 28."""
    sent = orjson.loads(calls()["createTrainingJob"].request.body)["config"]["parameter"]
    assert sent == [{"label": "lr", "value": "0.1"}, {"label": "flag", "value": "true"}]
    rows = [{"label": "lr", "value": 0.1}, {"label": "n", "value": 7}, {"label": "on", "value": True}]
    assert version(parameter=rows).hyperparameters.as_dict() == {"lr": "0.1", "n": "7", "on": "true"}


def test_29_members_that_no_table_has_are_ignored_and_kept_raw() -> None:
    """Finding 29."""
    rows = [{"label": "lr", "value": "1", "required": True, "placeholder": "", "tip": {"a": 1}, "placeholder_cn": "x"}]
    detail = version(parameter=rows)
    assert detail.hyperparameters.as_parameters() == [{"label": "lr", "value": "1"}]
    assert detail.raw["parameter"] == rows


@pytest.mark.parametrize(
    ("said", "text", "number"),
    [(8, "8", 8), ("8", "8", 8), (0.5, "0.5", 0.5), ("64 GiB", "64 GiB", None), ("", "", None), ("nan", "nan", None)],
)
def test_30_core_and_memory_are_text_and_numbers(said: object, text: str, number: float | None) -> None:
    """Finding 30."""
    (spec,) = read("listResourceSpecs", {"specs": [{"spec_id": 2, "core": said, "cpu": said}]}).specs
    for told in (version(core=said, cpu=said), spec):
        assert (told.core, told.cpu, told.cores, told.memory) == (text, text, number, number)
    assert (version().cores, version(cpu=None).memory) == (None, None)


@pytest.mark.parametrize(
    ("said", "got"),
    [
        (orjson.dumps(METRICS).decode(), METRICS),
        (METRICS, METRICS),
        ([METRICS], [METRICS]),
        (orjson.dumps([METRICS]).decode(), [METRICS]),
        (None, None),
        ("", ""),
        (BROKEN, BROKEN),
    ],
)
@pytest.mark.parametrize("name", ["model_metric_list", "system_metric_list"])
def test_31_and_32_metrics_are_decoded_from_text_and_taken_as_they_come(name: str, said: object, got: object) -> None:
    """Findings 31 and 32."""
    assert getattr(version(**{name: said}), name) == got


def test_33_engine_types_are_open_numbers() -> None:
    """Finding 33."""
    (engine,) = read("listEngines", {"engines": [{"engine_id": "1", "engine_type": 1000}]}).engines
    assert (engine.engine_id, engine.engine_type) == (1, 1000)


def test_34_times_are_raw_milliseconds() -> None:
    """Finding 34: one sample has 11 digits."""
    assert version(create_time="15241899906").create_time == 15241899906
    assert version(create_time=1524189990635, start_time=None).create_time == 1524189990635


@pytest.mark.parametrize("as_text", [True, False])
def test_37_parameters_of_algorithms_come_as_text_or_list(as_text: bool) -> None:
    """Finding 37; the usage is an open number."""
    rows = [{"label": "lr", "value": "0.1", "required": True}]
    told = {"model_id": 4, "model_usage": 9, "parameter": orjson.dumps(rows).decode() if as_text else rows}
    (algorithm,) = read("listBuiltInAlgorithms", {"models": [told]}).models
    assert algorithm.hyperparameters.as_dict() == {"lr": "0.1"}
    assert algorithm.model_usage == 9


def test_38_and_40_all_that_can_be_null_may_be_null() -> None:
    """Findings 38, 40 and 41."""
    names = {field.name for field in attrs.fields(JobDetail)} - {"job_id", "version_id", "raw"}
    detail = version(**dict.fromkeys(names), algorithm_id="undocumented", billing={"code": 1})
    assert {name for name in names if getattr(detail, name) is not None} == {"status"}
    assert detail.status is JobStatus.UNKNOWN
    assert (detail.raw["algorithm_id"], detail.raw["billing"]) == ("undocumented", {"code": 1})
    assert version() == detail


def test_39_and_64_texts_are_opaque() -> None:
    """Findings 39, 64 and 79."""
    detail = version(nas_type="efs", version_name="jobVersion")
    assert (detail.nas_type, detail.version_name) == ("efs", "jobVersion")
    files = ["teseJob.0", "log1.log", "job-job-0713-191758.0"]
    assert read("listTrainingJobLogFiles", {"log_file_list": files}).names == tuple(files)


def test_42_no_resource_is_kept_as_it_is_said() -> None:
    """Finding 42: true is nothing free."""
    (spec,) = read("listResourceSpecs", {"specs": [{"spec_id": 2, "spec_code": "c", "no_resource": True}]}).specs
    assert spec.no_resource is True


@pytest.mark.parametrize("number", [-1, 23, 99, 2**40])
def test_81_statuses_that_no_document_has_survive_and_are_not_final(number: int) -> None:
    """Finding 81."""
    status = version(status=str(number)).status
    assert int(status) == number
    assert not status.is_listed
    assert not status.is_final
    assert version(status=22).status.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("operation", "body", "path"),
    [
        ("listTrainingJobs", {"jobs": [{"job_id": 1}, {"job_id": "one"}]}, "jobs[1].job_id"),
        ("listTrainingJobs", {"jobs": {}}, "jobs"),
        ("listTrainingJobConfigs", {"configs": [{"config_name": 7}]}, "configs[0].config_name"),
        ("listVisualizationJobs", {"jobs": [{"job_id": 1, "status": "running"}]}, "jobs[0].status"),
        ("getVisualizationJob", {"job_id": 1, "service_url": 7}, "service_url"),
        ("getTrainingJobConfig", {"config_name": "c", "parameter": 7}, "parameter"),
        ("listBuiltInAlgorithms", {"models": [{"model_id": 1, "model_size": 1.5}]}, "models[0].model_size"),
        ("getTrainingJobVersion", {"job_id": 1, "version_id": True}, "version_id"),
    ],
)
def test_a_wrong_type_is_told_with_its_path(operation: str, body: dict[str, Any], path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(operation, body)
    assert (caught.value.path, caught.value.status, caught.value.request_id) == (path, 200, "r1")


@pytest.mark.parametrize("operation", sorted(calls()))
@pytest.mark.parametrize("body", [b'{"is_success": tr', b"<html>proxy</html>", b"", b"[]", b"null"])
def test_an_answer_that_is_none_is_an_error_that_shows_it(operation: str, body: bytes) -> None:
    for status, kind in ((200, DecodeError), (502, ServiceTrouble)):
        with pytest.raises(kind) as caught:
            read(operation, body, status)
        told = str(caught.value)
        assert str(status) in told
        assert "r1" in told
        assert operation in told


# A4. Creating


@pytest.mark.parametrize("name", ["a" * 65, "", "na me", "n\u00e4me", "name\n", "\u0661", "a/b", None, 7])
def test_54_names_have_the_alphabet_of_the_rest_pages(name: object) -> None:
    """Finding 54."""
    with pytest.raises(InvalidArgument) as caught:
        check_job_name(name)
    assert caught.value.argument == "job_name"


def offers(request: Any) -> Response:
    if request.path.endswith("resource-specs"):
        return answer({"specs": SPECS})
    if request.path.endswith("ai-engines"):
        return answer({"engines": ENGINES})
    return answer({"versions": []})


def makes(first: int) -> Callable[[Any], Response]:
    """Offers, and makes version after version."""
    numbers = itertools.count(first)
    return lambda request: (
        answer({"job_id": 7, "version_id": next(numbers)}) if request.method == "POST" else offers(request)
    )


async def test_60_62_and_70_a_version_says_only_what_a_version_may() -> None:
    """Findings 60, 62, 63, 67 and 70: no volumes, no create_version, and nothing of identity in the description."""
    transport = FakeTransport(makes(10))
    async with session_on(transport) as session:
        estimator = estimator_on(session, job_description="shared")
        pair = {"dataset_id": "d", "dataset_version_id": "v"}
        await estimator.create_job_version(7, "9", **pair)
        await estimator.create_job_version(job_id=7, pre_version_id=9, inputs="/b/d/", job_desc="own")
        with pytest.raises(InvalidArgument, match="pre_version_id"):
            await estimator.create_job_version(7, None, inputs="/b/d/")  # type: ignore[arg-type]
    first, second = (orjson.loads(request.body) for request in transport.sent if request.method == "POST")
    assert (first["job_desc"], second["job_desc"]) == ("shared", "own")
    assert first["config"]["pre_version_id"] == second["config"]["pre_version_id"] == 9
    assert {name: first["config"][name] for name in pair} == pair
    assert not {"volumes", "create_version"} & (first["config"].keys() | second["config"].keys())


async def test_66_to_wait_for_the_training_is_not_to_wait_for_its_acceptance() -> None:
    """Finding 66."""
    states = iter([8, 10, 10, 10])
    made = makes(9)

    def handle(request: Any) -> Response:
        if request.method == "GET" and "/versions/" in request.path:
            return answer({"job_id": 7, "version_id": 10, "status": next(states)})
        return made(request)

    async with session_on(FakeTransport(handle)) as session:
        accepted = await estimator_on(session).create_job_version(7, 9, inputs="/b/d/")
        assert accepted.detail is None
        ended = await estimator_on(session).create_job_version(7, 9, inputs="/b/e/", wait=True)
        assert ended.status is JobStatus.COMPLETED


# A5. Reading and stopping


@pytest.mark.parametrize("operation", ["stopTrainingJobVersion", "deleteVisualizationJob", "restartVisualizationJob"])
def test_6_a_wrong_state_is_one_only_for_what_changes_a_state(operation: str) -> None:
    """Finding 6."""
    assert type(raised(operation, "ModelArts.0105", 400)) is WrongState
    assert type(raised("getTrainingJobVersion", "ModelArts.0105", 400)) is InvalidRequest


async def test_72_one_version_and_all_of_them_have_different_verbs() -> None:
    """Finding 72."""

    def handle(request: Any) -> Response:
        rows = [{"version_id": number, "status": 10} for number in range(25, 0, -1)]
        if request.path.endswith("/versions"):
            query = {name: int(value) for name, value in request.query}
            start = (query["page"] - 1) * query["per_page"]
            return answer({"job_id": 7, "versions": rows[start : start + query["per_page"]], "version_count": 2})
        return answer({"job_id": 7, **rows[0]})

    async with session_on(FakeTransport(handle)) as session:
        pointing = AsyncEstimator(session, job_id=7, version_id=25)
        assert (await pointing.get_job_info()).version_id == 25
        assert len((await pointing.get_job_version_info()).versions) == 25
        assert [row.version_id async for row in pointing.iter_job_versions(limit=3)] == [25, 24, 23]


def test_7_a_log_that_is_not_ready_can_come_without_a_body() -> None:
    """Findings 7 and 80."""
    with pytest.raises(LogNotReady):
        read("getTrainingJobLog", b"", 204)
