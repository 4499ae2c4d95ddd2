"""A batch that is cancelled, or whose session is closed, in mid-flight: what exists, and what may, is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from aiomodelarts import (
    AsyncSession,
    BatchFailed,
    ConnectionBroken,
    CreateOutcomeUnknown,
    Limits,
    Result,
    SessionClosed,
    SettlePolicy,
)
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
    assert asyncio.get_running_loop().time() - began == pytest.approx(2.0 + settle.grace_s, abs=0.1)
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


class Mute(Service):
    """Makes what it is asked for, and lets nobody know but those who list."""

    def __init__(self) -> None:
        super().__init__()
        self.overrides["create_version"] = self._in_silence

    async def _in_silence(self, request: Request) -> Response:
        if request.headers:
            self._made(request, 7)
            await asyncio.get_running_loop().create_future()
        raise AssertionError

    def row(self, job_id: int, version_id: int) -> dict[str, Any]:
        config = self.bodies[version_id - 101]["config"]
        return {**super().row(job_id, version_id), "train_url": config["train_url"]}


async def _given_up(batch: Batch) -> None:
    task = await _begun(batch)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("key", [None, "mine"])
async def test_what_a_cancelled_batch_may_have_made_can_be_settled(key: str | None) -> None:
    service = Mute()
    async with session_on(service.transport) as session:
        element = {"output_path": "/bucket/out/1/", **({} if key is None else {"intent_id": key})}
        estimator = estimator_on(session)
        batch = estimator.create_job_versions(7, 5, "/bucket/data/", each=[element])
        await _given_up(batch)
        (outcome,) = batch.outcomes
        assert outcome.result is Result.UNKNOWN
        assert isinstance(outcome.error, CreateOutcomeUnknown)
        version = await outcome.error.intent.settle()
        assert version is not None
        assert version.version_id == 101
        assert session.left_behind == ()
        if key is not None:
            again = await estimator.create_job_version(7, 5, "/bucket/data/", **element)
            assert again.version_id == 101
        assert len(service.bodies) == 1


async def test_a_cancelled_batch_holds_what_was_answered_too_late_for_it(start: Starts) -> None:
    session, _, batch = start(3.0)
    await _given_up(batch)
    assert _results(batch) == [Result.MADE] * 3 + [Result.NOT_SENT] * 6
    assert {version.version_id for version in batch.versions} == {101, 102, 103}
    assert session.left_behind == ()


async def test_a_cancelled_batch_knows_what_has_not_left() -> None:
    service = Slow(None)
    async with session_on(service.transport, limits=Limits(in_flight=1)) as session:
        each = [{"output_path": f"/bucket/out/{i}/"} for i in range(3)]
        batch = estimator_on(session).create_job_versions(7, 5, "/bucket/data/", each=each)
        await _given_up(batch)
        assert sorted(result.value for result in _results(batch)) == ["not sent", "not sent", "unknown"]


async def test_closing_ends_what_a_batch_has_under_way_with_what_that_means() -> None:
    service = Slow(None)
    session = session_on(service.transport, limits=Limits(in_flight=1))
    each = [{"output_path": f"/bucket/out/{i}/"} for i in range(3)]
    batch = estimator_on(session).create_job_versions(7, 5, "/bucket/data/", each=each, max_concurrency=2)
    task = await _begun(batch)
    await session.close()
    with pytest.raises(BatchFailed):
        await task
    assert _results(batch) == [Result.UNKNOWN, Result.NOT_SENT, Result.NOT_SENT]
    began, waited, _ = batch.outcomes
    assert "the session was closed" in str(began.error)
    assert isinstance(waited.error, SessionClosed)
    # They were told, so nothing was left for others to find.
    assert session.left_behind == ()


class LosesTheSecond(Mute):
    """Makes what it is asked for; the second answer is lost."""

    async def _in_silence(self, request: Request) -> Response:
        made = self._made(request, 7)
        if len(self.bodies) == 2:
            raise ConnectionBroken("lost")
        return made


async def test_a_create_that_was_answered_explains_no_later_row_of_an_equal_intent() -> None:
    service = LosesTheSecond()
    async with session_on(service.transport) as session:
        estimator = estimator_on(session)
        first = await estimator.create_job_version(7, 5, "/bucket/data/")
        began = asyncio.get_running_loop().time()
        second = await estimator.create_job_version(7, 5, "/bucket/data/")
        # As long as the first were taken to be under way, the row would be held back until the quiet window is over.
        assert asyncio.get_running_loop().time() - began < SettlePolicy().quiet_window_s / 3
        assert (second.origin, second.version_id) == ("adopted", first.version_id + 1)
