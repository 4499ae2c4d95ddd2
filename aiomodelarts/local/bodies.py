"""Reading request bodies: every member is checked against its bounds, and named when it is outside them.

Lenient within the documents: digits as text where identifiers are asked for, numbers as parameter values,
``spec_id`` beside ``pool_id``, ``schedule`` as an array. Members that no document names are ignored.
"""

import math
import re
from typing import Any

import orjson

from aiomodelarts._wire.message import JsonObject
from aiomodelarts.local import refusals
from aiomodelarts.local.catalogue import ALGORITHMS, ENGINES, SPECS
from aiomodelarts.local.settings import RunSettings

MAX_TEXT = 4096
# No document bounds a command; this is what one argument of a process may have.
MAX_COMMAND = 128 * 1024
MAX_ID = 2**63 - 1
MAX_DESC = 256
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_DIGITS = re.compile(r"[0-9]{1,19}")
DEFAULT_ENGINE = 1


def parse(raw: bytes) -> JsonObject:
    """The JSON object of a body."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise refusals.unreadable_body(str(error)) from None
    if not isinstance(value, dict):
        raise refusals.unreadable_body("it is not a JSON object")
    return value


def text(body: JsonObject, name: str, *, limit: int = MAX_TEXT, required: bool = False) -> str | None:
    """A text member; None if it is absent, null or empty."""
    value = body.get(name)
    if value is None or value == "":
        if required:
            raise refusals.invalid(name, "it is required")
        return None
    if not isinstance(value, str):
        raise refusals.invalid(name, "it has to be text")
    if len(value) > limit:
        raise refusals.invalid(name, f"it is longer than {limit} characters")
    if "\x00" in value:
        raise refusals.invalid(name, "it holds a NUL character")
    return value


def name_text(body: JsonObject, member: str, limit: int) -> str:
    """A name of letters, digits, underscores and hyphens."""
    value = text(body, member, required=True) or ""
    if len(value) > limit or _NAME.fullmatch(value) is None:
        raise refusals.invalid(member, f"1 to {limit} letters, digits, underscores and hyphens are allowed")
    return value


def description(body: JsonObject, member: str, *, required: bool = False) -> str | None:
    """A description, or None if the member is absent. An empty text is a description."""
    if member not in body and not required:
        return None
    value = body.get(member)
    if not isinstance(value, str):
        raise refusals.invalid(member, "it has to be text")
    if len(value) > MAX_DESC:
        raise refusals.invalid(member, f"it is longer than {MAX_DESC} characters")
    return value


def identifier(body: JsonObject, name: str) -> int | None:
    """An identifier given as a JSON integer or as digits; None if it is absent or null."""
    value = body.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise refusals.invalid(name, "it has to be an integer")
    if not 0 <= value <= MAX_ID:
        raise refusals.invalid(name, "it is outside the range of identifiers")
    return value


def flag(body: JsonObject, name: str, default: bool) -> bool:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise refusals.invalid(name, "it has to be true or false")
    return value


def nested(body: JsonObject, name: str) -> JsonObject:
    """An object member that has to be there."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise refusals.invalid(name, "it has to be an object")
    return value


def run_settings(body: JsonObject, *, spec_required: bool = True, input_required: bool = True) -> RunSettings:
    """The run settings in a body, or a refusal that names what is wrong with them."""
    settings = RunSettings(
        workers=_workers(body),
        app_url=text(body, "app_url"),
        boot_file_url=text(body, "boot_file_url"),
        engine_id=_engine(body),
        model_id=_algorithm(body),
        user_image_url=text(body, "user_image_url"),
        user_command=text(body, "user_command", limit=MAX_COMMAND),
        parameters=_parameters(body),
        data_url=text(body, "data_url"),
        dataset_id=text(body, "dataset_id"),
        dataset_version_id=text(body, "dataset_version_id"),
        data_source=_data_source(body),
        train_url=text(body, "train_url"),
        log_url=text(body, "log_url"),
        spec_id=identifier(body, "spec_id"),
        pool_id=text(body, "pool_id"),
        volumes=_volumes(body),
    )
    _check_input(settings, input_required)
    _check_code(settings)
    _check_place(settings, spec_required)
    return settings


def schedule_ms(body: JsonObject) -> int | None:
    """After how many milliseconds a visualization job stops by itself, or None."""
    value = body.get("schedule")
    if value is None:
        return None
    if isinstance(value, list):
        if len(value) != 1:
            raise refusals.invalid("schedule", "one object is allowed")
        value = value[0]
    if not isinstance(value, dict) or value.get("type") != "stop" or value.get("time_unit") != "HOURS":
        raise refusals.invalid("schedule", "type has to be stop and time_unit HOURS")
    duration = value.get("duration")
    if isinstance(duration, bool) or not isinstance(duration, int) or not 0 <= duration <= 24:
        raise refusals.invalid("schedule.duration", "0 to 24 hours are allowed")
    return duration * 3_600_000


def _workers(body: JsonObject) -> int:
    value = body.get("worker_server_num")
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise refusals.invalid("worker_server_num", "an integer from 1 is required")
    return value


def _engine(body: JsonObject) -> int | None:
    engine_id = identifier(body, "engine_id")
    if engine_id is not None and engine_id not in ENGINES:
        raise refusals.unknown_engine(engine_id)
    if engine_id is None and body.get("app_url") and body.get("model_id") is None:
        return DEFAULT_ENGINE
    return engine_id


def _algorithm(body: JsonObject) -> int | None:
    model_id = identifier(body, "model_id")
    if model_id is not None and model_id not in ALGORITHMS:
        raise refusals.invalid("model_id", f"there is no built-in algorithm {model_id}")
    return model_id


def _parameters(body: JsonObject) -> tuple[tuple[str, str], ...]:
    value = body.get("parameter")
    if value is None:
        return ()
    if not isinstance(value, list):
        raise refusals.invalid("parameter", "it has to be an array of label and value")
    return tuple(_parameter(item, f"parameter[{index}]") for index, item in enumerate(value))


def _parameter(item: Any, place: str) -> tuple[str, str]:
    if not isinstance(item, dict):
        raise refusals.invalid(place, "it has to be an object of label and value")
    label, value = item.get("label"), item.get("value")
    if not isinstance(label, str) or not label or "\x00" in label or "=" in label:
        raise refusals.invalid(f"{place}.label", "it has to be text without = and NUL")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refusals.invalid(f"{place}.value", "it has to be text")
    if isinstance(value, float) and not math.isfinite(value):
        raise refusals.invalid(f"{place}.value", "it has to be finite")
    shown = value if isinstance(value, str) else repr(value)
    if "\x00" in shown:
        raise refusals.invalid(f"{place}.value", "it holds a NUL character")
    return label, shown


def _data_source(body: JsonObject) -> tuple[JsonObject, ...]:
    value = body.get("data_source")
    if value is None or value == []:
        return ()
    if not isinstance(value, list):
        raise refusals.invalid("data_source", "it has to be an array")
    items = tuple(_source(item, f"data_source[{index}]") for index, item in enumerate(value))
    if len({item["type"] for item in items}) > 1:
        raise refusals.invalid("data_source", "obs and dataset exclude each other")
    return items


def _source(item: Any, place: str) -> JsonObject:
    if not isinstance(item, dict):
        raise refusals.invalid(place, "it has to be an object")
    kind = item.get("type")
    if kind is None:
        kind = "obs" if item.get("data_url") else "dataset"
    wanted = {"obs": ("data_url",), "dataset": ("dataset_id", "dataset_version")}.get(
        kind if isinstance(kind, str) else ""
    )
    if wanted is None:
        raise refusals.invalid(f"{place}.type", "obs or dataset is allowed")
    for name in wanted:
        if not isinstance(item.get(name), str) or not item[name] or "\x00" in item[name]:
            raise refusals.invalid(f"{place}.{name}", "it is required")
    return {"type": kind, **{name: item[name] for name in wanted}}


def _volumes(body: JsonObject) -> tuple[JsonObject, ...]:
    value = body.get("volumes")
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 8:
        raise refusals.invalid("volumes", "it has to be an array of at most 8")
    return tuple(_volume(item, f"volumes[{index}]") for index, item in enumerate(value))


def _volume(item: Any, place: str) -> JsonObject:
    if not isinstance(item, dict) or len(item) != 1 or not set(item) <= {"nfs", "host_path"}:
        raise refusals.invalid(place, "exactly one of nfs and host_path is allowed")
    kind, inner = next(iter(item.items()))
    wanted = ("id", "src_path", "dest_path") if kind == "nfs" else ("src_path", "dest_path")
    if not isinstance(inner, dict):
        raise refusals.invalid(f"{place}.{kind}", "it has to be an object")
    for name in wanted:
        if not isinstance(inner.get(name), str) or not inner[name]:
            raise refusals.invalid(f"{place}.{kind}.{name}", "it is required")
    if not isinstance(inner.get("read_only", False), bool):
        raise refusals.invalid(f"{place}.{kind}.read_only", "it has to be true or false")
    return {kind: {**{name: inner[name] for name in wanted}, "read_only": inner.get("read_only", False)}}


def _check_input(settings: RunSettings, required: bool) -> None:
    if (settings.dataset_id is None) != (settings.dataset_version_id is None):
        raise refusals.invalid("dataset_version_id", "dataset_id and dataset_version_id belong together")
    forms = sum((settings.data_url is not None, settings.dataset_id is not None, bool(settings.data_source)))
    if forms > 1:
        raise refusals.invalid("data_url", "data_url, the dataset pair and data_source exclude each other")
    if forms == 0 and required:
        raise refusals.invalid("data_url", "one of data_url, the dataset pair and data_source is required")


def _check_code(settings: RunSettings) -> None:
    app, boot = settings.app_url, settings.boot_file_url
    if (app is None) != (boot is None):
        raise refusals.invalid("boot_file_url", "app_url and boot_file_url belong together")
    if app is None and settings.model_id is None and settings.user_image_url is None:
        raise refusals.invalid("app_url", "one of app_url with boot_file_url, model_id and user_image_url is required")
    if app is not None and boot is not None and not _plain(boot).startswith(_plain(app).rstrip("/") + "/"):
        raise refusals.invalid("boot_file_url", "it has to lie below app_url")


def _plain(path: str) -> str:
    return "/" + path.removeprefix("obs://").lstrip("/") if path.startswith("obs://") else path


def _check_place(settings: RunSettings, required: bool) -> None:
    if settings.spec_id is None:
        if settings.pool_id is None and required:
            raise refusals.invalid("spec_id", "one of spec_id and pool_id is required")
        return
    spec = SPECS.get(settings.spec_id)
    if spec is None:
        raise refusals.unknown_spec(settings.spec_id)
    if settings.workers > spec.max_num:
        raise refusals.invalid("worker_server_num", f"{spec.code} has at most {spec.max_num}")
