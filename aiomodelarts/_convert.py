"""The one converter: answers become values, leniently where the documents disagree, strictly everywhere else.

Unknown members pass, members can be null, numbers may come as text. Anything else raises ``DecodeError`` with the path.
"""

import re
import types
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import attrs
import orjson
from cattrs import Converter, IterableValidationError, transform_error
from cattrs.errors import ClassValidationError
from cattrs.gen import make_dict_structure_fn, override

from .errors import DecodeError, InvalidArgument
from .hyperparameters import Hyperparameters, sendable, to_text
from .models._text import JsonText, Marker, ScalarText
from .models.logs import LogPage
from .status import JobStatus

T = TypeVar("T")
_SCALARS = (str, bool, int, float)
_LISTED = {int(status): status for status in JobStatus}
_DIGITS = re.compile(r"-?[0-9]{1,20}")
_RENAMED = {LogPage: {"line_count": "lines"}}


def structure(data: object, shape: type[T]) -> T:
    """The decoded JSON as a value of the given shape.

    Raises:
        DecodeError: with the path of the first member that is not what the contract says.
    """
    try:
        return _converter.structure(data, shape)
    except Exception as error:
        path, reason = _first_fault(error)
        raise DecodeError(reason, path=path) from error


def _read_int(value: Any, _: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    raise _Fault("a whole number", value)


def _read_number(value: Any, _: Any) -> float:
    return value if type(value) is float else _read_int(value, None)


def _read_str(value: Any, _: Any) -> str:
    if isinstance(value, str):
        return value
    raise _Fault("text", value)


def _read_bool(value: Any, _: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise _Fault("true or false", value)


def _read_status(value: Any, _: Any) -> JobStatus:
    # Thousands of rows have one each, and calling the enumeration takes four times as long as this.
    listed = _LISTED.get(value) if type(value) is int else None
    return listed if listed is not None else JobStatus(_read_int(value, None))


def _read_scalar(value: Any, _: Any) -> ScalarText:
    # The usual ones first.
    if type(value) is int or (type(value) is str and sendable(value)):
        return ScalarText(str(value))
    if isinstance(value, _SCALARS):
        return ScalarText(to_text(value))
    raise _Fault("text, a number or a boolean", value)


def _read_marker(value: Any, _: Any) -> Marker:
    if isinstance(value, str) or type(value) is int:
        return Marker(str(value))
    raise _Fault("text or a whole number", value)


def _read_json_text(value: Any, _: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _read_hyperparameters(value: Any, _: Any) -> Hyperparameters:
    rows = _read_json_text(value, None)
    if rows == "":
        return Hyperparameters()
    if not isinstance(rows, list):
        raise _Fault("a list of parameters", value)
    pairs = []
    for row in rows:
        if not isinstance(row, dict):
            raise _Fault("a parameter with label and value", row)
        label, text = row.get("label"), row.get("value")
        if label is None:
            continue
        pairs.append((_read_str(label, None), "" if text is None else _read_scalar(text, None)))
    return Hyperparameters(tuple(pairs))


class _Fault(ValueError):
    def __init__(self, wanted: str, value: object) -> None:
        got = repr(value)
        shown = got if len(got) <= 60 else f"{got[:57]}..."
        super().__init__(f"expected {wanted}, got {type(value).__name__} {shown}")


def _object_hook(shape: type[Any]) -> Callable[[Any, Any], Any]:
    """Reads a JSON object, and keeps it in the value's ``raw``."""
    names = {field.name for field in attrs.fields(shape)}
    overrides = {"raw": override(omit=True)} if "raw" in names else {}
    overrides |= {ours: override(rename=theirs) for ours, theirs in _RENAMED.get(shape, {}).items()}
    read: Callable[[Any, Any], Any] = make_dict_structure_fn(
        shape,
        _converter,
        _cattrs_forbid_extra_keys=False,
        **overrides,  # type: ignore[arg-type]
    )
    keeps_raw = "raw" in names
    required = [field.name for field in attrs.fields(shape) if field.default is attrs.NOTHING]
    status_is_optional = "status" in names and "status" not in required

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            raise _Fault("an object", value)
        members = value
        # A null member is a missing member, also where the value has another default than None.
        if status_is_optional and value.get("status", 0) is None:
            members = {name: member for name, member in value.items() if name != "status"}
        result = read(members, shape)
        if keeps_raw:
            object.__setattr__(result, "raw", value)
        return result

    return hook


def _is_optional(shape: Any) -> bool:
    union = get_origin(shape) in (types.UnionType, Union)
    return union and len(get_args(shape)) == 2 and types.NoneType in get_args(shape)


def _optional_hook(shape: Any) -> Callable[[Any, Any], Any]:
    """Reads a member that may be null. Most members of most answers come this way, so the usual value takes no call."""
    (wanted,) = (argument for argument in get_args(shape) if argument is not types.NoneType)
    read = _converter.get_structure_hook(wanted)
    as_it_is = wanted if wanted in (int, str, bool) else types.NoneType

    def hook(value: Any, _: Any) -> Any:
        if type(value) is as_it_is or value is None:
            return value
        return read(value, wanted)

    return hook


def _tuple_hook(shape: Any) -> Callable[[Any, Any], Any]:
    rows: Any = types.GenericAlias(list, get_args(shape)[:1])
    read_many = _converter.get_structure_hook(rows)

    def hook(value: Any, _: Any) -> Any:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise _Fault("a list", value)
        return tuple(read_many(value, rows))

    return hook


def _make_converter() -> Converter:
    made = Converter(detailed_validation=True)
    # The hook for int also takes every IntEnum that has no hook of its own, so each one has to be in this table.
    readers: Iterable[tuple[Any, Callable[[Any, Any], Any]]] = (
        (int, _read_int),
        (float, _read_number),
        (str, _read_str),
        (bool, _read_bool),
        (JobStatus, _read_status),
        (ScalarText, _read_scalar),
        (Marker, _read_marker),
        (JsonText, _read_json_text),
        (Hyperparameters, _read_hyperparameters),
    )
    for wanted, reader in readers:
        made.register_structure_hook(wanted, reader)
    return made


def _first_fault(error: BaseException) -> tuple[str, str]:
    if isinstance(error, ClassValidationError | IterableValidationError):
        described = transform_error(error, format_exception=_reason)[0]
        reason, _, path = described.rpartition(" @ $")
        return path.lstrip("."), reason
    return "", _reason(error, None)


def _reason(error: BaseException, _: Any) -> str:
    if isinstance(error, KeyError):
        return f"member {error.args[0]!r} is missing"
    if isinstance(error, InvalidArgument):
        return error.message
    return str(error)


_converter = _make_converter()
_converter.register_structure_hook_factory(
    _is_optional,
    _optional_hook,
)
_converter.register_structure_hook_factory(
    lambda shape: attrs.has(shape) and shape is not Hyperparameters, _object_hook
)
_converter.register_structure_hook_factory(
    lambda shape: cast("Any", get_origin(shape)) is tuple and get_args(shape)[1:] == (Ellipsis,),
    _tuple_hook,
)
