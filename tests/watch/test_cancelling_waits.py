"""A wait that is cancelled, that has a limit or whose version is gone: what becomes of the others."""

import asyncio

import pytest

from aiomodelarts import (
    AsyncSession,
    VersionGone,
    WaitTimeout,
)
from tests.support.fakes import Service, refusal
from tests.watch.versions import version

pytestmark = pytest.mark.looptime


@pytest.mark.parametrize("stop", [True, False])
async def test_cancelling_stops_the_version_only_when_asked_to(
    session: AsyncSession, service: Service, stop: bool
) -> None:
    async def slow(request):  # type: ignore[no-untyped-def]
        await asyncio.sleep(3)
        return service._stop(request, 5, 1)

    service.overrides["stop"] = slow
    wait = asyncio.ensure_future(version(session, service, 1).wait(stop_on_cancel=stop))
    await asyncio.sleep(10)
    began = asyncio.get_running_loop().time()
    wait.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait
    assert asyncio.get_running_loop().time() - began <= 0.1
    await session.close()
    assert service.status[5, 1] == (12 if stop else 8)


async def test_a_stop_that_fails_is_logged_and_ends_nothing(
    session: AsyncSession, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.overrides["stop"] = lambda _: refusal("ModelArts.0206", 403)
    wait = asyncio.ensure_future(version(session, service, 1).wait(stop_on_cancel=True))
    await asyncio.sleep(10)
    wait.cancel()
    await asyncio.gather(wait, return_exceptions=True)
    await session.close()
    assert "ModelArts.0206" in caplog.text


@pytest.mark.parametrize("stop", [True, False])
async def test_cancelling_a_wait_for_many_stops_those_that_go_on_only_when_asked_to(
    session: AsyncSession, service: Service, stop: bool
) -> None:
    handles = [version(session, service, number) for number in range(1, 9)]
    everything = asyncio.ensure_future(session.wait_all(handles, stop_on_cancel=stop, max_concurrency=6))
    await asyncio.sleep(10)
    service.status[5, 1] = 10
    await asyncio.sleep(10)
    began = asyncio.get_running_loop().time()
    everything.cancel()
    with pytest.raises(asyncio.CancelledError):
        await everything
    assert asyncio.get_running_loop().time() - began <= 0.1
    await session.close()
    assert [service.status[5, number] for number in range(1, 9)] == [10, *[12 if stop else 8] * 7]


async def test_one_that_is_gone_is_named_and_the_rest_can_be_waited_for(
    session: AsyncSession, service: Service
) -> None:
    handles = [version(session, service, number) for number in range(1, 9)]
    everything = asyncio.ensure_future(session.wait_all(handles))
    await asyncio.sleep(20)
    del service.status[5, 3]
    with pytest.raises(VersionGone) as caught:
        await everything
    assert caught.value.where is not None
    rest = [handle for handle in handles if handle.version_id != caught.value.where.version_id]
    assert [handle.version_id for handle in rest] == [1, 2, 4, 5, 6, 7, 8]
    for handle in rest:
        service.status[5, handle.version_id] = 10
    assert len(await session.wait_all(rest)) == 7


async def test_a_limit_stops_nothing(session: AsyncSession, service: Service) -> None:
    with pytest.raises(WaitTimeout):
        await session.wait_all([version(session, service, 1)], timeout_s=5, stop_on_cancel=True)
    await session.close()
    assert service.counts["stop"] == 0
