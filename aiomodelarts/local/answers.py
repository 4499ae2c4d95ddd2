"""How an answer is dressed: which of the documented forms it has on the wire."""

import math
from collections.abc import Callable
from typing import Any, Protocol

import orjson
from attrs import evolve, field, frozen

from aiomodelarts._wire.message import JsonObject, Response
from aiomodelarts.local.refusals import Refusal


@frozen
class Answer:
    """An answer before it becomes bytes.

    Args:
        status: of HTTP.
        payload: the JSON object; None means no body.
        headers: names in lower case.
        late_rows: a list in the payload whose entries become rows by this function. This and the next are left
            to the encoding, because long lists make them slow.
        dress: the last change of form.
    """

    status: int
    payload: JsonObject | None
    headers: dict[str, str] = field(factory=dict, repr=False)
    late_rows: tuple[str, Callable[[Any], JsonObject]] | None = None
    dress: Callable[[JsonObject], JsonObject] | None = None

    def rows(self) -> int:
        """The length of the longest list in the answer: how much work it is to encode."""
        return max((len(value) for value in (self.payload or {}).values() if isinstance(value, list)), default=0)

    def encode(self) -> Response:
        """The answer as bytes."""
        if self.payload is None:
            return Response(self.status, self.headers, b"")
        headers = {"content-type": "application/json", **self.headers}
        payload = self.payload
        if self.late_rows is not None:
            name, row = self.late_rows
            payload = {**payload, name: [row(entry) for entry in payload[name]]}
        if self.dress is not None:
            payload = self.dress(payload)
        return Response(self.status, headers, orjson.dumps(payload))


class Style(Protocol):
    """The choices that the documents leave open."""

    def success(self, operation: str, answer: Answer) -> Answer:
        """Dress a good answer."""
        ...

    def refusal(self, operation: str, refusal: Refusal) -> Answer:
        """Dress a refusal."""
        ...

    def page_zero_is_everything(self) -> bool:
        """Whether page 0 of the version list means all rows, otherwise the first page."""
        ...

    def log_wait_is_empty(self) -> bool:
        """Whether a log that is not there yet is an empty 204, otherwise a refusal."""
        ...

    def base_line_is_repeated(self) -> bool:
        """Whether a page of log lines begins with the base line itself."""
        ...


def refusal_headers(refusal: Refusal) -> dict[str, str]:
    """Retry-After, where the refusal has it."""
    if refusal.retry_after_s is None:
        return {}
    return {"retry-after": str(math.ceil(refusal.retry_after_s))}


# Operations of the identity service, whose answers have one form.
IDENTITY = frozenset({"createToken", "createTemporaryKeys"})


class Tidy:
    """One form for everything, that of the REST pages."""

    # The failure and the success sample of this one call lack the member.
    _WITHOUT_SUCCESS = IDENTITY | {"getVisualizationJob"}

    def success(self, operation: str, answer: Answer) -> Answer:
        if answer.payload is None or operation in self._WITHOUT_SUCCESS:
            return answer
        return evolve(answer, payload={"is_success": True, **answer.payload})

    def refusal(self, operation: str, refusal: Refusal) -> Answer:
        headers = refusal_headers(refusal)
        if operation in IDENTITY:
            error = {"code": refusal.status, "message": refusal.message, "title": "Refused"}
            return Answer(refusal.status, {"error": error}, headers)
        if refusal.gateway:
            return Answer(refusal.status, {"error_msg": refusal.message, "error_code": refusal.code}, headers)
        payload = {"is_success": False, "error_message": refusal.message, "error_code": refusal.code}
        if operation == "getVisualizationJob":
            del payload["is_success"]
        return Answer(refusal.status, payload, headers)

    def page_zero_is_everything(self) -> bool:
        return True

    def log_wait_is_empty(self) -> bool:
        return False

    def base_line_is_repeated(self) -> bool:
        return True
