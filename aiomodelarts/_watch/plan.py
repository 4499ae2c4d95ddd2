"""Which requests to send for one look at a job: pure."""

from bisect import bisect_left
from collections.abc import Set

from attrs import define, field, frozen

PAGE = 1000
# So few are read by themselves as long as nobody knows where they stand, rather than looked for from the first page on.
FEW = 3
# Reading a version by itself costs one request. A page costs one as well, however many of its rows are awaited, and its
# rows cost something, too: so many as much as a request.
_ROWS_A_REQUEST = 500


@frozen
class Plan:
    """What one look asks.

    Args:
        pages: numbers of the list's pages.
        singles: versions that are read by themselves.
        walk: read pages from the first on instead, until every awaited version was seen.
        to_the_end: with ``walk``, until the list is at its end.
    """

    pages: tuple[int, ...] = ()
    singles: tuple[int, ...] = ()
    walk: bool = False
    to_the_end: bool = False


@define
class Positions:
    """Where the versions of a job stand in its list, newest first, as far as they were seen."""

    _ids: set[int] = field(factory=set)
    _ascending: list[int] | None = None

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> Set[int]:
        """All of them."""
        return self._ids

    def page_of(self, version_id: int) -> int:
        """The page that a version should be on."""
        if len(self._ids) <= PAGE:
            return 1
        ascending = self._sorted()
        return (len(ascending) - 1 - bisect_left(ascending, version_id)) // PAGE + 1

    def rows_of(self, page: int) -> int:
        """How many rows a page should have."""
        return min(PAGE, len(self._ids) - (page - 1) * PAGE)

    def learn(self, rows: Set[int]) -> None:
        """Take in one page; what was known between its first and last row and is not on it is there no more."""
        if not rows:
            return
        ascending = self._sorted()
        begin, end = bisect_left(ascending, min(rows)), bisect_left(ascending, max(rows) + 1)
        between = ascending[begin:end]
        if len(between) == len(rows) and rows >= set(between):
            return
        self._ids.difference_update(between)
        self.add(rows)

    def add(self, version_ids: Set[int]) -> None:
        """Take in versions that are known from elsewhere."""
        self._ids |= version_ids
        self._ascending = None

    def drop(self, version_ids: Set[int]) -> None:
        """Forget versions that are not where they should be."""
        self._ids -= version_ids
        self._ascending = None

    def _sorted(self) -> list[int]:
        if self._ascending is None:
            self._ascending = sorted(self._ids)
        return self._ascending


def plan(positions: Positions, awaited: Set[int], *, front: bool = False, everything: bool = False) -> Plan:
    """The cheapest look that sees every awaited version.

    Args:
        positions: where versions are known to stand.
        awaited: the versions that somebody waits for.
        front: the newest page as well, for versions that nobody knows yet.
        everything: the whole list.
    """
    if everything:
        return Plan(walk=True, to_the_end=True)
    if not awaited <= positions.ids:
        few = len(awaited) <= FEW and not front
        return Plan(singles=tuple(sorted(awaited))) if few else Plan(walk=True)
    by_page: dict[int, list[int]] = {}
    for version_id in awaited:
        by_page.setdefault(positions.page_of(version_id), []).append(version_id)
    pages = {number for number, ids in by_page.items() if len(ids) >= _cost_of(positions.rows_of(number))}
    if front:
        pages.add(1)
    singles = [version_id for number, ids in by_page.items() if number not in pages for version_id in ids]
    return Plan(tuple(sorted(pages)), tuple(sorted(singles)))


def _cost_of(rows: int) -> float:
    """Of a page with so many rows, in single reads."""
    return 1 + rows / _ROWS_A_REQUEST
