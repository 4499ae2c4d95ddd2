"""Versions whose state a test sets."""

import asyncio

from aiomodelarts import AsyncSession, TrainingJob
from tests.support.fakes import Service


def version(session: AsyncSession, service: Service, number: int, status: int | str = 8, job: int = 5) -> TrainingJob:
    """A version in this state."""
    service.add(job, number, status)
    return TrainingJob.attach(session, job, number)


async def ends(service: Service, after_s: float, number: int, status: int | str = 10, job: int = 5) -> None:
    """Let a version come to its end, after a while."""
    await asyncio.sleep(after_s)
    service.status[job, number] = status


async def passes_through(service: Service, number: int, *states: int, every_s: float = 30) -> None:
    """Let a version of job 5 have one state after the other."""
    for status in states:
        await asyncio.sleep(every_s)
        service.status[5, number] = status
