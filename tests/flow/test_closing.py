"""Closing while calls are under way, also when it is cancelled itself: nobody is left waiting, and nothing goes on."""

import asyncio
from typing import Any

import pytest

from aiomodelarts import CreateOutcomeUnknown, SessionClosed, TrainingJob
from aiomodelarts._create.made import Pending
from aiomodelarts._wire.message import Request, Response
from tests.support.fakes import Service, estimator_on, refusal, session_on

pytestmark = pytest.mark.looptime
DATA = "/bucket/data/"


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _ends(*tasks: "asyncio.Future[Any]") -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("turns", range(6))
async def test_closing_cancels_no_create_however_far_it_has_come(turns: int) -> None:
    service = Service()
    session = session_on(service.transport)
    estimator = estimator_on(session)
    await estimator.resolved()
    creating = asyncio.ensure_future(estimator.create_job_version(7, 5, DATA))
    for _ in range(turns):
        await asyncio.sleep(0)
    await session.close()
    (ended,) = await _ends(creating)
    assert isinstance(ended, SessionClosed | TrainingJob)


async def test_whoever_closes_a_second_time_waits_until_it_is_closed() -> None:
    service = Service()
    service.overrides["create_version"] = _never
    session = session_on(service.transport)
    creating = asyncio.ensure_future(estimator_on(session).create_job_version(7, 5, DATA))
    await asyncio.sleep(1)
    closing = asyncio.ensure_future(session.close())
    await asyncio.sleep(0)
    await session.close()
    assert service.transport.closed
    await _ends(closing, creating)


async def _never(_: Request) -> Response:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


async def _busy(service: Service) -> tuple[Any, list["asyncio.Future[Any]"]]:
    """A session with a create that is not answered, one whose answer was lost, an intent that is settled, waits,
    updates, events, and a stop that nobody waits for."""

    async def unclear(request: Request) -> Response:
        if len(service.bodies) % 2:
            return await _never(request)
        service.bodies.append({})
        return refusal("ModelArts.4302", status=500)

    service.add(7, 1)
    session = session_on(service.transport)
    estimator = estimator_on(session)
    made = await estimator.create_job_version(7, 1, DATA)
    service.overrides["create_version"] = unclear
    service.overrides["stop"] = _never
    spec = made.spec
    assert spec is not None

    async def told() -> None:
        async for _ in session.events():
            pass

    async def seen() -> None:
        async for _ in made.updates():
            pass

    tasks = [
        asyncio.ensure_future(estimator.create_job_version(7, 1, DATA, output_path="/bucket/a/")),
        asyncio.ensure_future(estimator.create_job_version(7, 1, DATA, output_path="/bucket/b/")),
        asyncio.ensure_future(session.settle(Pending(spec=spec, after_version_id=made.version_id))),
        asyncio.ensure_future(made.wait()),
        asyncio.ensure_future(told()),
        asyncio.ensure_future(seen()),
    ]
    session.stop_aside(7, made.version_id)
    await asyncio.sleep(1)
    return session, tasks


async def test_closing_takes_no_more_than_five_seconds_whatever_hangs() -> None:
    session, tasks = await _busy(Service())
    began = _now()
    await session.close()
    assert _now() - began <= 5
    errors = await asyncio.wait_for(_ends(*tasks), 1)
    assert all(isinstance(error, SessionClosed | CreateOutcomeUnknown) for error in errors), errors


@pytest.mark.parametrize("first_s", [0.0, 0.01, 1.0, 2.5, 3.9])
@pytest.mark.parametrize("again", [0, 1, 2])
async def test_closing_that_is_cancelled_leaves_nothing_either(first_s: float, again: int) -> None:
    service = Service()
    session, tasks = await _busy(service)
    closing = asyncio.ensure_future(session.close())
    await asyncio.sleep(first_s)
    closing.cancel()
    for _ in range(again):
        await asyncio.sleep(0)
        closing.cancel()
    (ended,) = await asyncio.wait_for(_ends(closing), 1)
    assert isinstance(ended, asyncio.CancelledError)
    errors = await asyncio.wait_for(_ends(*tasks), 1)
    assert all(isinstance(error, SessionClosed | CreateOutcomeUnknown) for error in errors), errors
    assert service.transport.closed


async def test_after_closing_nothing_is_settled() -> None:
    service = Service()
    session = session_on(service.transport)
    version = await estimator_on(session).create_job_version(7, 5, DATA)
    await session.close()
    assert version.spec is not None
    began = _now()
    with pytest.raises(SessionClosed):
        await session.settle(Pending(spec=version.spec))
    assert _now() == began


async def test_a_session_that_was_never_asked_anything_closes() -> None:
    session = session_on(Service().transport)
    await session.close()
    await session.close()
