"""Pages of log lines: every line once, whole, in order, in either direction, while the log grows or when it is done."""

from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts.local import logpages
from aiomodelarts.local.logpages import BLOCK
from aiomodelarts.local.ports import LogQuery

pieces = st.one_of(
    st.binary(max_size=40),
    st.just(b"\n"),
    st.integers(1, 3 * BLOCK).map(lambda length: b"x" * length),
    st.integers(1, 300).map(lambda count: b"line\n" * count),
)
logs = st.lists(pieces, max_size=12).map(b"".join)


def ask(text, query, *, complete=True, repeat_base=True):
    return logpages.page(
        lambda offset, count: text[offset : offset + count],
        len(text),
        query,
        complete=complete,
        repeat_base=repeat_base,
    )


def forward(text, lines, *, complete=True, repeat_base=True):
    """Everything, read page by page from the first line."""
    got, base = b"", 0
    while True:
        page = ask(text, LogQuery(0, base, lines, following=True), complete=complete, repeat_base=repeat_base)
        if base == 0 and not repeat_base and not got:
            first = ask(text, LogQuery(0, 0, 1, following=True), complete=complete)
            got = first.content
        content = page.content
        if repeat_base and got:
            content = content[len(ask(text, LogQuery(0, base, 1, following=True)).content) :]
        if not content:
            return got
        got += content
        base = page.last


@given(logs, st.integers(2, 60))
def test_reading_forward_gives_the_whole_log(text, lines):
    assert forward(text, lines) == text


@given(logs, st.integers(1, 60))
def test_reading_forward_without_the_base_line_gives_the_whole_log(text, lines):
    assert forward(text, lines, repeat_base=False) == text


@given(logs, st.integers(2, 60))
def test_reading_backward_gives_the_whole_log(text, lines):
    page = ask(text, LogQuery(0, None, lines, following=True))
    got = page.content
    while page.first:
        base = page.first
        page = ask(text, LogQuery(0, base, lines, following=False), repeat_base=False)
        assert page.last < base
        got = page.content + got
    assert got == text


@given(logs, st.integers(1, 60))
def test_no_line_is_longer_than_two_blocks_and_no_page_longer_than_asked(text, lines):
    page = ask(text, LogQuery(0, None, lines, following=True))
    assert page.count <= lines
    assert len(page.content) <= lines * 2 * BLOCK


@given(logs, logs, st.integers(2, 60))
def test_what_was_read_from_a_growing_log_stays_true(before, after, lines):
    early = forward(before, lines, complete=False)
    whole = before + after
    assert whole.startswith(early)
    assert forward(whole, lines) == whole
    newest = ask(before, LogQuery(0, None, 1, following=True), complete=False)
    if newest.count:
        again = ask(whole, LogQuery(0, newest.first, 1, following=True))
        assert again.content == newest.content


@given(logs, st.integers(0, 4 * BLOCK), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 5))
def test_any_base_is_answered(text, base, following, complete, repeat_base, lines):
    page = ask(text, LogQuery(0, base, lines, following), complete=complete, repeat_base=repeat_base)
    assert page.count <= lines
    assert page.content in text


def test_a_page_of_a_huge_log_reads_only_the_end():
    size, read = 10**12, []

    def pretend(offset, count):
        read.append(count)
        return (b"0123456\n" * (count // 8 + 2))[offset % 8 :][:count]

    page = logpages.page(pretend, size, LogQuery(0, None, 500, following=True), complete=True, repeat_base=True)
    assert page.count == 500
    assert sum(read) < 600 * BLOCK
