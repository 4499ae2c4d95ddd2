"""Cursors: what they say, and those that say nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts import (
    AsyncSession,
    InvalidArgument,
)
from aiomodelarts._cursor import Told, decode, encode

pytestmark = pytest.mark.looptime


_states = st.dictionaries(st.integers(1, 300), st.builds(Told, st.integers(0, 30), st.integers(0, 4), st.booleans()))


@given(st.dictionaries(st.integers(1, 5), _states, min_size=1))
def test_a_cursor_says_all_that_was_told(jobs: dict[int, dict[int, Told]]) -> None:
    assert decode(encode(jobs), jobs) == jobs


def test_the_cursor_of_a_long_job_is_short() -> None:
    jobs = {5: {number: Told(10, 3, True) for number in range(100_000)}}
    assert len(encode(jobs)) < 200


@given(st.text() | st.binary().map(lambda raw: "c1." + raw.hex()))
def test_garbage_is_no_cursor(text: str) -> None:
    with pytest.raises(InvalidArgument):
        decode(text, [5])


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        ("c2.abcd", "later version"),
        (encode({6: {}}), "belongs to job 6, and this is about job 5"),
        (encode({5: {1: Told(8)}})[:-8], "cursor of an event"),
        ("", "cursor of an event"),
    ],
)
async def test_a_cursor_that_does_not_fit_says_why(session: AsyncSession, cursor: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        session.events(5, cursor)
