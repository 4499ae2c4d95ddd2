"""A list that shifts while it is read: no row twice, and none left out that was there throughout."""

import random
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts._paging import all_rows, window

PER_PAGE = 20


class ShiftingList:
    """Rows in a fixed order, of which some come and go before each read."""

    def __init__(self, size: int, rng: random.Random, restless_reads: int, most_moved: int) -> None:
        self.rows: list[float] = [float(number) for number in range(size)]
        self.throughout = set(self.rows)
        self.asked: list[tuple[int, int]] = []
        self._rng = rng
        self._restless_reads = restless_reads
        self._most_moved = most_moved

    async def read(self, page: int, per_page: int) -> Sequence[float]:
        self.asked.append((page, per_page))
        assert page >= 1
        assert 1 <= per_page <= PER_PAGE
        if len(self.asked) <= self._restless_reads:
            self._move()
        return self.rows[(page - 1) * per_page : page * per_page]

    def _move(self) -> None:
        for _ in range(self._rng.randint(0, self._most_moved)):
            at = self._rng.choice([0, self._rng.randint(0, len(self.rows))])
            if self._rng.random() < 0.5 and at < len(self.rows):
                self.throughout.discard(self.rows.pop(at))
            else:
                before = self.rows[at - 1] if at else self.rows[0] - 1 if self.rows else 0.0
                after = self.rows[at] if at < len(self.rows) else before + 2
                self.rows.insert(at, (before + after) / 2)


@given(
    size=st.integers(0, 150),
    seed=st.integers(0, 2**32),
    restless_reads=st.integers(0, 40),
    most_moved=st.integers(0, 2 * PER_PAGE),
)
async def test_every_row_that_stays_comes_once(size: int, seed: int, restless_reads: int, most_moved: int) -> None:
    shifting = ShiftingList(size, random.Random(seed), restless_reads, most_moved)
    got = [row async for row in all_rows(shifting.read, lambda row: row, PER_PAGE)]
    assert len(got) == len(set(got))
    assert shifting.throughout <= set(got)


@given(size=st.integers(0, 150), limit=st.integers(0, 160))
async def test_a_limit_is_kept_and_a_quiet_list_keeps_its_order(size: int, limit: int) -> None:
    quiet = ShiftingList(size, random.Random(0), 0, 0)
    got = [row async for row in all_rows(quiet.read, lambda row: row, PER_PAGE, limit)]
    assert got == quiet.rows[:limit]


async def test_a_quiet_list_costs_hardly_more_than_its_pages() -> None:
    asked: list[tuple[int, int]] = []

    async def read(page: int, per_page: int) -> Sequence[int]:
        asked.append((page, per_page))
        return range(100_000)[(page - 1) * per_page : page * per_page]

    count = 0
    async for _ in all_rows(read, lambda row: row, 1000):
        count += 1
    assert count == 100_000
    assert len(asked) <= 105


async def test_only_keys_are_kept() -> None:
    """100,000 rows of a kilobyte each: kept, they would take 100 MB."""

    async def read(page: int, per_page: int) -> Sequence[tuple[int, bytearray]]:
        return [(number, bytearray(1000)) for number in range(100_000)[(page - 1) * per_page : page * per_page]]

    tracemalloc.start()
    try:
        async for _ in all_rows(read, lambda row: row[0], 1000):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


async def test_a_small_limit_asks_for_a_small_page() -> None:
    quiet = ShiftingList(150, random.Random(0), 0, 0)
    assert [row async for row in all_rows(quiet.read, lambda row: row, PER_PAGE, 3)] == [0.0, 1.0, 2.0]
    assert quiet.asked == [(1, 3)]


@pytest.mark.parametrize("largest", [20, 100, 1000])
@given(at=st.integers(1, 10_000_000))
def test_a_window_overlaps_what_is_known_and_goes_on(largest: int, at: int) -> None:
    page, size = window(at, largest)
    assert 1 <= size <= largest
    assert (page - 1) * size <= at < page * size - 1
