"""The board: every job, version, configuration and visualization job, in memory. Reads ask nothing else."""

from collections.abc import Iterable, Iterator
from itertools import islice

from attrs import Factory, define

from aiomodelarts._wire.message import JsonObject
from aiomodelarts.local.records import Change, Key
from aiomodelarts.local.settings import RunSettings
from aiomodelarts.local.states import check_move
from aiomodelarts.status import JobStatus


@define
class Version:
    """One version of a job. ``end_ms`` is set once the status is final."""

    version_id: int
    job_id: int
    name: str
    pre_version_id: int | None
    settings: RunSettings
    create_ms: int
    status: JobStatus = JobStatus.INIT
    start_ms: int | None = None
    end_ms: int | None = None
    model_metrics: JsonObject | None = None
    system_metrics: JsonObject | None = None
    deleting: bool = False

    def move(self, status: JobStatus) -> None:
        """Go to another status along the table of moves."""
        check_move(self.status, status)
        self.status = status

    def status_at(self, at_ms: int) -> JobStatus:
        """The status this version showed at an earlier time, as far as its dates tell."""
        if self.end_ms is not None and at_ms >= self.end_ms:
            return self.status
        if self.start_ms is not None and at_ms >= self.start_ms:
            return JobStatus.RUNNING if self.end_ms is not None else self.status
        return JobStatus.WAITING if self.start_ms is not None or self.end_ms is not None else self.status

    def duration_ms(self, now_ms: int) -> int:
        """Milliseconds of running so far."""
        if self.start_ms is None:
            return 0
        return max(0, (now_ms if self.end_ms is None else self.end_ms) - self.start_ms)

    def as_accepted(self) -> Change:
        """The record of what was asked for; it never changes."""
        value = {
            "job_id": self.job_id,
            "name": self.name,
            "pre_version_id": self.pre_version_id,
            "create_ms": self.create_ms,
            "settings": self.settings.to_record(),
        }
        return Change("versions", self.version_id, value)

    def state(self) -> Change:
        """The record of where the run stands."""
        value = {
            "status": int(self.status),
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "model_metrics": self.model_metrics,
            "system_metrics": self.system_metrics,
            "deleting": self.deleting,
        }
        return Change("states", self.version_id, value)


@define
class Job:
    """One training job with its versions, oldest first."""

    job_id: int
    name: str
    desc: str
    workspace_id: str
    create_ms: int
    versions_made: int = 0
    versions: dict[int, Version] = Factory(dict)
    deleting: bool = False

    def newest(self) -> Version | None:
        """The version made last, or None."""
        return next(reversed(self.versions.values()), None)

    def newest_first(self, start: int, stop: int | None) -> Iterator[Version]:
        """A slice of the versions, counted from the newest."""
        return islice(reversed(self.versions.values()), start, stop)

    def record(self) -> Change:
        value = {
            "name": self.name,
            "desc": self.desc,
            "workspace_id": self.workspace_id,
            "create_ms": self.create_ms,
            "versions_made": self.versions_made,
            "deleting": self.deleting,
        }
        return Change("jobs", self.job_id, value)


@define
class Configuration:
    """Saved settings under a name."""

    name: str
    desc: str
    create_ms: int
    settings: RunSettings

    def record(self) -> Change:
        value = {"desc": self.desc, "create_ms": self.create_ms, "settings": self.settings.to_record()}
        return Change("configs", self.name, value)


@define
class Visualization:
    """One visualization job."""

    job_id: int
    name: str
    desc: str
    workspace_id: str
    train_url: str
    job_type: str
    create_ms: int
    stop_after_ms: int | None = None
    status: JobStatus = JobStatus.INIT
    start_ms: int | None = None
    end_ms: int | None = None

    def record(self) -> Change:
        value = {
            "name": self.name,
            "desc": self.desc,
            "workspace_id": self.workspace_id,
            "train_url": self.train_url,
            "job_type": self.job_type,
            "create_ms": self.create_ms,
            "stop_after_ms": self.stop_after_ms,
            "status": int(self.status),
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
        }
        return Change("visualizations", self.job_id, value)


@define
class Board:
    """All of it, with the counter that gives every job and version an id of its own, never used twice."""

    jobs: dict[int, Job] = Factory(dict)
    names: dict[str, int] = Factory(dict)
    configs: dict[str, Configuration] = Factory(dict)
    visualizations: dict[int, Visualization] = Factory(dict)
    promised_names: set[str] = Factory(set)
    promised_configs: set[str] = Factory(set)
    last_id: int = 0

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def id_record(self) -> Change:
        return Change("meta", "last_id", {"value": self.last_id})

    def add_job(self, job: Job) -> None:
        self.jobs[job.job_id] = job
        self.names[job.name] = job.job_id

    def remove_job(self, job: Job) -> None:
        self.jobs.pop(job.job_id, None)
        if self.names.get(job.name) == job.job_id:
            del self.names[job.name]

    def versions(self) -> Iterator[Version]:
        for job in self.jobs.values():
            yield from job.versions.values()

    def count_by_status(self) -> dict[str, int]:
        """How many versions are in which status, by the status's name."""
        counts: dict[str, int] = {}
        for version in self.versions():
            counts[version.status.name] = counts.get(version.status.name, 0) + 1
        return counts


def restore(records: Iterable[tuple[str, Key, JsonObject]]) -> Board:
    """The board that the records of a journal describe."""
    tables: dict[str, dict[Key, JsonObject]] = {}
    for table, key, value in records:
        tables.setdefault(table, {})[key] = value
    board = Board(last_id=tables.get("meta", {}).get("last_id", {"value": 0})["value"])
    for key, value in sorted(tables.get("jobs", {}).items()):
        board.add_job(Job(job_id=int(key), **value))
    states = tables.get("states", {})
    for key, value in sorted(tables.get("versions", {}).items()):
        job = board.jobs.get(value["job_id"])
        if job is not None:
            job.versions[int(key)] = _version(int(key), value, states.get(key))
    for key, value in tables.get("configs", {}).items():
        members = {**value, "settings": RunSettings.from_record(value["settings"])}
        board.configs[str(key)] = Configuration(name=str(key), **members)
    for key, value in sorted(tables.get("visualizations", {}).items()):
        members = {**value, "status": JobStatus(value["status"])}
        board.visualizations[int(key)] = Visualization(job_id=int(key), **members)
    return board


def _version(version_id: int, accepted: JsonObject, state: JsonObject | None) -> Version:
    members = {**accepted, "settings": RunSettings.from_record(accepted["settings"])}
    version = Version(version_id=version_id, **members)
    for name, value in (state or {}).items():
        setattr(version, name, JobStatus(value) if name == "status" else value)
    return version
