"""A platform for the engine that refuses, makes and ends versions as a test tells it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from types import SimpleNamespace
from typing import Any

from attrs import define, field

from aiomodelarts._clock import SystemClock
from aiomodelarts.errors import ModelArtsError, TrainingCancelled
from aiomodelarts.status import JobStatus
from aiomodelarts.sweep.trial import Trial
from aiomodelarts.sweep.versions import Version


class Hurried(SystemClock):
    """A clock on which a second of waiting takes a millisecond."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 1000)


@define
class Told:
    """A version that ends as it is told.

    Args:
        version_id: its id.
        ran_s: how long it says that it has run.
        error: how it ends, or None.
        until: what it waits for.
    """

    version_id: int
    ran_s: float = 60.0
    error: ModelArtsError | None = None
    until: asyncio.Event | None = None
    job_id: int = 7
    stopped: asyncio.Event = field(factory=asyncio.Event)

    async def wait(self) -> object:
        if self.until is not None:
            waits = [asyncio.create_task(one.wait()) for one in (self.until, self.stopped)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waits:
                    one.cancel()
        detail = SimpleNamespace(status=JobStatus.COMPLETED, duration=self.ran_s * 1000)
        if self.stopped.is_set():
            raise TrainingCancelled("stopped", detail=detail)
        if self.error is not None:
            raise self.error
        return detail

    async def updates(self) -> AsyncIterator[Any]:
        yield SimpleNamespace(status=JobStatus.WAITING, duration=None)
        yield SimpleNamespace(status=JobStatus.RUNNING, duration=0)

    async def logs(self, *, follow: bool = False) -> AsyncIterator[str]:
        yield "accuracy=0.5"

    async def refresh(self) -> object:
        raise AssertionError

    async def stop(self) -> None:
        self.stopped.set()


@define(slots=False)
class Scarce:
    """A platform that answers the creations of a trial with its errors, one after the other, and then makes it."""

    refusals: dict[int, list[ModelArtsError]] = field(factory=dict)
    ends: Callable[[int], Told] = Told
    sent: list[tuple[int, str | None]] = field(factory=list)
    versions: dict[int, Told] = field(factory=dict)
    settling: list[ModelArtsError] = field(factory=list)

    async def intend(self, trial: Trial, job: tuple[int, int] | None) -> Mapping[str, Any]:
        return {"number": trial.number, "flavor": trial.flavor}

    async def make(self, intent: Mapping[str, Any], may_leave: Callable[[], None]) -> Version:
        may_leave()
        self.sent.append((intent["number"], intent["flavor"]))
        await asyncio.sleep(0)
        refusals = self.refusals.get(intent["number"])
        if refusals:
            raise refusals.pop(0)
        return self._make(intent["number"])

    async def settle(self, intent: Mapping[str, Any]) -> Version | None:
        if self.settling:
            raise self.settling.pop()
        return next((one for one in self.versions.values() if one.version_id % 100 == intent["number"]), None)

    def attach(self, job_id: int, version_id: int) -> Version:
        return self.versions[version_id]

    async def going(self, job_id: int) -> Mapping[int, str]:
        return {}

    def _make(self, number: int) -> Version:
        made = self.ends(100 * (len(self.versions) + 1) + number)
        self.versions[made.version_id] = made
        return made


@define(slots=False)
class Killed(Scarce):
    """Makes the version of trial 2, and its controller goes before it is told."""

    def __init__(self, everyone: "asyncio.Task[Any]") -> None:
        self.__attrs_init__()
        self._everyone = everyone

    async def make(self, intent: Mapping[str, Any], may_leave: Callable[[], None]) -> Version:
        version = await super().make(intent, may_leave)
        if intent["number"] == 2:
            self._everyone.cancel()
            await asyncio.sleep(3600)
        return version
