"""The varied style: every answer takes one of the forms that documents, samples or captured answers show.

Which one is drawn per answer from a seed, so a client that works here makes no assumption the documents do not carry.
"""

import random
from collections.abc import Callable
from typing import Any

import orjson
from attrs import evolve, frozen

from aiomodelarts._wire.message import JsonObject
from aiomodelarts.local.answers import IDENTITY, Answer, Tidy, refusal_headers
from aiomodelarts.local.refusals import Refusal

_CREATIONS = frozenset(
    {"createTrainingJob", "createTrainingJobVersion", "createTrainingJobConfig", "createVisualizationJob"}
)
_UNDER_200 = frozenset({400, 404, 409})
_INTEGERS = frozenset(
    {
        "job_id", "version_id", "pre_version_id", "status", "create_time", "start_time", "duration", "spec_id",
        "engine_id", "engine_type", "model_id", "worker_server_num", "gpu_num", "version_count", "job_total_count",
        "job_count_limit", "quotas", "spec_total_count", "model_total_count", "config_total_count", "max_num",
        "unit_num", "model_usage", "model_size",
    }
)  # fmt: skip
_LISTS = ("versions", "jobs", "specs", "engines", "models", "configs")
# The schemas demand these even where everything else may be missing.
_KEPT = frozenset({"job_id", "job_name", "version_id", "spec_id", "spec_code", "engine_id", "model_id", "model_name"})
_ALWAYS = _KEPT | {"config_name", "content", "log_file_list", "is_success", *_LISTS}
_EXTRA: JsonObject = {
    "algorithm_id": None,
    "attributes": {},
    "billing": {"code": "local", "unit_num": 1},
    "is_free": True,
    "is_zombie": False,
    "no_resource": False,
    "pod_version": "1.8",
    "retrain_model_id": None,
}


@frozen
class _Forms:
    """The forms of one answer."""

    integers_as_text: bool
    sizes_as_text: bool
    metrics_as_object: bool
    system_as_text: bool
    parameters_as_text: bool
    algorithm_parameters_as_list: bool
    nothing_is_missing: bool
    nothing_is_empty: bool
    extra: bool
    markers_as_text: bool
    one_log_as_text: bool


class Varied:
    """Draws the form of every answer.

    Args:
        seed: the same seed and the same calls give the same forms.
    """

    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - to be repeatable is the point
        self._tidy = Tidy()

    def success(self, operation: str, answer: Answer) -> Answer:
        """See :class:`~aiomodelarts.local.answers.Style`."""
        if answer.payload is None or operation in IDENTITY:
            return answer
        creates = operation in _CREATIONS
        status = self._chance.choice((200, 201, 202)) if creates else answer.status
        forms = self._forms(0.5 if creates else 0.2)
        # An answer that holds nothing else always says that it succeeded.
        told = not answer.payload or self._flip()
        payload = {"is_success": True, **answer.payload} if told else answer.payload
        return evolve(answer, status=status, payload=payload, dress=_dresser(forms))

    def refusal(self, operation: str, refusal: Refusal) -> Answer:
        """See :class:`~aiomodelarts.local.answers.Style`."""
        if operation in IDENTITY:
            return self._tidy.refusal(operation, refusal)
        status = refusal.status
        if refusal.code == "ModelArts.2775" and self._flip():
            status = 404
        if status in _UNDER_200 and not refusal.gateway and self._flip():
            status = 200
        payload: JsonObject = {"error_code": refusal.code}
        name, other = ("error_msg", "error_message") if self._flip() else ("error_message", "error_msg")
        payload[name] = refusal.message
        if self._flip(0.2):
            payload[other] = self._chance.choice((None, ""))
        if self._flip() and not refusal.gateway:
            payload["is_success"] = False
        return Answer(status, payload, refusal_headers(refusal))

    def page_zero_is_everything(self) -> bool:
        return self._flip()

    def log_wait_is_empty(self) -> bool:
        return self._flip()

    def base_line_is_repeated(self) -> bool:
        return self._flip()

    def _flip(self, probability: float = 0.5) -> bool:
        return self._chance.random() < probability

    def _forms(self, text: float) -> _Forms:
        return _Forms(
            integers_as_text=self._flip(text),
            sizes_as_text=self._flip(),
            metrics_as_object=self._flip(),
            system_as_text=self._flip(),
            parameters_as_text=self._flip(),
            algorithm_parameters_as_list=self._flip(),
            nothing_is_missing=self._flip(),
            nothing_is_empty=self._flip(),
            extra=self._flip(0.3),
            markers_as_text=self._flip(),
            one_log_as_text=self._flip(),
        )


def _dresser(forms: _Forms) -> Callable[[JsonObject], JsonObject]:
    def dress(payload: JsonObject) -> JsonObject:
        shown = _members(payload, forms)
        for name in _LISTS:
            if isinstance(shown.get(name), list):
                shown[name] = [_members(row, forms) for row in shown[name]]
        return shown

    return dress


def _members(row: JsonObject, forms: _Forms) -> JsonObject:
    shown = {name: _value(name, value, forms) for name, value in row.items()}
    if forms.nothing_is_missing:
        shown = {name: value for name, value in shown.items() if value is not None or name in _ALWAYS}
    if forms.extra and "version_id" in row:
        shown |= _EXTRA
    return shown


def _value(name: str, value: Any, forms: _Forms) -> Any:
    if name in _INTEGERS and isinstance(value, int):
        return str(value) if forms.integers_as_text else value
    dresser = _DRESSERS.get(name)
    return value if dresser is None else dresser(value, forms)


def _size(value: Any, forms: _Forms) -> Any:
    if value is None:
        return None
    return str(value) if forms.sizes_as_text else int(value)


def _model_metrics(value: Any, forms: _Forms) -> Any:
    if value is None:
        return "" if forms.nothing_is_empty else None
    return orjson.loads(value) if forms.metrics_as_object else value


def _system_metrics(value: Any, forms: _Forms) -> Any:
    if value is None:
        return None
    held = orjson.loads(value) if isinstance(value, str) else value
    return orjson.dumps(held).decode() if forms.system_as_text else held


def _parameter(value: Any, forms: _Forms) -> Any:
    if isinstance(value, str):
        return orjson.loads(value) if forms.algorithm_parameters_as_list else value
    if not forms.parameters_as_text:
        return value
    return [{**pair, "value": str(pair["value"])} for pair in value]


def _marker(value: Any, forms: _Forms) -> Any:
    if value is None:
        return "" if forms.nothing_is_empty else None
    return str(value) if forms.markers_as_text else int(value)


def _log_files(value: Any, forms: _Forms) -> Any:
    return value[0] if forms.one_log_as_text and len(value) == 1 else value


_DRESSERS: dict[str, Callable[[Any, _Forms], Any]] = {
    "core": _size,
    "cpu": _size,
    "model_metric_list": _model_metrics,
    "system_metric_list": _system_metrics,
    "parameter": _parameter,
    "start_line": _marker,
    "end_line": _marker,
    "lines": _marker,
    "log_file_list": _log_files,
}


def style_of(spec: str) -> Tidy | Varied:
    """The style that ``tidy``, ``varied`` or ``varied:SEED`` names.

    Raises:
        ValueError: it is none of these.
    """
    name, _, seed = spec.partition(":")
    if name == "tidy" and not seed:
        return Tidy()
    if name == "varied" and (seed or "0").isdecimal():
        return Varied(int(seed or "0"))
    raise ValueError(f"answers are 'tidy', 'varied' or 'varied:SEED', not {spec!r}")
