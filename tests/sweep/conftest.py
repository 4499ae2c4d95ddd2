"""A database server of our own, ledgers on it and on SQLite, and a session on a platform."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from aiomodelarts import AsyncSession
from tests.support.platform import put_script
from tests.support.postgres import server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server on a Unix socket."""
    with server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/sweep.sqlite"
    url: str = request.getfixturevalue("postgres")
    return url


@pytest.fixture
def name(tmp_path: Path) -> str:
    """One database serves many tests, so each has a sweep of its own."""
    return tmp_path.name[:180]


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[AsyncSession]:
    options = {"executor": "simulated", "simulate": "duration=0.05..0.1,metric=accuracy"}
    async with AsyncSession.local(tmp_path / "platform", **options) as session:
        await asyncio.to_thread(put_script, session.platform)
        await asyncio.to_thread(put_script, session.platform, "", "1.csv", "bucket/data")
        yield session
