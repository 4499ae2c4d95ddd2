"""Lost creations of one job: one listing settles all of them."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from attrs import define, field

from .._clock import Clock
from ..errors import CreateOutcomeUnknown, ModelArtsError, Where
from ..models.job import VersionInfo
from ..models.spec import TrainingSpec
from .identity import explained, is_echo
from .made import Twin
from .policy import SettlePolicy
from .rows import ReadsPages, new_rows

_TOGETHER_S = 0.05
_log = logging.getLogger("aiomodelarts.create")


class Asks(ReadsPages, Protocol):
    """What settling asks the service."""

    async def version(self, job_id: int, version_id: int) -> VersionInfo: ...

    async def stop(self, job_id: int, version_id: int) -> None: ...


@define(eq=False)
class _Lost:
    """A create whose answer was lost, and somebody who waits to know."""

    spec: TrainingSpec
    found: asyncio.Future[int | None]
    since: float


@define(eq=False)
class _Late:
    """A sending that was given up: if its version lands after all, it is a twin."""

    spec: TrainingSpec
    until: float


@define(eq=False)
class JobDesk:
    """Knows which versions of a job belong to whom, and finds out about those that nobody was told of.

    Args:
        job_id: the job.
        asks: the service.
        clock: measures the windows.
        policy: how long they are.
        report: is told of every twin.
        known: versions that belong to somebody already.
        complete: whether ``known`` holds every version that was there before this session's first create.
    """

    job_id: int
    asks: Asks
    clock: Clock
    policy: SettlePolicy
    report: Callable[[Twin], None]
    known: set[int] = field(factory=set)
    complete: bool = False
    newest: int = 0
    _in_flight: dict[str, list[TrainingSpec]] = field(factory=dict)
    _lost: list[_Lost] = field(factory=list)
    _late: list[_Late] = field(factory=list)
    _before: dict[str, list[int]] = field(factory=dict)
    _task: asyncio.Task[None] | None = None
    _woken: asyncio.Event = field(factory=asyncio.Event)
    _failing_since: float | None = None

    @contextlib.contextmanager
    def in_flight(self, spec: TrainingSpec) -> Iterator[None]:
        """While this holds, a row that is an echo of the intent is taken for its answer still to come."""
        specs = self._in_flight.setdefault(spec.output_path, [])
        specs.append(spec)
        try:
            yield
        finally:
            # By identity: equal intents are kept apart by their number.
            del specs[next(at for at, other in enumerate(specs) if other is spec)]
            if not specs:
                self._in_flight.pop(spec.output_path, None)

    async def settled(self, spec: TrainingSpec) -> int | None:
        """The version that a lost create made, or None when it made none within the quiet window.

        Raises:
            CreateOutcomeUnknown: when the list could not be read for longer than the policy's patience.
        """
        lost = _Lost(spec, asyncio.get_running_loop().create_future(), self.clock.monotonic())
        self._lost.append(lost)
        self._look_soon()
        try:
            return await lost.found
        finally:
            if lost in self._lost:
                self._lost.remove(lost)

    def claim(self, version_id: int) -> None:
        """This version belongs to somebody."""
        self.known.add(version_id)
        self.newest = max(self.newest, version_id)

    def remember(self, rows: Mapping[int, VersionInfo]) -> None:
        """Versions that were there before this session's first create; they belong to somebody else."""
        for version_id, row in rows.items():
            self.claim(version_id)
            if row.train_url is not None:
                self._before.setdefault(row.train_url.rstrip("/"), []).append(version_id)
        self.complete = True

    async def earlier(self, spec: TrainingSpec) -> int | None:
        """A version from before this session that is an echo of the intent; it is given to one asker only."""
        ids = self._before.get(spec.output_path.rstrip("/"), [])
        for version_id in sorted(ids):
            if is_echo(await self.asks.version(self.job_id, version_id), spec) and version_id in ids:
                ids.remove(version_id)
                return version_id
        return None

    def gave_up(self, spec: TrainingSpec) -> None:
        """From now on, and for a while, a further version with this intent's identity is a twin."""
        self._late.append(_Late(spec, self.clock.monotonic() + self.policy.late_watch_s))
        self._look_soon()

    def spare(self, spec: TrainingSpec) -> None:
        """Nobody holds a version for this intent, so whatever lands late is no twin."""
        self._late = [late for late in self._late if late.spec is not spec]

    @property
    def watched(self) -> list[TrainingSpec]:
        """Intents of which a twin may still land."""
        return [late.spec for late in self._late]

    async def last_look(self) -> None:
        """One more look for twins, now."""
        if self._late:
            await self._look()

    async def close(self) -> None:
        """End the looking; whoever waits is told that the outcome is unknown."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for lost in self._lost:
            self._fail(lost, "the session was closed before it was found out")

    def _look_soon(self) -> None:
        self._woken.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"aiomodelarts settling job {self.job_id}")

    async def _run(self) -> None:
        while self._lost or self._late:
            await self._pause()
            try:
                await self._look()
            except ModelArtsError as error:
                _log.debug("listing job %s for lost creations failed: %s", self.job_id, error)
                self._out_of_patience(error)
            except Exception as error:  # noqa: BLE001  (told to everybody who waits)
                _log.exception("settling job %s failed", self.job_id)
                self._out_of_patience(error, at_once=True)

    async def _pause(self) -> None:
        self._woken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pause_s()):
                await self._woken.wait()
                # Answers that are lost together are looked for together.
                await asyncio.sleep(_TOGETHER_S)

    def _pause_s(self) -> float:
        now = self.clock.monotonic()
        if not self._lost:
            return self.policy.quiet_window_s / 2
        return self.policy.pause_s(now - max(lost.since for lost in self._lost))

    async def _look(self) -> None:
        began = self.clock.monotonic()
        rows = await new_rows(self.asks, self.job_id, self.known)
        self._failing_since = None
        # What was answered while the list was on its way is nobody's any more.
        rows = {version_id: row for version_id, row in rows.items() if version_id not in self.known}
        free = self._not_expected(rows)
        for lost in sorted(self._lost, key=lambda lost: lost.since):
            match = next((row for row in free if is_echo(row, lost.spec)), None)
            if match is not None:
                free.remove(match)
                self.claim(match.version_id)
                lost.found.set_result(match.version_id)
                self._lost.remove(lost)
            elif began - lost.since >= self.policy.quiet_window_s:
                lost.found.set_result(None)
                self._lost.remove(lost)
        await self._stop_twins(free)
        self._late = [late for late in self._late if late.until > began]

    def _not_expected(self, rows: dict[int, VersionInfo]) -> list[VersionInfo]:
        """The rows, oldest first, that no create still in flight will name in its answer."""
        flying = [spec for specs in self._in_flight.values() for spec in specs]
        expected = explained(rows.values(), flying)
        return sorted((row for row in rows.values() if row.version_id not in expected), key=lambda row: row.version_id)

    async def _stop_twins(self, free: list[VersionInfo]) -> None:
        for late in list(self._late):
            twin = next((row for row in free if is_echo(row, late.spec)), None)
            if twin is None:
                continue
            free.remove(twin)
            if twin.status.is_final or await self._stop(twin.version_id):
                self.claim(twin.version_id)
                if late in self._late:
                    self._late.remove(late)
                self.report(Twin(job_id=self.job_id, version_id=twin.version_id, spec=late.spec))

    async def _stop(self, version_id: int) -> bool:
        try:
            await self.asks.stop(self.job_id, version_id)
        except ModelArtsError as error:
            _log.warning("twin %s of job %s is not stopped yet: %s", version_id, self.job_id, error)
            return False
        return True

    def _out_of_patience(self, error: Exception, *, at_once: bool = False) -> None:
        now = self.clock.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if at_once or now - self._failing_since >= self.policy.patience_s:
            for lost in list(self._lost):
                self._fail(lost, f"the versions of the job could not be listed: {error}")

    def _fail(self, lost: _Lost, reason: str) -> None:
        if lost in self._lost:
            self._lost.remove(lost)
        if not lost.found.done():
            where = Where("createTrainingJobVersion", self.job_id)
            lost.found.set_exception(CreateOutcomeUnknown(reason, where=where))
