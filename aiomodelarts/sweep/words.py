"""Numbers, moments and names as a report or a notebook says them. Pure."""

from datetime import datetime, tzinfo
from html import escape

from .space.space import Point, Scalar

_LONGEST_NAME = 18


def number(value: float) -> str:
    """A metric in at most six digits that matter."""
    return f"{value:.6g}"


def scalar(value: Scalar) -> str:
    """A hyperparameter as the script receives it, numbers in at most six digits that matter."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value) if isinstance(value, float) else str(value)


def point(values: Point) -> list[str]:
    """A point, one hyperparameter at a time."""
    return [f"{name} = {scalar(value)}" for name, value in values.items()]


def moment(at: float, zone: tzinfo) -> str:
    """A moment as plotly reads it: without its zone, which the page names once."""
    return datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def length(seconds: float) -> str:
    """A length of time in its two largest units."""
    whole = round(seconds)
    if seconds < 10:
        return f"{seconds:.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plain(text: str) -> str:
    """Text that plotly shows as it is: it takes a few HTML tags for markup."""
    return escape(text, quote=False)


def brief(name: str) -> str:
    """A name that fits above an axis."""
    return plain(name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}")
