"""Platforms for these tests."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aiomodelarts.local import LocalPlatform
from tests.local.caller import Caller, calling


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[LocalPlatform]:
    """A platform that runs scripts, two at a time."""
    async with LocalPlatform(tmp_path, slots=2, grace_s=0.3) as running:
        yield running


@pytest.fixture
async def simulated() -> AsyncIterator[LocalPlatform]:
    """A platform whose versions end at once."""
    async with LocalPlatform(executor="simulated", simulate="duration=0,log_lines=5") as running:
        yield running


@pytest.fixture
async def caller(platform: LocalPlatform) -> AsyncIterator[Caller]:
    async with calling(platform) as client:
        yield client


@pytest.fixture
async def simulated_caller(simulated: LocalPlatform) -> AsyncIterator[Caller]:
    async with calling(simulated) as client:
        yield client


@pytest.fixture
def in_thread():
    """Runs a blocking function off the loop."""
    return asyncio.to_thread
