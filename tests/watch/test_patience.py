"""What is endured, and for how long: versions that are lost or unclear."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from aiomodelarts import (
    AsyncSession,
    JobStatus,
    Patience,
    StateUnclear,
    TrainingFailed,
    WaitTimeout,
)
from tests.support.fakes import Service, session_on
from tests.watch.versions import passes_through, version

pytestmark = pytest.mark.looptime


@pytest.fixture
async def session(service: Service) -> AsyncIterator[AsyncSession]:
    async with session_on(service.transport, patience=Patience(lost_s=30, unknown_s=60)) as session:
        yield session


async def test_unknown_is_endured_for_its_time_and_then_told(session: AsyncSession, service: Service) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(StateUnclear, match=r"UNKNOWN \(0\)") as caught:
        await version(session, service, 1, 0).wait()
    assert isinstance(caught.value, WaitTimeout)
    assert 60 <= loop.time() - began <= 66


async def test_unknown_that_passes_is_forgotten(session: AsyncSession, service: Service) -> None:
    handle = version(session, service, 1, 0)
    moving = asyncio.ensure_future(passes_through(service, 1, 8, 0, 8, 0, 10, every_s=50))
    assert (await handle.wait()).status is JobStatus.COMPLETED
    await moving


async def test_lost_counts_after_its_time_only(session: AsyncSession, service: Service) -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(TrainingFailed, match="LOST"):
        await version(session, service, 1, 14).wait()
    assert asyncio.get_running_loop().time() - began >= 30
