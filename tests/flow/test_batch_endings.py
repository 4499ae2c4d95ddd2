"""A batch that is cancelled, or whose session is closed, in mid-flight: what exists, and what may, is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from aiomodelarts import AsyncSession, BatchFailed, Result, SessionClosed, SettlePolicy
from aiomodelarts._wire.message import Request, Response
from aiomodelarts.batch import Batch
from tests.support.fakes import Service, answer, estimator_on, session_on

pytestmark = pytest.mark.looptime


class Slow(Service):
    """A service whose creates are answered after a while, or never."""

    def __init__(self, answers_after_s: float | None) -> None:
        super().__init__()
        self._after_s = answers_after_s
        self.overrides["create_version"] = self._later

    def _later(self, request: Request) -> Awaitable[Response]:
        return self._answered(request)

    async def _answered(self, request: Request) -> Response:
        if self._after_s is None:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(self._after_s or 0.0)
        self._next += 1
        return answer({"is_success": True, "job_id": 7, "version_id": self._next})


Starts = Callable[..., tuple[AsyncSession, Service, Batch]]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Starts]:
    sessions: list[AsyncSession] = []

    def started(answers_after_s: float | None, **options: Any) -> tuple[AsyncSession, Service, Batch]:
        service = Slow(answers_after_s)
        sessions.append(session_on(service.transport, **options))
        estimator = estimator_on(sessions[-1])
        batch = estimator.create_job_versions(
            7, 5, "/bucket/data/", each=[{"output_path": f"/bucket/out/{i}/"} for i in range(9)], max_concurrency=3
        )
        return sessions[-1], service, batch

    yield started
    for session in sessions:
        await session.close()


def _results(batch: Batch) -> list[Result]:
    return [outcome.result for outcome in batch.outcomes]


async def _begun(batch: Batch) -> "asyncio.Task[object]":
    async def whole() -> object:
        return await batch

    task = asyncio.create_task(whole())
    await asyncio.sleep(0.5)
    return task


async def test_cancelled_in_time_what_was_under_way_is_made_and_nothing_more_is_sent(start: Starts) -> None:
    session, service, batch = start(1.0)
    task = await _begun(batch)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _results(batch) == [Result.MADE] * 3 + [Result.NOT_SENT] * 6
    assert service.counts["create_version"] == 3
    assert session.left_behind == ()


@pytest.mark.parametrize("settle", [SettlePolicy(), SettlePolicy(grace_s=7.0)])
async def test_cancelled_without_an_answer_it_ends_after_the_grace_and_says_what_may_exist(
    start: Starts, settle: SettlePolicy
) -> None:
    session, _, batch = start(None, settle=settle)
    task = await _begun(batch)
    began = asyncio.get_running_loop().time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.get_running_loop().time() - began == pytest.approx(settle.grace_s, abs=0.1)
    assert _results(batch) == [Result.UNKNOWN] * 3 + [Result.NOT_SENT] * 6
    paths = {left.pending.spec.output_path for left in session.left_behind}
    assert paths == {f"/bucket/out/{number}/" for number in range(3)}


@pytest.mark.parametrize(("answers_after_s", "under_way"), [(1.0, Result.MADE), (None, Result.UNKNOWN)])
async def test_closing_the_session_lets_the_creates_under_way_end(
    start: Starts, answers_after_s: float | None, under_way: Result
) -> None:
    session, service, batch = start(answers_after_s)
    task = await _begun(batch)
    await session.close()
    with pytest.raises(BatchFailed):
        await task
    assert _results(batch)[:3] == [under_way] * 3
    assert service.counts["create_version"] == 3


async def test_closing_the_session_before_a_creates_first_step_is_no_cancellation() -> None:
    service = Slow(0.0)
    session = session_on(service.transport)
    estimator = estimator_on(session)
    await estimator.create_job_version(7, 5, "/bucket/data/")
    task = asyncio.create_task(estimator.create_job_version(7, 5, "/bucket/data/"))
    # The create is under way now, and has not done its first step.
    await asyncio.sleep(0)
    await session.close()
    with pytest.raises(SessionClosed):
        await task
    assert service.counts["create_version"] == 1
