"""Hyperparameters: the one place that turns Python scalars into text.

The rule: text stays as it is, ``True`` becomes ``true``, whole numbers become their digits, other numbers the shortest
text that reads back as the same number. None, NaN, infinities and nested values are refused, as is a repeated label.
"""

import hashlib
import math
import numbers
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from .errors import InvalidArgument

Scalar = str | int | float | bool
_ALLOWED = "a hyperparameter is a finite number, a boolean or text"
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
_UNSENDABLE = re.compile(r"[\x00\ud800-\udfff]")


def sendable(text: str) -> bool:
    """Whether the text can travel: a lone surrogate fits into no JSON, a zero character into no command line."""
    return _UNSENDABLE.search(text) is None


def to_text(value: object, argument: str = "hyperparameters") -> str:
    """The text that a scalar is sent as.

    Raises:
        InvalidArgument: for anything that is not a finite number, a boolean or text.
    """
    text = _text_or_none(value)
    if text is None:
        raise InvalidArgument(argument, value, _ALLOWED)
    return text


def _text_or_none(value: object) -> str | None:
    try:
        return _spelled_out(value)
    except ValueError:
        # Whole numbers of thousands of digits have no text that Python would give.
        return None


def _spelled_out(value: object) -> str | None:
    if isinstance(value, str):
        text = str.__str__(value)
        return text if sendable(text) else None
    if isinstance(value, float):
        # numpy's floats are floats whose own repr is not a number.
        return float.__repr__(value) if math.isfinite(value) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real | Decimal):
        text = str(value)
        return text if _NUMBER.fullmatch(text) else None
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return _spelled_out(value.item())  # type: ignore[attr-defined]
    return None


@frozen(eq=False, repr=False)
class Hyperparameters:
    """Labels and texts, in order.

    Two are equal when they have the same labels with the same values, whatever the order; values that are numbers are
    compared as numbers, since an echo can come back as a number or as another spelling of it.
    """

    pairs: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def of(cls, given: object, argument: str = "hyperparameters") -> "Hyperparameters":
        """Hyperparameters from a mapping, from a list of ``{"label": ..., "value": ...}``, or from None.

        Raises:
            InvalidArgument: for another form, an empty or repeated label, or a value that has no text.
        """
        if isinstance(given, Hyperparameters):
            return given
        if given is None:
            return _NONE
        pairs = tuple(_pairs(given, argument))
        if len(dict(pairs)) != len(pairs):
            labels = [label for label, _ in pairs]
            twice = next(label for label in labels if labels.count(label) > 1)
            raise InvalidArgument(f"{argument}[{twice!r}]", twice, "each label may be given only once")
        return cls(pairs)

    def as_dict(self) -> dict[str, str]:
        """Label to text."""
        return dict(self.pairs)

    def as_parameters(self) -> list[dict[str, str]]:
        """The wire form."""
        return [{"label": label, "value": value} for label, value in self.pairs]

    @property
    def digest(self) -> str:
        """A short text that is the same for equal hyperparameters."""
        spelled = sorted(f"{label}\0{_spelled(value)}" for label, value in self._values())
        return hashlib.sha256("\0\0".join(spelled).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def __iter__(self) -> Iterator[str]:
        return (label for label, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, label: str) -> str:
        return dict(self.pairs)[label]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hyperparameters):
            return NotImplemented
        return self.pairs == other.pairs or self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return f"Hyperparameters({dict(self.pairs)!r})"

    def _values(self) -> frozenset[tuple[str, str | float]]:
        return frozenset((label, _number_or_text(value)) for label, value in self.pairs)


_NONE = Hyperparameters()


def _pairs(given: object, argument: str) -> Iterable[tuple[str, str]]:
    items: Iterable[tuple[Any, Any]]
    if isinstance(given, Mapping):
        items = given.items()
    elif isinstance(given, list | tuple):
        items = [_label_value(item, f"{argument}[{index}]") for index, item in enumerate(given)]
    else:
        raise InvalidArgument(argument, given, 'it is a mapping, or a list of {"label": ..., "value": ...}')
    for label, value in items:
        if not isinstance(label, str) or not label or not sendable(label):
            raise InvalidArgument(argument, label, "a label is text of at least one character")
        text = _text_or_none(value)
        if text is None:
            raise InvalidArgument(f"{argument}[{label!r}]", value, _ALLOWED)
        yield label, text


def _label_value(item: object, argument: str) -> tuple[Any, Any]:
    if not isinstance(item, Mapping) or set(item) != {"label", "value"}:
        raise InvalidArgument(argument, item, 'an item has exactly the members "label" and "value"')
    return item["label"], item["value"]


def _number_or_text(value: str) -> str | float:
    """What a reader of JSON makes of a numeric text: whole numbers of 64 bits exactly, all others as doubles."""
    if _INTEGER.fullmatch(value) and -(2**63) <= int(value) < 2**64:
        return int(value)
    if _NUMBER.fullmatch(value) and math.isfinite(number := float(value)):
        return number
    return value


def _spelled(value: str | float) -> str:
    if isinstance(value, str):
        return f"text {value}"
    numerator, denominator = value.as_integer_ratio()
    return f"number {numerator}/{denominator}"
