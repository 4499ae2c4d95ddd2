"""Settling at one job's desk, step by step: what is found for one asker, and what becomes of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from aiomodelarts import ServiceTrouble, SettlePolicy
from aiomodelarts._create.desk import JobDesk
from aiomodelarts._create.made import Twin
from aiomodelarts.hyperparameters import Hyperparameters
from aiomodelarts.models.job import VersionInfo, VersionPage
from aiomodelarts.models.spec import Inputs, TrainingSpec
from tests.support.fakes import LoopClock

pytestmark = pytest.mark.looptime
SPEC = TrainingSpec(
    inputs=Inputs.of("/bucket/data/"),
    hyperparameters=Hyperparameters.of({}),
    output_path="/bucket/out/",
    config={},
    job_id=7,
    pre_version_id=5,
)


class Board:
    """One page of versions; stops are noted."""

    def __init__(self) -> None:
        self.rows: list[VersionInfo] = []
        self.stopped: list[int] = []
        self.busy = 0

    async def page(self, job_id: int, page: int, per_page: int) -> VersionPage:
        return VersionPage(versions=tuple(self.rows))

    async def version(self, job_id: int, version_id: int) -> VersionInfo:
        return next(row for row in self.rows if row.version_id == version_id)

    async def stop(self, job_id: int, version_id: int) -> None:
        if self.busy:
            self.busy -= 1
            raise ServiceTrouble("busy", status=503)
        self.stopped.append(version_id)

    def lands(self, version_id: int) -> None:
        self.rows.insert(0, VersionInfo(version_id=version_id, train_url="/bucket/out/"))


@pytest.fixture
def board() -> Board:
    return Board()


@pytest_asyncio.fixture
async def desk(board: Board) -> AsyncIterator[JobDesk]:
    twins: list[Twin] = []
    desk = JobDesk(7, board, LoopClock(), SettlePolicy(quiet_window_s=3.0), twins.append)
    yield desk
    await desk.close()


async def test_what_was_found_for_one_who_is_cancelled_then_is_found_again(
    desk: JobDesk, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = JobDesk.claim

    def cancelled_in_this_turn(self: JobDesk, version_id: int) -> bool:
        asyncio.get_running_loop().call_soon(asking.cancel)
        return claim(self, version_id)

    board.lands(9)
    asking = asyncio.ensure_future(desk.settled(SPEC, 0.0))
    with monkeypatch.context() as patched:
        patched.setattr(JobDesk, "claim", cancelled_in_this_turn)
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert await desk.settled(SPEC, 0.0) == 9


async def test_what_landed_late_and_was_kept_is_given_at_once_to_who_asks_again(desk: JobDesk, board: Board) -> None:
    desk.gave_up(SPEC, 0.0)
    desk.keep(SPEC, 0.0)
    board.lands(9)
    await asyncio.sleep(10)
    assert await desk.settled(SPEC, 0.0) == 9
    board.lands(10)
    await asyncio.sleep(10)
    assert board.stopped == [10]


async def test_a_twin_whose_stop_fails_is_stopped_later_and_told_only_then(desk: JobDesk, board: Board) -> None:
    desk.gave_up(SPEC, 0.0)
    board.lands(9)
    board.busy = 3
    async with asyncio.timeout(60):
        while board.busy:
            await asyncio.sleep(0.5)
    assert desk.watched == [SPEC]
    await asyncio.sleep(10)
    assert board.stopped == [9]
    assert desk.watched == []
