"""The client against the contract: what it sends is within the strict form, what the documents print is understood."""

from typing import Any

import attrs
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiomodelarts import AlreadyExists, ApiError, InvalidRequest, WrongState
from aiomodelarts._wire.iam import IssuedToken
from aiomodelarts._wire.message import Response
from aiomodelarts._wire.states import list_version_states, read_row
from aiomodelarts.models import JobDetail
from tests.support.contract import SITE, calls, complaints, good_answers, operations, samples

GOOD = {name: one for name, one in samples().items() if one["response"] is not None and one["status"] < 300}
REFUSALS = {name: one for name, one in samples().items() if one["status"] >= 400}


def test_each_of_the_27_operations_has_its_pair() -> None:
    assert set(calls()) == set(operations())
    assert len(calls()) == 27
    assert all(call.where.operation == name for name, call in calls().items())


@pytest.mark.parametrize("operation", sorted(operations()))
def test_what_is_sent_is_within_the_strict_form(operation: str) -> None:
    assert complaints(calls()[operation].request, operation) == []


@pytest.mark.parametrize("name", GOOD)
def test_good_answers_are_read_with_no_member_lost(name: str) -> None:
    sample = GOOD[name]
    headers = {"x-subject-token": "token"} if sample["operation"] == "createToken" else {}
    value = calls()[sample["operation"]].read(Response(sample["status"], headers, orjson.dumps(sample["response"])))
    if value is None or isinstance(value, IssuedToken):
        return
    assert value.raw == sample["response"]
    assert_told(value, sample["response"])


@pytest.mark.parametrize("operation", sorted(operations()))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_answer_that_the_contract_allows_is_read(operation: str, data: st.DataObject) -> None:
    said = data.draw(good_answers(operation))
    value = calls()[operation].read(Response(200, {"x-subject-token": "token"}, orjson.dumps(said)))
    if value is not None and not isinstance(value, IssuedToken):
        assert value.raw == said


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(said=good_answers("listTrainingJobVersions"))
def test_a_page_read_for_its_states_says_the_same_as_the_page_read_whole(said: dict[str, Any]) -> None:
    answer = Response(200, {}, orjson.dumps(said))
    page = list_version_states(SITE, 7, 1, 1000).read(answer)
    whole = calls()["listTrainingJobVersions"].read(answer)
    rows = {row.version_id: row for row in whole.versions}
    assert page.states == {version_id: row.status for version_id, row in rows.items()}
    assert (page.count, page.total) == (len(whole.versions), whole.version_count)
    for version_id, row in rows.items():
        assert read_row(page, 7, version_id) == JobDetail.of(row, 7, whole)


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("status", [None, 200])
def test_refusals_are_errors_under_their_status_and_under_200(name: str, status: int | None) -> None:
    """Findings 1, 2, 4 and 6."""
    sample = REFUSALS[name]
    body = sample["response"]
    answer = Response(status or sample["status"], {"x-request-id": "r1"}, orjson.dumps(body))
    with pytest.raises(ApiError) as caught:
        calls()[sample["operation"]].read(answer)
    error = caught.value
    assert (error.code, error.status, error.request_id) == (body["error_code"], status or sample["status"], "r1")
    assert error.message == body.get("error_message", body.get("error_msg"))
    assert type(error) is _kind(sample["operation"], body["error_code"])


def _kind(operation: str, code: str) -> type[ApiError]:
    if code == "ModelArts.0103" and operation.startswith("create"):
        return AlreadyExists
    if code == "ModelArts.0105" and operation.startswith(("stop", "restart", "delete")):
        return WrongState
    return InvalidRequest


def assert_told(value: Any, answer: dict[str, Any]) -> None:
    """Every member that a model names holds what the answer said, in the type that the model promises."""
    names = {field.name for field in attrs.fields(type(value))} & answer.keys()
    assert names, f"{type(value).__name__} names no member of {sorted(answer)}"
    for name in names - {"is_success"}:
        got, said = getattr(value, name), answer[name]
        if isinstance(got, tuple) and got and attrs.has(type(got[0])):
            for row, raw in zip(got, said, strict=True):
                assert_told(row, raw)
        elif name == "parameter":
            rows = orjson.loads(said) if isinstance(said, str) else said
            assert list(got) == [row["label"] for row in rows]
        elif isinstance(said, str) and not isinstance(got, str):
            assert got == orjson.loads(said)
        else:
            assert str(got) == str(said)
