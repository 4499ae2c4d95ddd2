"""Refusals: what the platform says when it does not do what was asked, one constructor per code."""

from attrs import frozen


@frozen
class Refusal:
    """A refusal as the documents describe it; how it is dressed on the wire is decided in ``answers``.

    Args:
        status: the HTTP status printed for this code.
        code: for instance ``ModelArts.0104``.
        message: what happened, for a person.
        retry_after_s: seconds to wait, for a throttled request.
        gateway: refused by the gateway in front of the service, which has its own form of answer.
    """

    status: int
    code: str
    message: str
    retry_after_s: float | None = None
    gateway: bool = False


class RefusedError(Exception):
    """Ends an operation with a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def _refused(status: int, code: str, message: str) -> RefusedError:
    return RefusedError(Refusal(status, f"ModelArts.{code}", message))


def invalid(field: str, problem: str) -> RefusedError:
    """A field of the request is outside its bounds."""
    return _refused(400, "0104", f"Invalid parameter {field}: {problem}.")


def unreadable_body(problem: str) -> RefusedError:
    return _refused(400, "0101", f"The request body cannot be read: {problem}.")


def unreadable_headers() -> RefusedError:
    return _refused(400, "0101", "The request has a header whose value is not UTF-8.")


def name_taken(kind: str, name: str) -> RefusedError:
    return _refused(400, "0103", f"The {kind} {name} already exists.")


def wrong_state(verb: str, status: int) -> RefusedError:
    return _refused(400, "0105", f"This job can't be {verb}. job status: {status}")


def unknown_job(what: str) -> RefusedError:
    return _refused(400, "2775", f"There is no {what}.")


def unknown_engine(engine_id: int) -> RefusedError:
    return _refused(400, "2780", f"There is no engine {engine_id}.")


def unknown_spec(spec_id: int) -> RefusedError:
    return _refused(400, "2781", f"There is no resource specification {spec_id}.")


def quota_used_up(quota: int) -> RefusedError:
    return _refused(400, "0118", f"The quota of {quota} is used up.")


def log_not_ready() -> RefusedError:
    return _refused(400, "2818", "The log is not there yet. Try again later.")


def no_such_log(name: str) -> RefusedError:
    return _refused(400, "2820", f"There is no log file {name}.")


def not_signed() -> RefusedError:
    return _refused(401, "0201", "The request has neither a token nor a signature.")


def token_expired() -> RefusedError:
    return _refused(401, "0202", "The token has expired.")


def token_unreadable() -> RefusedError:
    return _refused(401, "0203", "The token is not one of this service.")


def bad_signature_form(problem: str) -> RefusedError:
    return _refused(401, "0206", f"The signature cannot be checked: {problem}.")


def wrong_signature() -> RefusedError:
    return _refused(403, "0206", "The access key or the signature is wrong.")


def wrong_project() -> RefusedError:
    return _refused(403, "0210", "The project of the request is not the project of the credentials.")


def too_large(limit: int) -> RefusedError:
    return _refused(413, "4104", f"The request body is larger than {limit} bytes.")


def no_room() -> RefusedError:
    return _refused(500, "6200", "The platform's disk cannot take the record. Nothing was made.")


def no_such_path(method: str, path: str) -> RefusedError:
    return RefusedError(Refusal(404, "APIG.0101", f"There is no API {method} {path}.", gateway=True))


def method_not_allowed(method: str, path: str) -> RefusedError:
    return RefusedError(Refusal(405, "APIG.0101", f"{path} does not take {method}.", gateway=True))


def throttled(retry_after_s: float | None) -> RefusedError:
    message = "Too many requests. Try again later."
    return RefusedError(Refusal(429, "ModelArts.6101", message, retry_after_s=retry_after_s))
