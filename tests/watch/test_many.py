"""Waiting for many at once: ``as_completed`` and ``wait_all``."""

import asyncio

import pytest

from aiomodelarts import (
    AsyncSession,
    WaitTimeout,
)
from tests.support.fakes import Service
from tests.watch.versions import ends, version

pytestmark = pytest.mark.looptime


async def test_as_completed_gives_each_handle_once_in_the_order_of_their_ends(
    session: AsyncSession, service: Service
) -> None:
    handles = [version(session, service, number) for number in (1, 2, 3, 4, 5)]
    order = [4, 1, 5, 3, 2]
    ending = [asyncio.ensure_future(ends(service, 60 * place, number)) for place, number in enumerate(order, 1)]
    assert [done.version_id async for done in session.as_completed(handles)] == order
    await asyncio.gather(*ending)


async def test_leaving_as_completed_early_leaves_nothing_running(session: AsyncSession, service: Service) -> None:
    handles = [version(session, service, number) for number in (1, 2, 3)]
    service.status[5, 2] = 11
    iterator = session.as_completed(handles)
    assert (await anext(iterator)).version_id == 2
    await iterator.aclose()
    assert len(asyncio.all_tasks()) <= 2 + 1


async def test_as_completed_has_one_limit_for_all(session: AsyncSession, service: Service) -> None:
    handles = [version(session, service, 1, 10), version(session, service, 2)]
    seen = []
    with pytest.raises(WaitTimeout):
        async for done in session.as_completed(handles, timeout_s=30):
            seen.append(done.version_id)
    assert seen == [1]


async def test_wait_all_has_one_limit_for_all_also_under_a_bound(session: AsyncSession, service: Service) -> None:
    handles = [version(session, service, number) for number in range(20)]
    loop = asyncio.get_running_loop()
    before = loop.time()
    with pytest.raises(WaitTimeout):
        await session.wait_all(handles, timeout_s=30, max_concurrency=2)
    assert loop.time() - before == pytest.approx(30)


async def test_as_completed_and_wait_all_of_nothing(session: AsyncSession) -> None:
    assert [done async for done in session.as_completed([])] == []
    assert await session.wait_all([]) == []
