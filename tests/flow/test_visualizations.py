"""Visualization jobs: made, waited for, stopped, restarted, removed."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from aiomodelarts import (
    AlreadyExists,
    AsyncSession,
    AsyncVisualizationJob,
    Cadence,
    CreateOutcomeUnknown,
    InvalidArgument,
    JobStatus,
    NoCapacity,
    NotFound,
    SettlePolicy,
    VisualizationFailed,
    WaitTimeout,
    WrongState,
)
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import FakeTransport, answer, refusal, session_on

QUICK = Cadence(min_s=0.001, max_s=0.005)
OUTPUT = "/bucket/output/"


@pytest.fixture(params=["tidy", "varied:5"])
async def board(request: pytest.FixtureRequest) -> AsyncIterator[AsyncVisualizationJob]:
    async with AsyncSession.local(executor="simulated", answers=request.param, cadence=QUICK) as session:
        yield await AsyncVisualizationJob(session).create_visualization_job(OUTPUT, "board", "to look at")


async def test_it_is_ready_when_it_runs_and_has_an_address(board: AsyncVisualizationJob) -> None:
    assert board.last_info is not None
    assert board.last_info.status is not JobStatus.RUNNING
    info = await board.ready()
    assert info.status is JobStatus.RUNNING
    assert (info.service_url or "").startswith("http")
    assert (info.job_name, info.job_desc, info.train_url) == ("board", "to look at", OUTPUT)


async def test_it_is_stopped_twice_restarted_and_removed(board: AsyncVisualizationJob) -> None:
    await board.ready()
    with pytest.raises(WrongState):
        await board.restart_visualization_job()
    await board.stop_visualization_job()
    with pytest.raises(WrongState):
        await board.delete_visualization_job()
    await board.stop_visualization_job(wait=True)
    await board.stop_visualization_job()
    assert (await board.get_visualization_job_info()).status is JobStatus.KILLED
    with pytest.raises(VisualizationFailed, match="KILLED"):
        await board.ready()
    await board.restart_visualization_job()
    await board.ready()
    await board.delete_visualization_job(wait=True)
    await board.delete_visualization_job(wait=True)
    with pytest.raises(NotFound):
        await board.delete_visualization_job()


async def test_names_are_unique_made_up_and_paged(board: AsyncVisualizationJob) -> None:
    """Finding 56."""
    session = board.session
    maker = AsyncVisualizationJob(session)
    with pytest.raises(AlreadyExists):
        await maker.create_visualization_job(OUTPUT, job_name="board")
    made = [await maker.create_visualization_job(OUTPUT) for _ in range(5)]
    rows = [row async for row in AsyncVisualizationJob.iter_visualization_jobs(session)]
    assert {row.visualization_id for row in rows} == {one.visualization_id for one in [board, *made]}
    assert max(len(row.job_name or "") for row in rows) <= 20
    page = await AsyncVisualizationJob.get_visualization_job_list(session, per_page=4, page=2, sort_by="create_time")
    assert [row.job_id for row in page.jobs] == [one.visualization_id for one in made[-2:]]


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"job_name": "x" * 21}, "job_name"),
        ({"job_name": "board\n"}, "job_name"),
        ({"job_name": "b\u00f6rd"}, "job_name"),
        ({"job_name": ""}, "job_name"),
        ({"job_desc": "x" * 257}, "job_desc"),
        ({"job_desc": None}, "job_desc"),
        ({"train_url": "output"}, "train_url"),
        ({"train_url": "/bucket/../x/"}, "train_url"),
        ({"job_type": "tensorbord"}, "job_type"),
        ({"flavor": ""}, "flavor"),
        ({"flavor": 7}, "flavor"),
        ({"flavor": "\ud800"}, "flavor"),
        ({"stop_after_h": 0}, "stop_after_h"),
        ({"stop_after_h": 25}, "stop_after_h"),
        ({"stop_after_h": 1.5}, "stop_after_h"),
        ({"stop_after_h": True}, "stop_after_h"),
    ],
)
async def test_what_would_be_refused_is_told_before(given: dict[str, Any], argument: str) -> None:
    """Findings 56 and 57."""
    async with session_on(FakeTransport(lambda _: pytest.fail("nothing may be sent"))) as session:
        with pytest.raises(InvalidArgument) as caught:
            await AsyncVisualizationJob(session).create_visualization_job(**{"train_url": OUTPUT, **given})
        assert caught.value.argument == argument
        with pytest.raises(InvalidArgument, match="visualization_id"):
            await AsyncVisualizationJob(session).ready()


async def test_the_body_has_the_narrow_forms() -> None:
    """Findings 57 and 58: an object, and lower case; what is not asked for is left out."""
    transport = FakeTransport(lambda _: answer({"job_id": "197", "status": "1", "create_time": "1524189990635"}))
    async with session_on(transport) as session:
        maker = AsyncVisualizationJob(session)
        made = await maker.create_visualization_job("obs://bucket/output", "b", job_type="MindInsight", stop_after_h=2)
        await maker.create_visualization_job(OUTPUT, "c", flavor="code")
    assert made.visualization_id == made.job_id == 197, "findings 26 and 82"
    assert [orjson.loads(request.body) for request in transport.sent] == [
        {
            "job_name": "b",
            "job_desc": "",
            "train_url": OUTPUT,
            "job_type": "mindinsight",
            "schedule": {"type": "stop", "time_unit": "HOURS", "duration": 2},
        },
        {"job_name": "c", "job_desc": "", "train_url": OUTPUT, "flavor": {"code": "code"}},
    ]


def boards(*statuses: tuple[int, str | None]) -> FakeTransport:
    left = list(statuses)

    def handle(_: Request) -> Response:
        status, url = left.pop(0) if len(left) > 1 else left[0]
        return answer({"job_id": 7, "status": status, "service_url": url})

    return FakeTransport(handle)


async def test_an_address_in_the_queue_is_not_taken_for_a_board_that_answers() -> None:
    """Finding 83."""
    transport = boards((7, "https://early/"), (8, None), (8, "https://ready/"))
    async with session_on(transport, cadence=QUICK) as session:
        assert (await AsyncVisualizationJob(session, 7).ready()).service_url == "https://ready/"
    assert len(transport.sent) == 3


async def test_a_board_that_never_comes_ends_the_wait_at_the_limit() -> None:
    async with session_on(boards((7, None)), cadence=QUICK) as session:
        with pytest.raises(WaitTimeout):
            await AsyncVisualizationJob(session, "7").ready(timeout_s=0.05)


@pytest.mark.parametrize("workspace_id", [None, "other"])
@pytest.mark.parametrize(
    ("fault", "made"),
    [
        ({"kind": "reset_after"}, True),
        ({"kind": "truncate"}, True),
        ({"kind": "late_commit", "seconds": 0.02}, True),
        ({"kind": "reset_before"}, False),
        ({"kind": "status", "code": 500}, False),
    ],
    ids=lambda fault: fault["kind"] if isinstance(fault, dict) else None,
)
async def test_a_creation_whose_answer_was_lost_is_looked_for_and_never_repeated(
    fault: dict[str, Any], made: bool, workspace_id: str | None
) -> None:
    rule = {"match": {"method": "POST", "path": "visualization-jobs$"}, "fault": fault}
    policy = SettlePolicy(quiet_window_s=10 if made else 0.2)
    options: Any = {"executor": "simulated", "cadence": QUICK, "settle": policy}
    async with AsyncSession.local(faults=[{**rule, "count": 1}], workspace_id=workspace_id, **options) as session:
        viewers = AsyncVisualizationJob(session)
        if made:
            board = await viewers.create_visualization_job(OUTPUT, "board", "mine")
            assert (await board.ready()).train_url == OUTPUT
        else:
            with pytest.raises(CreateOutcomeUnknown, match="visualization job board"):
                await viewers.create_visualization_job(OUTPUT, "board", "mine")
        await viewers.create_visualization_job(OUTPUT, "last")
        names = [row.job_name async for row in AsyncVisualizationJob.iter_visualization_jobs(session)]
    if workspace_id is None:
        assert names == (["board", "last"] if made else ["last"])


async def test_where_there_is_no_room_the_error_says_so() -> None:
    full = FakeTransport(
        lambda request: refusal("ModelArts.6200", 500) if request.method == "POST" else answer({"jobs": []})
    )
    async with session_on(full, cadence=QUICK, settle=SettlePolicy(quiet_window_s=0.02)) as session:
        with pytest.raises(NoCapacity):
            await AsyncVisualizationJob(session).create_visualization_job(OUTPUT, "board")
    assert [request.method for request in full.sent].count("POST") == 1


async def test_a_list_that_lags_is_read_again_until_it_shows_the_lost_one() -> None:
    lost = {"match": {"method": "POST", "path": "visualization-jobs$"}, "count": 1, "fault": {"kind": "reset_after"}}
    late = {"match": {"path": "visualization-jobs$"}, "fault": {"kind": "stale_list", "seconds": 0.2}}
    policy = SettlePolicy(quiet_window_s=5)
    async with AsyncSession.local(executor="simulated", faults=[lost, late], cadence=QUICK, settle=policy) as session:
        board = await AsyncVisualizationJob(session).create_visualization_job(OUTPUT, "board")
        assert (await board.ready()).job_name == "board"


@pytest.mark.parametrize(
    "row",
    [
        {"job_name": "board2"},
        {"train_url": "/bucket/elsewhere/"},
        {"job_desc": "theirs"},
        {"status": 12},
    ],
    ids=str,
)
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside it"])
async def test_what_only_looks_like_the_lost_one_is_not_taken_for_it(row: dict[str, Any], beside: bool) -> None:
    ours = {"job_id": 7, "status": 8, "job_name": "board", "train_url": "/bucket/output", "job_desc": None}
    listed = [{**ours, "job_id": 9, **row}, *([ours] if beside else ())]

    def handle(request: Request) -> Response:
        return refusal("ModelArts.6102", 500) if request.method == "POST" else answer({"jobs": listed})

    policy = SettlePolicy(quiet_window_s=10 if beside else 0.02)
    async with session_on(FakeTransport(handle), cadence=QUICK, settle=policy) as session:
        creating = AsyncVisualizationJob(session).create_visualization_job(OUTPUT, "board")
        if beside:
            assert (await creating).visualization_id == 7
        else:
            with pytest.raises(CreateOutcomeUnknown, match="visualization job board"):
                await creating
