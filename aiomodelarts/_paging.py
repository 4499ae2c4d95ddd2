"""All rows of a list whose rows shift between pages: none twice, none left out that was there throughout.

Pages next to each other prove nothing: a row that was deleted meanwhile pulls an unread one back into a page already
read. So each window is laid to overlap the rows before it. A window that holds a row seen earlier continues where that
row stood; one that holds none is thrown away, and an earlier one is asked for. The first window needs no such proof.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

T = TypeVar("T")
ReadWindow = Callable[[int, int], Awaitable[Sequence[T]]]


async def all_rows(
    read: ReadWindow[T], key: Callable[[T], Hashable], max_per_page: int, limit: int | None = None
) -> AsyncIterator[T]:
    """Every row of a list, in its order.

    The list has to keep the order of rows that stay. Only keys of rows are remembered, never rows.

    Args:
        read: asks for the rows of a page, by its number from 1 and its size.
        key: tells rows apart for good.
        max_per_page: largest page size; from 20 up, or windows could not be laid as they have to be.
        limit: rows that are wanted at most; None is all.
    """
    seen: set[Hashable] = set()
    at, step_back = 0, 1
    while limit is None or len(seen) < limit:
        page, size = window(at, max_per_page if at or limit is None else min(max_per_page, limit))
        start = (page - 1) * size
        rows = await read(page, size)
        if start and not any(key(row) in seen for row in rows):
            at, step_back = max(0, start - step_back), step_back * 2
            continue
        step_back = 1
        for row in rows:
            if key(row) not in seen and (limit is None or len(seen) < limit):
                seen.add(key(row))
                yield row
        if len(rows) < size:
            return
        at = start + len(rows) - 1


def window(at: int, largest: int) -> tuple[int, int]:
    """Page number and size of the window that holds the row at this index and reaches farthest beyond it.

    Args:
        at: index of a row, from 0.
        largest: largest page size.
    """
    sizes = range(largest, largest // 2, -1)
    size = max(sizes, key=lambda size: (at // size + 1) * size)
    return at // size + 1, size
