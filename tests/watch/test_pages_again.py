"""Pages that are read again and again: by their digest, in slices, and only where something changed."""

import asyncio
import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiomodelarts import DecodeError, JobStatus, Outcome, TrainingJob
from aiomodelarts._wire import slices, states
from aiomodelarts._wire.call import Call, Site
from aiomodelarts._wire.message import Response
from aiomodelarts.errors import ApiError
from aiomodelarts.models.states import StatePage
from tests.support.fakes import Service, answer, session_on

SITE = Site("http://x", "p")
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99)
    | st.sampled_from(['"},{"version_id":', "]", '\\"versions":[', "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)
_row = st.fixed_dictionaries(
    {"version_id": st.integers(0, 60) | st.text(max_size=2)},
    optional={"status": st.integers(0, 30) | st.just("8") | st.none() | st.booleans(), "versions": _json, "x": _json},
)
_page = st.fixed_dictionaries(
    {},
    optional={"before": _json, "versions": st.lists(_row | _json, max_size=30), "version_count": _json, "after": _json},
)


@pytest.fixture
def thin_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_SLICE", 40)


def call(known: StatePage | None = None) -> Call[StatePage]:
    return states.list_version_states(SITE, 5, 1, 1000, known)


@pytest.mark.usefixtures("thin_slices")
@given(_page | _json, st.sampled_from([(",", ":"), (", ", ": ")]))
def test_slices_are_what_the_parser_says_or_are_refused(value: Any, separators: tuple[str, str]) -> None:
    text = json.dumps(value, separators=separators, ensure_ascii=False).encode()
    try:
        head, some = slices.in_slices(text, "versions")
        rows = [row for slice_ in some for row in slice_]
    except slices.NotInSlices:
        return
    assert {**head, "versions": rows} == orjson.loads(text)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda raw: b'{"versions":[{"a":' + raw + b"]}"))
def test_what_is_no_json_is_refused(text: bytes) -> None:
    try:
        head, some = slices.in_slices(text, "versions")
        rows = [row for slice_ in some for row in slice_]
    except slices.NotInSlices:
        return
    assert {**head, "versions": rows} == orjson.loads(text)


def test_a_page_as_it_comes_is_cut() -> None:
    rows = [{"version_id": number, "parameter": [{"label": "},{"}], "status": 8} for number in range(2000)]
    text = orjson.dumps({"is_success": True, "versions": rows, "job_name": "x"})
    head, some = slices.in_slices(text, "versions")
    pieces = list(some)
    assert [row for piece in pieces for row in piece] == rows
    assert len(pieces) > 2
    assert head == {"is_success": True, "versions": [], "job_name": "x"}


@pytest.mark.usefixtures("thin_slices")
@given(st.lists(_row, max_size=30), st.lists(_row, max_size=30), st.booleans())
@example([{"version_id": 0, "status": "8"}], [{"version_id": 0}, {"version_id": 0, "status": "8"}], False)
def test_a_page_read_beside_an_older_one_has_the_same_states_and_the_rows_that_changed(
    before: list[Any], now: list[Any], spaced: bool
) -> None:
    def text(rows: list[Any]) -> bytes:
        return json.dumps({"versions": rows}, separators=None if spaced else (",", ":")).encode()

    known = call().read(Response(200, {}, text(before))).without_rows()
    fresh = call().read(Response(200, {}, text(now)))
    again = call(known).read(Response(200, {}, text(now)))
    assert again.states == fresh.states
    changed = {number for number, state in fresh.states.items() if known.states.get(number) != state}
    assert changed <= again.rows.keys() <= fresh.rows.keys()
    assert all(again.rows[number] == fresh.rows[number] for number in again.rows)
    assert (again.count, again.total) == (fresh.count, fresh.total)


def test_the_same_answer_is_the_same_page_unless_it_is_refused() -> None:
    body = orjson.dumps({"versions": [{"version_id": 1, "status": 8}]})
    known = call().read(Response(200, {}, body)).without_rows()
    assert call(known).read(Response(200, {}, body)) is known
    with pytest.raises(ApiError):
        call(known).read(Response(500, {}, body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"is_success":false,"error_code":"ModelArts.0104","versions":[{"version_id":1,"status":8}]}',
        b'{"versions":{"version_id":1}}',
        b'{"versions":[{"version_id":1,"status":8}',
        b"",
    ],
)
def test_what_is_no_page_is_an_error_however_it_is_read(body: bytes) -> None:
    with pytest.raises((ApiError, DecodeError)):
        call().read(Response(200, {}, body))


@pytest.mark.looptime
async def test_a_state_that_a_stale_page_denies_is_asked_for_by_itself() -> None:
    service = Service()
    stale = answer({"versions": [{"version_id": number, "status": 8} for number in range(9, 0, -1)]})
    service.overrides["versions"] = lambda _: stale
    for number in range(1, 10):
        service.add(5, number, 8)
    async with session_on(service.transport, poll_s=1) as session:
        handles = [TrainingJob.attach(session, 5, number) for number in range(1, 10)]
        waits = [asyncio.ensure_future(handle.ended()) for handle in handles]
        await asyncio.sleep(30)
        # What is left is few enough to be read singly, so that page and single read disagree.
        for wait in waits[3:]:
            wait.cancel()
        service.status[5, 1] = 15
        await asyncio.sleep(30)
        joined = [asyncio.ensure_future(handle.ended()) for handle in handles[3:]]
        await asyncio.sleep(30)
        for number in range(1, 10):
            service.status[5, number] = 10
        service.overrides.clear()
        details = await asyncio.gather(*waits[:3], *joined)
        assert {detail.status for detail in details} == {JobStatus.COMPLETED}
        await asyncio.gather(*waits, return_exceptions=True)


@pytest.mark.looptime
async def test_an_end_on_a_page_that_was_seen_before_comes_with_its_row() -> None:
    service = Service()
    for number in range(1, 21):
        service.add(5, number, 8)
    async with session_on(service.transport, poll_s=1) as session:
        handles = [TrainingJob.attach(session, 5, number) for number in range(1, 21)]
        everything = asyncio.ensure_future(session.wait_all(handles))
        await asyncio.sleep(10)
        for number in range(1, 21):
            await asyncio.sleep(0.7)
            service.status[5, number] = 11
        details = await everything
    assert {(detail.status.outcome, detail.log_url) for detail in details} == {(Outcome.FAILED, "/bucket/log/")}
    assert service.counts["version"] <= 6


@pytest.mark.looptime
async def test_a_thousand_ends_leave_room_for_others_in_between() -> None:
    service = Service()
    for number in range(1, 1001):
        service.add(5, number, 8)
    turns = 0
    ended: list[int] = []

    async def other() -> None:
        nonlocal turns
        while len(ended) < 1000:
            turns += 1
            await asyncio.sleep(0)

    async with session_on(service.transport, poll_s=1) as session, asyncio.TaskGroup() as group:

        async def wait(number: int) -> None:
            await TrainingJob.attach(session, 5, number).ended()
            ended.append(number)
            if len(ended) == 1:
                group.create_task(other())

        for number in range(1, 1001):
            group.create_task(wait(number))
        await asyncio.sleep(10)
        for number in range(1, 1001):
            service.status[5, number] = 10
    assert turns >= 10
