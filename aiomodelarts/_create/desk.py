"""Lost creations of one job: one listing settles all of them."""

import asyncio
import contextlib
import contextvars
import logging
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Protocol

from attrs import define, field

from .._clock import Clock
from ..errors import CreateOutcomeUnknown, ModelArtsError, NotFound, SessionClosed, Where
from ..models.job import VersionInfo
from ..models.spec import TrainingSpec
from ..status import JobStatus
from .create import Create
from .identity import explained, is_echo
from .made import Twin
from .policy import SettlePolicy
from .rows import ReadsPages, new_pages, new_rows

_TOGETHER_S = 0.05
_STOPPED = (JobStatus.KILLING, JobStatus.KILLED)
_log = logging.getLogger("aiomodelarts.create")


class Asks(ReadsPages, Protocol):
    """What settling asks the service."""

    async def version(self, job_id: int, version_id: int) -> VersionInfo: ...

    async def stop(self, job_id: int, version_id: int) -> None: ...


@define(eq=False)
class _Lost:
    """A create whose answer was lost, and somebody who waits to know."""

    spec: TrainingSpec
    sent_at: float
    since: float
    found: asyncio.Future[int | None]
    missed: int = 0


@define(eq=False)
class _Late:
    """A sending that was given up. If its version lands after all, it is a twin, or the one that somebody may still
    ask for."""

    spec: TrainingSpec
    sent_at: float
    until: float
    wanted: bool = False


@define(eq=False)
class _Swap:
    """A lost create took a version while equal ones were out, so one of those may have to find an older version than
    its own."""

    sent_at: float
    until: float


@define(eq=False)
class JobDesk:
    """Knows which versions of a job belong to whom, and finds out about those that nobody was told of.

    Equal intents cannot be told apart, so they are counted: each of them gets one version, whichever of their sendings
    made it.

    Args:
        job_id: the job.
        asks: the service.
        clock: measures the windows.
        policy: how long they are.
        report: is told of every twin.
        context: what the looks have around them, since they are nobody's in particular.
        complete: whether every version that was there before this session's first create is known.
        newest: the newest version that is known.
    """

    job_id: int
    asks: Asks
    clock: Clock
    policy: SettlePolicy
    report: Callable[[Twin], None]
    context: contextvars.Context = field(factory=contextvars.copy_context)
    complete: bool = False
    newest: int = 0
    _known: dict[int, float] = field(factory=dict)
    # A dict for its order.
    _out: dict[Create, None] = field(factory=dict)
    _lost: list[_Lost] = field(factory=list)
    _late: list[_Late] = field(factory=list)
    _kept: list[tuple[TrainingSpec, int]] = field(factory=list)
    _swaps: list[_Swap] = field(factory=list)
    _twins: dict[int, TrainingSpec] = field(factory=dict)
    # Of each path whether the version was stopped, and its id; a long job has too many rows to keep them whole.
    _before: dict[str, list[tuple[bool, int]]] = field(factory=dict)
    _task: asyncio.Task[None] | None = None
    _woken: asyncio.Event = field(factory=asyncio.Event)
    _failing_since: float | None = None
    _closed: bool = False

    def leaves(self, create: Create) -> None:
        """The bytes begin to leave, unless they may not; until ``returned``, an echo can be the answer to come."""
        create.begins()
        self._out[create] = None

    def returned(self, create: Create) -> None:
        """The create was answered, or never will be."""
        self._out.pop(create, None)

    def claim(self, version_id: int) -> bool:
        """This version belongs to somebody now; whether it did not before."""
        if version_id in self._known:
            return False
        self._known[version_id] = self.clock.monotonic()
        self.newest = max(self.newest, version_id)
        return True

    async def read_what_is_there(self) -> None:
        """Whatever is there before this session's first create belongs to somebody else."""
        async with contextlib.aclosing(self._pages()) as pages:
            async for rows in pages:
                for row in rows:
                    if self.claim(row.version_id) and row.train_url is not None:
                        told = (row.status in _STOPPED, row.version_id)
                        self._before.setdefault(row.train_url.rstrip("/"), []).append(told)
        self.complete = True

    async def read_up_to(self, version_id: int) -> None:
        """Versions up to this one belong to somebody else."""
        async with contextlib.aclosing(self._pages()) as pages:
            async for rows in pages:
                for row in rows:
                    if row.version_id <= version_id:
                        self.claim(row.version_id)

    async def earlier(self, spec: TrainingSpec) -> int | None:
        """A version from before this session that is an echo of the intent; it is given to one asker only."""
        rows = self._before.get(spec.output_path.rstrip("/"), [])
        # One that was stopped may have been the twin of one that was not.
        for told in sorted(rows):
            if is_echo(await self.asks.version(self.job_id, told[1]), spec) and told in rows:
                rows.remove(told)
                return told[1]
        return None

    async def settled(self, spec: TrainingSpec, sent_at: float) -> int | None:
        """The version that a lost create made, or None when it made none within the quiet window.

        Args:
            spec: the intent.
            sent_at: when it was sent; nothing older is looked at.

        Raises:
            CreateOutcomeUnknown: when the list could not be read for longer than the policy's patience.
            SessionClosed: after ``close``.
        """
        if self._closed:
            raise SessionClosed("the session is closed; open a new one")
        self._late = [late for late in self._late if not (late.wanted and late.spec is spec)]
        kept = next((one for one in self._kept if one[0] == spec), None)
        if kept is not None:
            self._kept.remove(kept)
            return kept[1]
        lost = _Lost(spec, sent_at, self.clock.monotonic(), asyncio.get_running_loop().create_future())
        self._lost.append(lost)
        self._look_soon()
        try:
            return await lost.found
        except asyncio.CancelledError:
            self._take_back(lost)
            raise
        finally:
            if lost in self._lost:
                self._lost.remove(lost)

    def gave_up(self, spec: TrainingSpec, sent_at: float) -> None:
        """From now on, and for a while, a further version with this intent's identity is a twin."""
        self._watch(spec, sent_at, wanted=False)

    def keep(self, spec: TrainingSpec, sent_at: float) -> None:
        """Nobody holds a version for this intent, so the first one that lands late is kept until somebody asks."""
        # Where no sending was given up, nothing would be taken for a twin of it.
        if any(late.spec == spec for late in self._late):
            self._watch(spec, sent_at, wanted=True)

    @property
    def watched(self) -> list[TrainingSpec]:
        """Intents of which a twin may still land, or goes on."""
        return [*(late.spec for late in self._late if not late.wanted), *self._twins.values()]

    async def last_look(self) -> None:
        """One more look for twins, now."""
        if self.watched:
            await self._look()

    async def close(self) -> None:
        """End the looking; whoever waits is told that the outcome is unknown."""
        self._closed = True
        for lost in list(self._lost):
            self._fail(lost, "the session was closed before it was found out")
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _pages(self) -> AsyncGenerator[list[VersionInfo], None]:
        return new_pages(self.asks, self.job_id, self._known, -math.inf)

    def _watch(self, spec: TrainingSpec, sent_at: float, *, wanted: bool) -> None:
        self._late.append(_Late(spec, sent_at, self.clock.monotonic() + self.policy.late_watch_s, wanted))
        self._look_soon()

    def _take_back(self, lost: _Lost) -> None:
        """What was found for somebody who is cancelled can be found again."""
        if lost.found.done() and not lost.found.cancelled() and lost.found.exception() is None:
            version_id = lost.found.result()
            if version_id is not None:
                self._known.pop(version_id, None)

    def _look_soon(self) -> None:
        self._woken.set()
        if not self._closed and (self._task is None or self._task.done()):
            name = f"aiomodelarts settling job {self.job_id}"
            self._task = asyncio.create_task(self._run(), name=name, context=self.context.copy())

    async def _run(self) -> None:
        while self._lost or self._late or self._twins:
            await self._pause()
            try:
                await self._look()
            except ModelArtsError as error:
                _log.debug("listing job %s for lost creations failed: %s", self.job_id, error)
                self._out_of_patience(error, self.policy.patience_s)
            except Exception as error:  # noqa: BLE001  (told to everybody who waits)
                _log.exception("settling job %s failed", self.job_id)
                self._out_of_patience(error, 0.0)

    async def _pause(self) -> None:
        self._woken.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._pause_s()):
                await self._woken.wait()
                # Answers that are lost together are looked for together.
                await asyncio.sleep(_TOGETHER_S)

    def _pause_s(self) -> float:
        if not self._lost:
            return self.policy.quiet_window_s / 2
        return self.policy.pause_s(self.clock.monotonic() - max(lost.since for lost in self._lost))

    async def _look(self) -> None:
        await self._stop_twins()
        began = self.clock.monotonic()
        self._swaps = [swap for swap in self._swaps if swap.until > began]
        out: tuple[_Lost | _Late | _Swap, ...] = (*self._lost, *self._late, *self._swaps)
        since = min((one.sent_at for one in out), default=began)
        rows = await new_rows(self.asks, self.job_id, self._known, since)
        self._failing_since = None
        self._match(rows, began)
        await self._stop_twins()

    def _match(self, rows: Mapping[int, VersionInfo], began: float) -> None:
        """Give the rows to whom they belong. There is no await in here: nothing may be answered in between."""
        # What was answered while the list was on its way is nobody's any more.
        rows = {version_id: row for version_id, row in rows.items() if version_id not in self._known}
        flying = [create.spec for create in self._out]
        expected = explained(rows.values(), flying)
        free = sorted(rows.values(), key=lambda row: (row.version_id in expected, row.version_id))
        for lost in sorted(self._lost, key=lambda lost: lost.since):
            if not lost.found.done():
                self._find(lost, free, expected, over=began - lost.since >= self.policy.quiet_window_s)
        for late in sorted(self._late, key=lambda late: not late.wanted):
            row = _first_echo(free, late.spec, expected)
            if row is not None:
                self._found_late(late, row)
                free.remove(row)
        # While an equal intent is under way, nobody can say which of the rows is the twin.
        self._late = [late for late in self._late if late.until > began or late.spec in flying]

    def _find(self, lost: _Lost, free: list[VersionInfo], expected: set[int], *, over: bool) -> None:
        # Once the window is over, a version that an equal intent still under way may have made is as good: whoever is
        # answered with a version that is taken looks for another one.
        row = _first_echo(free, lost.spec, set() if over else expected)
        if row is not None:
            free.remove(row)
            self.claim(row.version_id)
            lost.found.set_result(row.version_id)
        elif over and lost.missed:
            lost.found.set_result(None)
        else:
            # A row can slip between two pages of a list that shifts, so one look without it says too little.
            lost.missed += over
            return
        self._lost.remove(lost)
        if row is not None and self._has_equals(lost.spec):
            self._swaps.append(_Swap(lost.sent_at, self.clock.monotonic() + self.policy.late_watch_s))

    def _has_equals(self, spec: TrainingSpec) -> bool:
        others: tuple[Create | _Lost | _Late, ...] = (*self._out, *self._lost, *self._late)
        # Nearly all of them differ in their path, which is quick to see.
        return any(one.spec.output_path == spec.output_path and one.spec == spec for one in others)

    def _found_late(self, late: _Late, row: VersionInfo) -> None:
        # It is nobody else's from the moment on when its stop is decided, not when it is done.
        self.claim(row.version_id)
        self._late.remove(late)
        if late.wanted:
            self._kept.append((late.spec, row.version_id))
        else:
            self._twins[row.version_id] = late.spec

    async def _stop_twins(self) -> None:
        for version_id, spec in list(self._twins.items()):
            if await self._stopped(version_id) and self._twins.pop(version_id, None) is not None:
                self.report(Twin(job_id=self.job_id, version_id=version_id, spec=spec))

    async def _stopped(self, version_id: int) -> bool:
        try:
            await self.asks.stop(self.job_id, version_id)
        except NotFound:
            return True
        except ModelArtsError as error:
            _log.warning("twin %s of job %s is not stopped yet: %s", version_id, self.job_id, error)
            return False
        return True

    def _out_of_patience(self, error: Exception, patience_s: float) -> None:
        now = self.clock.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        for lost in list(self._lost):
            if now - max(self._failing_since, lost.since) >= patience_s:
                self._fail(lost, f"the versions of the job could not be listed: {error}")

    def _fail(self, lost: _Lost, reason: str) -> None:
        self._lost.remove(lost)
        if not lost.found.done():
            where = Where("createTrainingJobVersion", self.job_id)
            lost.found.set_exception(CreateOutcomeUnknown(reason, where=where))


def _first_echo(free: list[VersionInfo], spec: TrainingSpec, expected: set[int]) -> VersionInfo | None:
    """The oldest row that is an echo of the intent, and that no create under way is expected to name."""
    return next((row for row in free if row.version_id not in expected and is_echo(row, spec)), None)
