"""Which requests a look takes, and when looks come: laws, not examples alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts import Cadence, InvalidArgument, JobStatus, Patience
from aiomodelarts._watch.cadence import Look
from aiomodelarts._watch.patience import Verdict
from aiomodelarts._watch.plan import PAGE, Plan, Positions, plan

_ids = st.integers(1, 6000)


def known(version_ids: set[int]) -> Positions:
    positions = Positions()
    positions.add(version_ids)
    return positions


@given(st.sets(_ids, max_size=5000), st.data())
def test_every_awaited_version_is_asked_for_and_never_dearer_than_by_itself(ids: set[int], data: st.DataObject) -> None:
    awaited = data.draw(st.sets(st.sampled_from(sorted(ids)), max_size=50)) if ids else set()
    asked = plan(known(ids), awaited)
    newest_first = sorted(ids, reverse=True)
    seen = {version for page in asked.pages for version in newest_first[(page - 1) * PAGE : page * PAGE]}
    assert awaited <= seen | set(asked.singles)
    assert not seen & set(asked.singles)
    assert len(asked.pages) + len(asked.singles) <= max(len(awaited), 0)
    assert not asked.walk


@pytest.mark.parametrize("count", [4, 999, 1000, 1001, 1002, 1003, 1500, 2000, 2001, 2002, 9999, 10_001, 10_002])
def test_the_waits_on_a_job_take_one_request_for_each_thousand(count: int) -> None:
    ids = set(range(count))
    asked = plan(known(ids), ids)
    assert len(asked.pages) + len(asked.singles) == -(-count // PAGE)


@given(st.integers(1, 1000))
def test_a_job_of_one_page_never_takes_more_than_two_requests(left: int) -> None:
    ids = set(range(1000))
    asked = plan(known(ids), set(range(left)))
    assert len(asked.pages) + len(asked.singles) <= (1 if left > 2 else left)


def test_of_a_long_page_two_versions_are_read_by_themselves_and_of_a_short_one_one() -> None:
    assert plan(known(set(range(1000))), {1, 2}) == Plan(singles=(1, 2))
    assert plan(known(set(range(1000))), {1, 2, 3}) == Plan(pages=(1,))
    assert plan(known(set(range(100))), {1, 2}) == Plan(pages=(1,))
    assert plan(known(set(range(100))), {1}) == Plan(singles=(1,))


def test_pages_without_an_awaited_version_are_not_read() -> None:
    assert plan(known(set(range(5000))), set(range(1500, 1600))) == Plan(pages=(4,))


def test_versions_that_nobody_has_seen_are_walked_for() -> None:
    assert plan(known({1, 2}), {1, 2, 3, 4}).walk
    assert plan(known(set()), {1, 2, 3}) == Plan(singles=(1, 2, 3))


@given(st.sets(_ids, min_size=1, max_size=3000), st.sets(_ids, max_size=3000), st.integers(0, 2))
def test_a_page_teaches_what_is_there_and_what_is_not(before: set[int], now: set[int], number: int) -> None:
    positions = known(before)
    page = set(sorted(now, reverse=True)[number * 100 : (number + 1) * 100])
    positions.learn(page)
    if page:
        between = {version for version in positions.ids if min(page) <= version <= max(page)}
        assert between == page
        outside = {version for version in before if not min(page) <= version <= max(page)}
        assert outside <= positions.ids
    else:
        assert positions.ids == before


@given(st.floats(0, 1e6), st.integers(1, 100), st.integers(0, 100_000), st.none() | st.floats(0, 1e5), st.floats(0, 1))
def test_a_pause_keeps_to_its_bounds_and_to_the_ceiling(
    age_s: float, requests: int, rows: int, typical_s: float | None, headroom: float
) -> None:
    cadence = Cadence().within((0.5, 10))
    pause = cadence.next_look_s(Look(age_s=age_s, requests=requests, rows=rows, typical_s=typical_s, headroom=headroom))
    assert pause >= 0.5
    assert pause <= max(10, requests / cadence.polls_per_s)
    assert requests / pause <= cadence.polls_per_s * 1.001


def test_less_room_more_rows_and_longer_runs_make_longer_pauses() -> None:
    cadence = Cadence()
    base = cadence.next_look_s(Look(age_s=1))
    assert cadence.next_look_s(Look(age_s=1, headroom=0.2)) > base
    assert cadence.next_look_s(Look(age_s=1, rows=1000)) > base
    assert cadence.next_look_s(Look(age_s=1, typical_s=60)) > base
    assert cadence.next_look_s(Look(age_s=1, failures=3)) > base


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), True, "1", (2, 1), (1,), (None, 1)])
def test_bounds_that_are_none_are_refused(bad: object) -> None:
    with pytest.raises(InvalidArgument, match="poll_s"):
        Cadence().within(bad)  # type: ignore[arg-type]


def test_each_doubtful_status_has_its_own_patience() -> None:
    patience = Patience(lost_s=10, unknown_s=20, reviewed_s=30, unlisted_s=40)
    for status, limit, verdict in (
        (JobStatus.LOST, 10, Verdict.OVER),
        (JobStatus.UNKNOWN, 20, Verdict.TOO_LONG),
        (JobStatus.CHECK_RUNNING_COMPLETED, 30, Verdict.TOO_LONG),
        (JobStatus(99), 40, Verdict.TOO_LONG),
    ):
        assert patience.judge(status, limit - 1, 100) is Verdict.GOES_ON
        assert patience.judge(status, limit, 100) is verdict
    assert patience.judge(JobStatus.LOST, 1000, 1) is Verdict.GOES_ON
    assert patience.judge(JobStatus.RUNNING, 1e9, 10**6) is Verdict.GOES_ON
    assert patience.judge(JobStatus.COMPLETED, 0, 1) is Verdict.OVER
