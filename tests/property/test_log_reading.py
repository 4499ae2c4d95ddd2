"""Reading a log by markers, whatever the log, the size of pages, and whether the line at a marker is repeated."""

import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts._log_reader import read_lines, read_pages
from aiomodelarts.models.logs import LogPage

_FIRST = 10**18


class Log:
    """A log file behind the platform's call.

    Args:
        line: gives the line with a number.
        length: how many there are.
        page_size: most lines of a page.
        repeats: whether a page holds the line that its marker names as well.
        grows: how many lines are added before each of the next questions.
    """

    def __init__(
        self, line: Callable[[int], str], length: int, page_size: int, *, repeats: bool, grows: list[int] | None = None
    ) -> None:
        self._line = line
        self.length = length
        self._page_size = page_size
        self._repeats = repeats
        self._grows = grows or []
        self.asked = 0

    async def __call__(self, base_line: str | None, *, forward: bool) -> LogPage:
        self.asked += 1
        assert self.asked < 10_000, "it is asked for ever"
        if self._grows:
            self.length += self._grows.pop()
        if base_line is None:
            return self._page(max(0, self.length - self._page_size), self.length)
        at = (int(base_line) - _FIRST) // 7
        if forward:
            start = at if self._repeats else at + 1
            return self._page(start, min(start + self._page_size, self.length))
        end = at + 1 if self._repeats else at
        return self._page(max(0, end - self._page_size), end)

    def _page(self, start: int, end: int) -> LogPage:
        if start >= end:
            return LogPage(content="", line_count=0)
        return LogPage(
            content="\n".join(map(self._line, range(start, end))),
            line_count=end - start,
            start_line=str(_FIRST + 7 * start),  # type: ignore[arg-type]
            end_line=str(_FIRST + 7 * (end - 1)),  # type: ignore[arg-type]
        )


_LINES = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=3), max_size=80)
_SIZES = st.integers(2, 9)


@given(lines=_LINES, size=_SIZES, repeats=st.booleans())
async def test_each_line_comes_once_and_in_order(lines: list[str], size: int, repeats: bool) -> None:
    log = Log(lines.__getitem__, len(lines), size, repeats=repeats)
    assert [str(line) async for line in read_lines(log, "job.0")] == lines


@given(length=st.integers(1, 60), size=_SIZES, repeats=st.booleans(), grows=st.lists(st.integers(0, 9), max_size=20))
async def test_a_log_that_grows_is_read_without_a_gap(length: int, size: int, repeats: bool, grows: list[int]) -> None:
    log = Log(str, length, size, repeats=repeats, grows=grows)
    read = [str(line) async for line in read_lines(log, "job.0")]
    assert read == [str(number) for number in range(len(read))]
    assert len(read) >= length


@given(lines=_LINES, size=_SIZES, repeats=st.booleans(), forward=st.booleans())
async def test_pages_hold_each_line_once(lines: list[str], size: int, repeats: bool, forward: bool) -> None:
    log = Log(lines.__getitem__, len(lines), size, repeats=repeats)
    pages = [page.lines async for page in read_pages(log, None, forward=forward)]
    read = [line for page in (pages if forward else reversed(pages)) for line in page]
    assert read == (lines[-size:] if forward else lines)


@pytest.mark.parametrize("repeats", [True, False])
async def test_a_long_log_is_read_in_little_memory(repeats: bool) -> None:
    log = Log(lambda number: f"{number:1000}", 20_000, 100, repeats=repeats)
    count = 0
    tracemalloc.start()
    try:
        async for line in read_lines(log, "job.0"):
            assert int(line) == count
            count += 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == log.length
    assert peak < 6_000_000, "the log has 20 million characters"


@pytest.mark.parametrize(
    ("content", "count", "lines"),
    [
        ("", None, []),
        (None, None, []),
        ("", 0, []),
        ("", 1, [""]),
        ("", 50, []),
        ("", -3, []),
        ("a", 1, ["a"]),
        ("a\n", 1, ["a"]),
        ("a\n", 2, ["a", ""]),
        ("\n", 1, [""]),
        ("\n", 2, ["", ""]),
        ("a\r\nb", 2, ["a\r", "b"]),
    ],
)
def test_lines_of_a_page(content: str | None, count: int | None, lines: list[str]) -> None:
    assert LogPage(content=content, line_count=count).lines == lines
