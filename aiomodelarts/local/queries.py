"""Reading query strings and path segments within their documented bounds."""

import re
from collections.abc import Collection, Mapping

from aiomodelarts.local import refusals
from aiomodelarts.local.bodies import MAX_ID

_INTEGER = re.compile(r"-?[0-9]{1,19}")
MAX_PAGE = 65535
MAX_SEARCH = 100
MAX_STATUS = 22

Query = Mapping[str, str]


def integer(query: Query, name: str, default: int, low: int, high: int = MAX_ID) -> int:
    """An integer parameter within its bounds; blank counts as absent."""
    given = query.get(name, "").strip()
    if not given:
        return default
    if _INTEGER.fullmatch(given) is None or not low <= int(given) <= high:
        raise refusals.invalid(name, f"an integer from {low} to {high} is allowed, {given[:40]!r} was given")
    return int(given)


def page(query: Query, per_page_limit: int, *, default: int = 1, low: int = 1) -> tuple[int, int]:
    """Page number and rows per page."""
    number = integer(query, "page", default, low, MAX_PAGE)
    return number, integer(query, "per_page", 10, 1, per_page_limit)


def choice(query: Query, name: str, allowed: Collection[str], default: str) -> str:
    """One of some words; absent means the default."""
    given = query.get(name, default) or default
    if given not in allowed:
        raise refusals.invalid(name, f"{', '.join(sorted(allowed))} are allowed, {given[:40]!r} was given")
    return given


def search(query: Query) -> str:
    """The text to look for, in lower case."""
    given = query.get("search_content", "")
    if len(given) > MAX_SEARCH:
        raise refusals.invalid("search_content", f"0 to {MAX_SEARCH} characters are allowed")
    return given.lower()


def status(query: Query) -> int | None:
    """The one status asked for, or None for all."""
    given = query.get("status", "").strip()
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or not 0 <= int(given[:6]) <= MAX_STATUS:
        raise refusals.invalid("status", f"one number from 0 to {MAX_STATUS} is allowed, {given[:40]!r} was given")
    return int(given)


def path_id(text: str, name: str) -> int:
    """An identifier in a path."""
    if not text.isascii() or not text.isdigit() or len(text) > 19 or int(text) > MAX_ID:
        raise refusals.invalid(name, f"an integer from 0 to {MAX_ID} is allowed, {text[:40]!r} was given")
    return int(text)
