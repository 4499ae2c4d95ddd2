"""``timeout_s`` wherever it is taken: what is no time is told before anything is sent."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aiomodelarts import AsyncSession, AsyncVisualizationJob, InvalidArgument, TrainingJob, WaitTimeout
from tests.support.fakes import Service, session_on

pytestmark = pytest.mark.looptime


def _version(session: AsyncSession) -> TrainingJob:
    return TrainingJob.attach(session, 5, 1)


async def _first(session: AsyncSession, timeout_s: Any) -> object:
    return await anext(session.as_completed([_version(session)], timeout_s=timeout_s))


Verb = Callable[[AsyncSession, Any], Awaitable[object]]
VERBS: dict[str, Verb] = {
    "wait": lambda session, limit: _version(session).wait(timeout_s=limit),
    "ended": lambda session, limit: _version(session).ended(timeout_s=limit),
    "stop": lambda session, limit: _version(session).stop(wait=True, timeout_s=limit),
    "delete": lambda session, limit: _version(session).delete(wait=True, timeout_s=limit),
    "delete_job": lambda session, limit: _version(session).delete_job(wait=True, timeout_s=limit),
    "wait_all": lambda session, limit: session.wait_all([_version(session)], timeout_s=limit),
    "as_completed": _first,
    "board ready": lambda session, limit: AsyncVisualizationJob(session, 3).ready(timeout_s=limit),
    "board stop": lambda session, limit: AsyncVisualizationJob(session, 3).stop_visualization_job(
        wait=True, timeout_s=limit
    ),
    "board delete": lambda session, limit: AsyncVisualizationJob(session, 3).delete_visualization_job(
        wait=True, timeout_s=limit
    ),
}


@pytest.mark.parametrize("limit", [-1, -0.5, float("nan"), float("inf"), "60", True, [1]])
@pytest.mark.parametrize("verb", VERBS)
async def test_what_is_no_time_is_told_before_anything_is_sent(verb: str, limit: object) -> None:
    service = Service()
    async with session_on(service.transport) as session:
        with pytest.raises(InvalidArgument, match="timeout_s"):
            await VERBS[verb](session, limit)
    assert not service.transport.sent


@pytest.mark.parametrize("verb", ["wait", "ended", "wait_all", "as_completed"])
async def test_no_time_at_all_is_a_limit_too(verb: str) -> None:
    service = Service()
    service.add(5, 1)
    async with session_on(service.transport) as session:
        with pytest.raises(WaitTimeout, match="within 0 s"):
            await VERBS[verb](session, 0)


async def test_none_is_no_limit() -> None:
    service = Service()
    service.add(5, 1, 10)
    async with session_on(service.transport) as session:
        assert (await _version(session).wait(timeout_s=None)).status.name == "COMPLETED"
