"""A session on a service of the tests, in virtual time."""

from collections.abc import AsyncIterator

import pytest

from aiomodelarts import AsyncSession
from tests.support.fakes import Service, session_on


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def session(service: Service) -> AsyncIterator[AsyncSession]:
    async with session_on(service.transport) as session:
        yield session
