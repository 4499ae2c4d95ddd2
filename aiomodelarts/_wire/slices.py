"""A long array inside a JSON object, some elements at a time: pure.

Parsing a thousand rows in one go holds up every other thread, and so many values that live at the same time keep the
garbage collector busy. So the text is cut between two elements where that can be done, and the parser is the judge of
the cuts: a piece from the middle of an element, or of a string, is no JSON.
"""

from collections.abc import Iterator
from typing import Any

import orjson

_SLICE = 32 * 1024


class NotInSlices(ValueError):
    """The text has to be parsed whole."""


def in_slices(text: bytes, member: str) -> tuple[dict[str, Any], Iterator[list[Any]]]:
    """The object with an empty array in place of the member's, and that array's elements in order, some at a time.

    Raises:
        NotInSlices: for anything but compact JSON with long rows of objects that begin alike; while iterating, too.
    """
    opening = b'"%b":[' % member.encode()
    begin, end = text.find(opening) + len(opening), text.rfind(b"]")
    colon = text.find(b":", begin)
    if begin < len(opening) or not begin < colon < end or text[begin : begin + 2] != b'{"':
        raise NotInSlices
    head = _parsed(text[:begin] + text[end:])
    # What looked like the member can be a part of something else.
    if not isinstance(head, dict) or head.get(member) != []:
        raise NotInSlices
    return head, _slices(text, begin, end, b"}," + text[begin : colon + 1])


def _slices(text: bytes, begin: int, end: int, boundary: bytes) -> Iterator[list[Any]]:
    while begin < end:
        cut = text.find(boundary, begin + _SLICE, end)
        stop = end if cut < 0 else cut + 1
        elements: list[Any] = _parsed(b"[" + text[begin:stop] + b"]")
        yield elements
        begin = stop + 1


def _parsed(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise NotInSlices from None
