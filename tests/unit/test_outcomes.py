"""The outcome table: what each answer to a create, and each way of getting none, says about the version."""

import aiohttp
import orjson
import pytest
from aiohttp.client_reqrep import ConnectionKey

from aiomodelarts import errors
from aiomodelarts._create.outcomes import _TABLE, Outcome, outcome_of
from aiomodelarts._net import retry
from aiomodelarts._net.aiohttp_transport import mapped
from aiomodelarts._wire import training
from aiomodelarts._wire.call import Site
from aiomodelarts._wire.message import Request, Response
from aiomodelarts.errors import ModelArtsError
from aiomodelarts.hyperparameters import Hyperparameters
from aiomodelarts.models.spec import Inputs, TrainingSpec

MADE, REFUSED = Outcome.MADE, Outcome.REFUSED
NOT_HANDLED, UNKNOWN = Outcome.NOT_HANDLED, Outcome.UNKNOWN
SPEC = TrainingSpec(
    config={}, inputs=Inputs.of("/b/d/"), hyperparameters=Hyperparameters.of({}), output_path="/b/o/", job_id=1
)
CALL = training.create_training_job_version(Site("https://host", "p"), SPEC)


def read(status: int, body: object) -> Outcome:
    """The outcome of a create that is answered like this."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    try:
        CALL.read(Response(status, {"content-type": "application/json"}, raw))
    except ModelArtsError as error:
        return outcome_of(error)
    return MADE


def refusal(code: str) -> dict[str, object]:
    return {"is_success": False, "error_code": code, "error_message": "no"}


@pytest.mark.parametrize(
    ("statuses", "prefix", "numbers", "outcome"),
    [
        ((429, 200, 400), "ModelArts", "6101 2799 4206 4395", NOT_HANDLED),
        ((429, 200), "APIG", "0308", NOT_HANDLED),
        ((429, 200), "APIGW", "0308", NOT_HANDLED),
        ((500, 200), "ModelArts", "0010 6102 6200 2950 2951 2952 2953 2954 2955 2956 2957 2958 2959", UNKNOWN),
        ((503, 200), "ModelArts", "4302 4700", UNKNOWN),
        ((504, 200), "ModelArts", "4503", UNKNOWN),
        ((408, 200), "ModelArts", "4205 6100", UNKNOWN),
        ((409,), "ModelArts", "2878", REFUSED),
        ((401,), "ModelArts", "0201 0202 0203 0204", REFUSED),
        ((403,), "ModelArts", "0203 2784", REFUSED),
        ((401, 200), "APIG", "0301", REFUSED),
        ((403, 401), "ModelArts", "0205 0206 0208 0209 0210 0207 0212", REFUSED),
        ((400,), "ModelArts", "0204 0210", REFUSED),
        ((404,), "ModelArts", "2786", REFUSED),
        ((401, 403, 400, 200), "ModelArts", "6201 6203 0112 0108 2785 2837 2838 1003 0429", REFUSED),
        ((400, 200), "ModelArts", "0103 2751", REFUSED),
        ((400, 200), "ModelArts", "0116 0118 2815 2833", REFUSED),
        ((400, 404, 200), "ModelArts", "2775 2780 2781 2782 2783 0102 2890 2836", REFUSED),
        ((404,), "APIG", "0101", REFUSED),
        ((404,), "APIGW", "0101", REFUSED),
        ((400, 409, 200), "ModelArts", "0105 2796 2813", REFUSED),
        (
            (400, 200),
            "ModelArts",
            "0101 0104 0107 1120 6400 2764 2787 2788 2790 2793 2816 2825 2757 2758 2763 2767 2791 2806 2830 2832",
            REFUSED,
        ),
        ((413, 400), "ModelArts", "4104", REFUSED),
        # A refusal that nobody has described: the status decides.
        ((500, 502, 503, 504, 599), "ModelArts", "9999", UNKNOWN),
        ((400, 401, 403, 404, 409, 413), "ModelArts", "9999", REFUSED),
    ],
)
def test_every_code_class_under_every_status_that_is_printed_for_it(
    statuses: tuple[int, ...], prefix: str, numbers: str, outcome: Outcome
) -> None:
    for number in numbers.split():
        for status in statuses:
            assert read(status, refusal(f"{prefix}.{number}")) is outcome, (status, number)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {"is_success": True, "job_id": 1, "version_id": 2}, MADE),
        (201, {"job_id": "1", "version_id": "2"}, MADE),
        (202, {"job_id": 1, "version_id": 2}, MADE),
        (200, b"", UNKNOWN),
        (204, b"", UNKNOWN),
        (200, b"<html>", UNKNOWN),
        (200, b'{"is_success": true, "job_', UNKNOWN),
        (200, [], UNKNOWN),
        (200, {"is_success": True}, UNKNOWN),
        (200, {"job_id": {"odd": True}, "version_id": 2}, UNKNOWN),
        (429, b"", NOT_HANDLED),
        (429, b"<html>slow down</html>", NOT_HANDLED),
        (408, b"", UNKNOWN),
        (500, b"", UNKNOWN),
        (502, b"<html>bad gateway</html>", UNKNOWN),
        (503, b"", UNKNOWN),
        (504, b"", UNKNOWN),
        (400, b"", REFUSED),
        (401, b"", REFUSED),
        (403, b"<html>", REFUSED),
        (404, b"", REFUSED),
        (413, b"", REFUSED),
    ],
)
def test_every_status_with_and_without_a_body_that_can_be_read(status: int, body: object, outcome: Outcome) -> None:
    assert read(status, body) is outcome


_KEY = ConnectionKey("host", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (aiohttp.ClientConnectorError(_KEY, OSError(111, "refused")), NOT_HANDLED),
        (aiohttp.ClientConnectorDNSError(_KEY, OSError(-2, "unknown name")), NOT_HANDLED),
        (aiohttp.ClientConnectorSSLError(_KEY, OSError(1, "handshake")), NOT_HANDLED),
        (aiohttp.ConnectionTimeoutError("connect"), NOT_HANDLED),
        (aiohttp.InvalidURL("http://"), NOT_HANDLED),
        (aiohttp.ServerFingerprintMismatch(b"a", b"b", "host", 1), NOT_HANDLED),
        (aiohttp.ServerDisconnectedError(), UNKNOWN),
        (aiohttp.ClientOSError(104, "reset"), UNKNOWN),
        (aiohttp.ClientPayloadError("cut short"), UNKNOWN),
        (aiohttp.SocketTimeoutError("read"), UNKNOWN),
        (aiohttp.ServerTimeoutError("read"), UNKNOWN),
        (aiohttp.ClientConnectionResetError("reset"), UNKNOWN),
        (TimeoutError(), UNKNOWN),
        (ConnectionResetError(104, "reset"), UNKNOWN),
        (BrokenPipeError(32, "broken"), UNKNOWN),
        (OSError(5, "anything"), UNKNOWN),
        (ValueError("an answer that is no HTTP"), UNKNOWN),
    ],
)
def test_every_way_of_getting_no_answer(error: Exception, outcome: Outcome) -> None:
    assert outcome_of(mapped(error, Request("POST", "https://host", "/"))) is outcome


def test_every_error_that_a_create_can_meet_has_a_row() -> None:
    def leaves(error: type[ModelArtsError]) -> set[type[ModelArtsError]]:
        below = error.__subclasses__()
        return {error} if not below else set().union(*map(leaves, below))

    sent = leaves(errors.ApiError) | leaves(errors.TransportError) | {errors.DecodeError}
    assert sent <= _TABLE.keys()


def test_what_nobody_has_thought_of_may_have_made_a_version() -> None:
    class Odd(ModelArtsError):
        pass

    assert outcome_of(Odd("?")) is UNKNOWN


def test_the_line_repeats_a_create_only_where_certainly_nothing_was_done() -> None:
    repeated = {error for error in _TABLE if retry._was_not_sent(error.__new__(error))}
    assert repeated
    assert {_TABLE[error] for error in repeated} == {NOT_HANDLED}
