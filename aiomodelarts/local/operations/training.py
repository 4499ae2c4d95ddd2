"""Training jobs and their versions."""

from collections.abc import Callable

from aiomodelarts.local import bodies, queries, refusals, rows
from aiomodelarts.local.answers import Answer
from aiomodelarts.local.board import Job, Version
from aiomodelarts.local.calls import Call, Platform
from aiomodelarts.local.records import Change, RecordError
from aiomodelarts.local.settings import RunSettings
from aiomodelarts.local.states import STOPPABLE

_JOB_KEYS: dict[str, Callable[[Job, int], object]] = {
    "job_name": lambda job, _: job.name,
    "job_desc": lambda job, _: job.desc,
    "status": lambda job, _: -1 if (newest := job.newest()) is None else int(newest.status),
    "duration": lambda job, now: 0 if (newest := job.newest()) is None else newest.duration_ms(now),
    "create_time": lambda job, _: job.create_ms,
    "version_count": lambda job, _: len(job.versions),
    "engine_type": lambda job, _: 0 if (newest := job.newest()) is None else newest.settings.engine_id or 0,
}


def find_job(platform: Platform, call: Call) -> Job:
    """The job of the path, or a refusal."""
    job_id = queries.path_id(call.path["job_id"], "job_id")
    job = platform.board.jobs.get(job_id)
    if job is None:
        raise refusals.unknown_job(f"training job {job_id}")
    return job


def find_version(platform: Platform, call: Call) -> tuple[Job, Version]:
    """The job and the version of the path, or a refusal."""
    version_id = queries.path_id(call.path["version_id"], "version_id")
    job = find_job(platform, call)
    version = job.versions.get(version_id)
    if version is None:
        raise refusals.unknown_job(f"version {version_id} of training job {job.job_id}")
    return job, version


async def check_paths(platform: Platform, settings: RunSettings) -> None:
    """Refuse settings with a path that leaves the root."""
    await refuse_paths(platform, settings.paths())


async def refuse_paths(platform: Platform, paths: dict[str, str]) -> None:
    outside = await platform.ports.storage.check(paths)
    if outside is not None:
        raise refusals.invalid(outside, "it is not a path of the form /bucket/object, or it leaves its bucket")


async def create_training_job(platform: Platform, call: Call) -> Answer:
    """Make a job, by default with its first version."""
    body = call.body()
    name = bodies.name_text(body, "job_name", 64)
    desc = bodies.description(body, "job_desc") or ""
    workspace = bodies.text(body, "workspace_id") or "0"
    config = bodies.nested(body, "config")
    settings = bodies.run_settings(config)
    with_version = bodies.flag(config, "create_version", True)
    await check_paths(platform, settings)
    board = platform.board
    if name in board.names or name in board.promised_names:
        raise refusals.name_taken("job", name)
    if len(board.jobs) + len(board.promised_names) >= platform.quota:
        raise refusals.quota_used_up(platform.quota)
    board.promised_names.add(name)
    try:
        job = Job(board.next_id(), name, desc, workspace, platform.now_ms())
        version = _new_version(platform, job, settings, None) if with_version else None
        await _record(platform, job, version)
        board.add_job(job)
    finally:
        board.promised_names.discard(name)
    if version is not None:
        _admit(platform, job, version)
    return Answer(200, rows.created(job, version))


async def create_training_job_version(platform: Platform, call: Call) -> Answer:
    """Make a version of a job, following one of its versions."""
    job = find_job(platform, call)
    body = call.body()
    desc = bodies.description(body, "job_desc")
    config = bodies.nested(body, "config")
    settings = bodies.run_settings(config)
    if settings.train_url is None:
        raise refusals.invalid("train_url", "it is required")
    before = _predecessor(job, bodies.identifier(config, "pre_version_id"))
    if before is not None and not settings.volumes:
        settings = _with_volumes(settings, before.settings)
    await check_paths(platform, settings)
    if _is_going(platform, job):
        raise refusals.unknown_job(f"training job {job.job_id}")
    version = _new_version(platform, job, settings, before)
    earlier = job.desc
    job.desc = earlier if desc is None else desc
    try:
        await _record(platform, job, version)
    except refusals.RefusedError:
        job.desc = earlier
        raise
    if _is_going(platform, job):
        # The job was deleted while the version was being recorded.
        platform.ports.journal.note([Change("versions", version.version_id, None)])
        raise refusals.unknown_job(f"training job {job.job_id}")
    _admit(platform, job, version)
    return Answer(200, rows.created(job, version))


async def list_training_jobs(platform: Platform, call: Call) -> Answer:
    """A page of the jobs of one workspace."""
    number, per_page = queries.page(call.query, 1000)
    key = queries.choice(call.query, "sortBy", _JOB_KEYS, "job_name")
    order = queries.choice(call.query, "order", ("asc", "desc"), "asc")
    status, wanted = queries.status(call.query), queries.search(call.query)
    workspace = call.query.get("workspace_id") or "0"
    now = platform.now_ms()
    found = [
        job
        for job in platform.board.jobs.values()
        if job.workspace_id == workspace
        and call.shows(job.create_ms, now)
        and wanted in job.name.lower()
        and (status is None or ((newest := job.newest()) is not None and newest.status == status))
    ]
    found.sort(key=lambda job: (_JOB_KEYS[key](job, now), job.job_id), reverse=order == "desc")
    start = (number - 1) * per_page
    existing = len(platform.board.jobs)
    payload = {
        "job_total_count": len(found),
        "job_count_limit": max(0, platform.quota - existing),
        "quotas": platform.quota,
        "jobs": [rows.job_row(job, now) for job in found[start : start + per_page]],
    }
    return Answer(200, payload)


async def update_training_job_description(platform: Platform, call: Call) -> Answer:
    """Change the description of a job."""
    job = find_job(platform, call)
    desc = bodies.description(call.body(), "job_desc", required=True) or ""
    earlier, job.desc = job.desc, desc
    try:
        await platform.ports.journal.write([job.record()])
    except RecordError:
        job.desc = earlier
        raise refusals.no_room() from None
    return Answer(200, {})


async def delete_training_job(platform: Platform, call: Call) -> Answer:
    """Begin to remove a job with all its versions."""
    platform.lifecycle.remove_job(find_job(platform, call))
    return Answer(200, {})


async def list_training_job_versions(platform: Platform, call: Call) -> Answer:
    """A page of the versions of a job, newest first."""
    job = find_job(platform, call)
    number, per_page = queries.page(call.query, 1000, default=0, low=0)
    everything = number == 0 and platform.style.page_zero_is_everything()
    start = 0 if number == 0 else (number - 1) * per_page
    now, lag = platform.now_ms(), int(call.lag_s * 1000)
    skipped = sum(1 for version in job.versions.values() if version.create_ms > now - lag) if lag else 0
    page = job.newest_first(start + skipped, None if everything else start + skipped + per_page)
    payload = {
        "job_id": job.job_id,
        "job_name": job.name,
        "job_desc": job.desc,
        "version_count": len(job.versions) - skipped,
        "versions": list(page),
    }
    return Answer(200, payload, late_rows=("versions", lambda version: rows.version_row(version, now, lag)))


async def get_training_job_version(platform: Platform, call: Call) -> Answer:
    """One version."""
    job, version = find_version(platform, call)
    return Answer(200, rows.version_detail(job, version, platform.now_ms()))


async def stop_training_job_version(platform: Platform, call: Call) -> Answer:
    """Begin to stop a version."""
    _, version = find_version(platform, call)
    if version.status not in STOPPABLE:
        raise refusals.wrong_state("stop", int(version.status))
    platform.lifecycle.stop(version)
    return Answer(200, {})


async def delete_training_job_version(platform: Platform, call: Call) -> Answer:
    """Begin to remove a version."""
    _, version = find_version(platform, call)
    platform.lifecycle.remove(version)
    return Answer(200, {})


def _is_going(platform: Platform, job: Job) -> bool:
    return job.deleting or job.job_id not in platform.board.jobs


def _predecessor(job: Job, pre_version_id: int | None) -> Version | None:
    if not job.versions and not pre_version_id:
        return None
    if pre_version_id is None:
        raise refusals.invalid("pre_version_id", "it is required")
    before = job.versions.get(pre_version_id)
    if before is None:
        raise refusals.invalid("pre_version_id", f"job {job.job_id} has no version {pre_version_id}")
    return before


def _with_volumes(settings: RunSettings, earlier: RunSettings) -> RunSettings:
    return RunSettings.from_record({**settings.to_record(), "volumes": earlier.volumes})


def _new_version(platform: Platform, job: Job, settings: RunSettings, before: Version | None) -> Version:
    job.versions_made += 1
    return Version(
        version_id=platform.board.next_id(),
        job_id=job.job_id,
        name=f"V{job.versions_made:04d}",
        pre_version_id=None if before is None else before.version_id,
        settings=settings,
        create_ms=platform.now_ms(),
    )


async def _record(platform: Platform, job: Job, version: Version | None) -> None:
    changes = [platform.board.id_record(), job.record()]
    if version is not None:
        changes.append(version.as_accepted())
    try:
        await platform.ports.journal.write(changes)
    except RecordError:
        raise refusals.no_room() from None


def _admit(platform: Platform, job: Job, version: Version) -> None:
    job.versions[version.version_id] = version
    platform.lifecycle.accept(version)
