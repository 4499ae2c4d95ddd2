"""The life of versions from acceptance to removal: queue, slots, stops, ends, and what a restart does."""

from collections import deque

from attrs import frozen

from aiomodelarts._wire.message import JsonObject
from aiomodelarts.local.board import Board, Job, Version
from aiomodelarts.local.ports import Ports
from aiomodelarts.local.records import Change
from aiomodelarts.local.states import STOPPABLE
from aiomodelarts.status import JobStatus

REMOVAL_DELAY_S = 0.2


@frozen
class Ending:
    """How a run ended.

    Args:
        status: COMPLETED or FAILED; a version that was being stopped becomes KILLED instead.
        model_metrics: what the run said about itself.
        system_metrics: what the machine measured.
    """

    status: JobStatus
    model_metrics: JsonObject | None = None
    system_metrics: JsonObject | None = None


class Lifecycle:
    """Moves versions; the only place that changes their status.

    Args:
        board: holds the versions.
        ports: journal, executor and time.
        slots: how many workers run at once, or None for no limit.
    """

    def __init__(self, board: Board, ports: Ports, slots: int | None) -> None:
        self._board = board
        self._ports = ports
        self._slots = slots
        self._used = 0
        self._queue: deque[Version] = deque()
        self._running: dict[int, Version] = {}

    def accept(self, version: Version) -> None:
        """Queue a version that has just been recorded, and run it if there is a free slot."""
        version.move(JobStatus.WAITING)
        self._queue.append(version)
        self._fill_slots()

    def stop(self, version: Version) -> None:
        """Begin to stop a version that may be stopped."""
        queued = version.status is JobStatus.WAITING
        version.move(JobStatus.KILLING)
        self._record(version)
        if queued:
            self._ports.later(0, lambda: self._close(version, Ending(JobStatus.KILLED)))
        else:
            self._ports.executor.stop(version.version_id)

    def ended(self, version_id: int, ending: Ending) -> None:
        """Take note that a run is over; its slots are free again."""
        version = self._running.pop(version_id)
        self._used -= self._width(version)
        self._close(version, ending)
        self._fill_slots()

    def remove(self, version: Version) -> None:
        """Begin to remove a version; a running one is stopped first."""
        if version.deleting:
            return
        version.deleting = True
        self._record(version)
        if version.status in STOPPABLE:
            self.stop(version)
        elif version.status is not JobStatus.KILLING:
            self._ports.later(REMOVAL_DELAY_S, lambda: self._forget(version))

    def remove_job(self, job: Job) -> None:
        """Begin to remove a job; it goes with its last version."""
        job.deleting = True
        self._ports.journal.note([job.record()])
        for version in list(job.versions.values()):
            self.remove(version)
        if not job.versions:
            self._ports.later(REMOVAL_DELAY_S, lambda: self._forget_job(job))

    def recover(self) -> None:
        """Settle what the last process of this platform left: what ran is lost, what waited waits again."""
        now_ms = self._now_ms()
        for version in sorted(self._board.versions(), key=lambda version: version.version_id):
            if version.status in (JobStatus.RUNNING, JobStatus.SCALING):
                version.move(JobStatus.LOST)
            elif version.status is JobStatus.KILLING:
                version.move(JobStatus.KILLED)
            elif version.status in (JobStatus.INIT, JobStatus.WAITING):
                self._requeue(version)
                continue
            if version.end_ms is None:
                version.end_ms = now_ms
                self._record(version)
            if version.deleting:
                self._forget(version)
        for job in [job for job in self._board.jobs.values() if job.deleting and not job.versions]:
            self._forget_job(job)
        self._fill_slots()

    def _requeue(self, version: Version) -> None:
        if version.deleting:
            self._forget(version)
            return
        if version.status is JobStatus.INIT:
            version.move(JobStatus.WAITING)
        self._queue.append(version)

    def _fill_slots(self) -> None:
        while self._queue:
            version = self._queue[0]
            if version.status is not JobStatus.WAITING:
                self._queue.popleft()
                continue
            if self._slots is not None and self._used + self._width(version) > self._slots:
                return
            self._queue.popleft()
            self._used += self._width(version)
            version.move(JobStatus.RUNNING)
            version.start_ms = self._now_ms()
            self._record(version)
            self._running[version.version_id] = version
            self._ports.executor.start(self._board.jobs[version.job_id], version)

    def _width(self, version: Version) -> int:
        workers = version.settings.workers
        return workers if self._slots is None else min(workers, self._slots)

    def _close(self, version: Version, ending: Ending) -> None:
        version.move(JobStatus.KILLED if version.status is JobStatus.KILLING else ending.status)
        version.end_ms = self._now_ms()
        version.model_metrics = ending.model_metrics
        version.system_metrics = ending.system_metrics
        self._record(version)
        if version.deleting:
            self._forget(version)

    def _forget(self, version: Version) -> None:
        job = self._board.jobs.get(version.job_id)
        if job is None or job.versions.pop(version.version_id, None) is None:
            return
        self._ports.journal.note(
            [Change("versions", version.version_id, None), Change("states", version.version_id, None)]
        )
        self._ports.logs.forget(version)
        if job.deleting and not job.versions:
            self._forget_job(job)

    def _forget_job(self, job: Job) -> None:
        self._board.remove_job(job)
        self._ports.journal.note([Change("jobs", job.job_id, None)])

    def _record(self, version: Version) -> None:
        self._ports.journal.note([version.state()])

    def _now_ms(self) -> int:
        return int(self._ports.now() * 1000)
