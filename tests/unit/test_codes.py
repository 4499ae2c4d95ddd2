"""Which error a refusal is: the table of the contract, row by row, by status and code."""

import orjson
import pytest

from aiomodelarts import (
    AlreadyExists,
    ApiError,
    InvalidRequest,
    LogGone,
    LogNotReady,
    NoCapacity,
    NotAllowed,
    NotFound,
    QuotaExceeded,
    ServiceTrouble,
    StateChanged,
    Throttled,
    TokenExpired,
    TooLarge,
    WrongState,
)
from aiomodelarts._wire.codes import error_class
from aiomodelarts._wire.envelope import read_object
from aiomodelarts._wire.message import Response
from aiomodelarts.errors import Where

# Error, status, numbers; as part C of the contract's notes has them.
_ROWS: list[tuple[type[ApiError], int, str]] = [
    (Throttled, 429, "6101 2799 4206 4395 9999"),
    (ServiceTrouble, 500, "0010 6102 2950 2951 2952 2953 2954 2955 2956 2957 2958 2959 9999"),
    (NoCapacity, 500, "6200"),
    (ServiceTrouble, 502, "9999"),
    (ServiceTrouble, 503, "4302 4700 9999"),
    (ServiceTrouble, 504, "4503"),
    (ServiceTrouble, 408, "4205 6100 9999"),
    (StateChanged, 409, "2878"),
    (TokenExpired, 401, "0201 0202 0203 0204"),
    (TokenExpired, 403, "0203 2784"),
    (NotAllowed, 403, "0206 0210 0112 0108 2785"),
    (NotAllowed, 401, "0205 0206 0208 0209 0210 0207 0212 6201 6203 0112 9999"),
    (NotAllowed, 400, "0204 0210 2837 2838 1003 0429"),
    (NotAllowed, 404, "2786"),
    (AlreadyExists, 400, "2751"),
    (QuotaExceeded, 400, "0116 0118 2815 2833"),
    (NotFound, 400, "2775 2780 2781 2782 2783 0102"),
    (NotFound, 404, "2890 2836 9999"),
    (WrongState, 409, "2796 2813"),
    (InvalidRequest, 400, "0101 0104 0107 1120 6400 2764 2787 2788 2790 2793 2816 2825 2757 2758 2763 2767 2791 2806"),
    (InvalidRequest, 400, "2830 2832 9999"),
    (LogNotReady, 400, "2776 2777 2818"),
    (LogGone, 400, "2819 2820"),
    (TooLarge, 413, "4104 9999"),
]
_PAIRS = [(error, status, number) for error, status, numbers in _ROWS for number in numbers.split()]
_CREATES = ("createTrainingJob", "createTrainingJobVersion", "createTrainingJobConfig", "createVisualizationJob")


@pytest.mark.parametrize(("error", "status", "number"), _PAIRS)
@pytest.mark.parametrize("operation", ["getTrainingJobVersion", "createTrainingJobVersion"])
def test_each_pair_of_status_and_code_is_one_error(
    operation: str, error: type[ApiError], status: int, number: str
) -> None:
    assert error_class(operation, status, f"ModelArts.{number}", "no") is error


@pytest.mark.parametrize("number", [number for error, status, number in _PAIRS if number != "9999" and status != 429])
def test_under_200_the_code_alone_says_the_same(number: str) -> None:
    """Finding 1; 0204 is the token's there, as nothing says that it is about anything else."""
    alone = error_class("getTrainingJobVersion", 200, f"ModelArts.{number}", "no")
    assert alone in {error for error, _, other in _PAIRS if other == number}


@pytest.mark.parametrize("operation", _CREATES)
@pytest.mark.parametrize("code", ["", "ModelArts.9999", "APIG.9999"])
def test_a_conflict_on_a_creation_means_that_it_exists_already(operation: str, code: str) -> None:
    error = error_class(operation, 409, code, "no")
    assert error is AlreadyExists
    assert not error.retryable


def test_a_conflict_without_a_readable_body_means_the_same() -> None:
    for operation, error in (("createTrainingJobVersion", AlreadyExists), ("getTrainingJobVersion", StateChanged)):
        with pytest.raises(error):
            read_object(Response(409, {}, b"<html>"), Where(operation))


@pytest.mark.parametrize("operation", ["listTrainingJobs", "getTrainingJobVersion", "createToken"])
def test_placeholders_of_the_samples_mean_nothing_elsewhere(operation: str) -> None:
    """Finding 6."""
    assert error_class(operation, 400, "ModelArts.0103", "no") is InvalidRequest
    assert error_class(operation, 400, "ModelArts.0105", "no") is InvalidRequest


@pytest.mark.parametrize("prefix", ["APIG", "APIGW"])
@pytest.mark.parametrize(
    ("status", "number", "message", "error"),
    [
        (401, "0301", "Incorrect IAM authentication information: decrypt token fail", TokenExpired),
        (401, "0301", "Incorrect IAM authentication information: verify aksk signature fail", NotAllowed),
        (429, "0308", "The throttling threshold has been reached", Throttled),
        (200, "0308", "The throttling threshold has been reached", Throttled),
        (404, "0101", "The API does not exist", NotFound),
        (504, "0202", "Backend timeout", ServiceTrouble),
        (413, "0201", "Request entity too large", TooLarge),
    ],
)
def test_the_gateways_own_refusals(prefix: str, status: int, number: str, message: str, error: type[ApiError]) -> None:
    body = orjson.dumps({"error_code": f"{prefix}.{number}", "error_msg": message, "request_id": "5f5b5d0a"})
    with pytest.raises(ApiError) as caught:
        read_object(Response(status, {}, body), Where("getTrainingJobVersion"))
    assert type(caught.value) is error
    assert (caught.value.request_id, caught.value.message) == ("5f5b5d0a", message)
    assert "5f5b5d0a" in str(caught.value)


@pytest.mark.parametrize("told", [None, "", 7, {"a": 1}])
def test_a_name_of_the_exchange_is_text_and_the_header_comes_first(told: object) -> None:
    body = orjson.dumps({"error_code": "APIG.0201", "error_msg": "no", "request_id": told})
    with pytest.raises(ApiError) as caught:
        read_object(Response(400, {}, body), Where("getTrainingJobVersion"))
    assert caught.value.request_id is None
    with pytest.raises(ApiError) as caught:
        read_object(Response(400, {"x-request-id": "header"}, body), Where("getTrainingJobVersion"))
    assert caught.value.request_id == "header"
