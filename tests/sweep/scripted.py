"""Versions that end, and log, as a test tells them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from types import SimpleNamespace
from typing import Any

from attrs import field, frozen

from aiomodelarts.status import JobStatus
from aiomodelarts.sweep.engine.engine import Engine
from aiomodelarts.sweep.trial import Trial, TrialState
from aiomodelarts.sweep.versions import Version

from .documents import changed, read

CONFIG = read(changed("lr = { log_float = [1e-4, 1e-1], num = 4 }\n", "").replace("int = [1, 4]", "int = [1, 12]"))


@frozen
class ScriptedVersion:
    """A version that ends, and logs, as it is told."""

    version_id: int
    outcome: Exception | None
    lines: tuple[str, ...]
    job_id: int = 7

    async def wait(self) -> object:
        await asyncio.sleep(0)
        if self.outcome is not None:
            raise self.outcome
        return None

    async def logs(self, *, follow: bool = False) -> AsyncIterator[str]:
        for line in self.lines:
            yield line

    async def updates(self) -> AsyncIterator[object]:
        yield SimpleNamespace(status=JobStatus.RUNNING)

    async def refresh(self) -> object:
        return SimpleNamespace(model_metric_list=None)

    async def stop(self) -> None:
        raise AssertionError("nothing is to be stopped")


@frozen
class ScriptedVersions:
    """Makes versions; each point's value is its number of layers, unless the test says otherwise."""

    refused: dict[int, Exception] = field(factory=dict)
    ends: dict[int, Exception] = field(factory=dict)
    says: dict[int, tuple[str, ...]] = field(factory=dict)
    before: Callable[[Trial], None] = lambda trial: None
    trains: Callable[[Trial], None] = lambda trial: None
    made: list[tuple[str, int]] = field(factory=list)

    platform: dict[int, "ScriptedVersion"] = field(factory=dict)
    intended: dict[int, Trial] = field(factory=dict)
    settled: list[int] = field(factory=list)
    attached: list[int] = field(factory=list)

    async def intend(self, trial: Trial, job: tuple[int, int] | None) -> Mapping[str, Any]:
        assert job in (None, (7, 101))
        self.intended[trial.number] = trial
        return {"number": trial.number, "how": "first" if job is None else "next"}

    async def settle(self, intent: Mapping[str, Any]) -> Version | None:
        self.settled.append(intent["number"])
        return self.platform.get(100 + intent["number"])

    def attach(self, job_id: int, version_id: int) -> Version:
        self.attached.append(version_id - 100)
        return self.platform[version_id]

    async def going(self, job_id: int) -> Mapping[int, str]:
        return {}

    async def make(self, intent: Mapping[str, Any], may_leave: Callable[[], None] = lambda: None) -> Version:
        how, trial = intent["how"], self.intended[intent["number"]]
        await asyncio.sleep(0)
        self.made.append((how, trial.number))
        self.before(trial)
        await asyncio.to_thread(self.trains, trial)
        if trial.number in self.refused:
            raise self.refused[trial.number]
        said = self.says.get(trial.number, (f"accuracy={trial.point['layers']}",))
        made = ScriptedVersion(100 + trial.number, self.ends.get(trial.number), said)
        self.platform[made.version_id] = made
        return made


def states(engine: Engine) -> dict[int, TrialState]:
    """The state of each trial."""
    return {trial.number: trial.state for trial in engine.result.trials}
