"""Visualization jobs: a viewer that runs until it is stopped or its hours are over, and can start again."""

from collections.abc import Callable

from aiomodelarts.local import bodies, queries, refusals, rows
from aiomodelarts.local.answers import Answer
from aiomodelarts.local.board import Visualization
from aiomodelarts.local.calls import Call, Platform
from aiomodelarts.local.operations.training import refuse_paths
from aiomodelarts.local.records import Change, RecordError
from aiomodelarts.local.states import VISUALIZATION_RESTARTABLE, VISUALIZATION_STOPPABLE
from aiomodelarts.status import JobStatus

QUOTA = 1000
STEP_S = 0.05
_KINDS = ("tensorboard", "mindinsight")
_KEYS: dict[str, Callable[[Visualization, int], object]] = {
    "job_id": lambda job, _: job.job_id,
    "job_name": lambda job, _: job.name,
    "job_desc": lambda job, _: job.desc,
    "create_time": lambda job, _: job.create_ms,
    "status": lambda job, _: int(job.status),
    "duration": lambda job, now: 0 if job.start_ms is None else (job.end_ms or now) - job.start_ms,
    "log_dir": lambda job, _: job.train_url,
}


def _find(platform: Platform, call: Call) -> Visualization:
    job_id = queries.path_id(call.path["job_id"], "job_id")
    job = platform.board.visualizations.get(job_id)
    if job is None:
        raise refusals.unknown_job(f"visualization job {job_id}")
    return job


async def create_visualization_job(platform: Platform, call: Call) -> Answer:
    """Make a visualization job; it starts by itself."""
    body = call.body()
    name = bodies.name_text(body, "job_name", 20)
    desc = bodies.description(body, "job_desc") or ""
    train_url = bodies.text(body, "train_url", required=True) or ""
    workspace = bodies.text(body, "workspace_id") or "0"
    kind = (bodies.text(body, "job_type") or "tensorboard").lower()
    if kind not in _KINDS:
        raise refusals.invalid("job_type", "tensorboard and mindinsight are allowed")
    stop_after = bodies.schedule_ms(body)
    await refuse_paths(platform, {"train_url": train_url})
    board = platform.board
    if any(other.name == name for other in board.visualizations.values()):
        raise refusals.name_taken("visualization job", name)
    if len(board.visualizations) >= QUOTA:
        raise refusals.quota_used_up(QUOTA)
    job = Visualization(board.next_id(), name, desc, workspace, train_url, kind, platform.now_ms(), stop_after)
    # On the board before it is recorded, so that the name is taken at once.
    board.visualizations[job.job_id] = job
    try:
        await platform.ports.journal.write([board.id_record(), job.record()])
    except RecordError:
        del board.visualizations[job.job_id]
        raise refusals.no_room() from None
    _start(platform, job)
    row = rows.visualization_row(job, platform.now_ms(), call.request.origin)
    return Answer(200, {member: row[member] for member in ("job_id", "job_name", "status", "create_time")})


async def list_visualization_jobs(platform: Platform, call: Call) -> Answer:
    """A page of the visualization jobs of one workspace."""
    number, per_page = queries.page(call.query, 1000)
    key = queries.choice(call.query, "sortBy", _KEYS, "job_id")
    order = queries.choice(call.query, "order", ("asc", "desc"), "asc")
    status, wanted = queries.status(call.query), queries.search(call.query)
    workspace = call.query.get("workspace_id") or "0"
    now = platform.now_ms()
    found = [
        job
        for job in platform.board.visualizations.values()
        if job.workspace_id == workspace
        and call.shows(job.create_ms, now)
        and wanted in job.name.lower()
        and (status is None or job.status == status)
    ]
    found.sort(key=lambda job: (_KEYS[key](job, now), job.job_id), reverse=order == "desc")
    start = (number - 1) * per_page
    page = [rows.visualization_row(job, now, call.request.origin) for job in found[start : start + per_page]]
    limit = max(0, QUOTA - len(platform.board.visualizations))
    return Answer(200, {"job_total_count": len(found), "job_count_limit": limit, "quotas": QUOTA, "jobs": page})


async def get_visualization_job(platform: Platform, call: Call) -> Answer:
    """One visualization job."""
    return Answer(200, rows.visualization_row(_find(platform, call), platform.now_ms(), call.request.origin))


async def update_visualization_job(platform: Platform, call: Call) -> Answer:
    """Change the description."""
    job = _find(platform, call)
    job.desc = bodies.description(call.body(), "job_desc", required=True) or ""
    platform.ports.journal.note([job.record()])
    return Answer(200, {})


async def delete_visualization_job(platform: Platform, call: Call) -> Answer:
    """Remove a visualization job, unless it is being stopped."""
    job = _find(platform, call)
    if job.status is JobStatus.KILLING:
        raise refusals.wrong_state("delete", int(job.status))
    platform.ports.later(STEP_S, lambda: _forget(platform, job))
    return Answer(200, {})


async def stop_visualization_job(platform: Platform, call: Call) -> Answer:
    """Begin to stop a visualization job."""
    job = _find(platform, call)
    if job.status not in VISUALIZATION_STOPPABLE:
        raise refusals.wrong_state("stop", int(job.status))
    _stop(platform, job)
    return Answer(200, {})


async def restart_visualization_job(platform: Platform, call: Call) -> Answer:
    """Start a visualization job that has ended."""
    job = _find(platform, call)
    if job.status not in VISUALIZATION_RESTARTABLE:
        raise refusals.wrong_state("restart", int(job.status))
    job.status, job.start_ms, job.end_ms = JobStatus.INIT, None, None
    platform.ports.journal.note([job.record()])
    _start(platform, job)
    return Answer(200, {})


def recover(platform: Platform) -> None:
    """Go on where an earlier process stopped."""
    for job in platform.board.visualizations.values():
        if job.status is JobStatus.KILLING:
            _advance(platform, job, JobStatus.KILLING, JobStatus.KILLED)
        elif job.status in VISUALIZATION_STOPPABLE:
            job.status = JobStatus.INIT
            _start(platform, job)


def _start(platform: Platform, job: Visualization) -> None:
    later = platform.ports.later
    later(STEP_S, lambda: _advance(platform, job, JobStatus.INIT, JobStatus.WAITING))
    later(2 * STEP_S, lambda: _advance(platform, job, JobStatus.WAITING, JobStatus.RUNNING))


def _stop(platform: Platform, job: Visualization) -> None:
    job.status = JobStatus.KILLING
    platform.ports.journal.note([job.record()])
    platform.ports.later(STEP_S, lambda: _advance(platform, job, JobStatus.KILLING, JobStatus.KILLED))


def _advance(platform: Platform, job: Visualization, before: JobStatus, after: JobStatus) -> None:
    # A stop or a removal may have come in between.
    if job.status is not before or job.job_id not in platform.board.visualizations:
        return
    job.status = after
    if after is JobStatus.RUNNING:
        started = job.start_ms = platform.now_ms()
        if job.stop_after_ms:
            platform.ports.later(job.stop_after_ms / 1000, lambda: _time_over(platform, job, started))
    else:
        job.end_ms = platform.now_ms() if after is JobStatus.KILLED else None
    platform.ports.journal.note([job.record()])


def _time_over(platform: Platform, job: Visualization, started_ms: int) -> None:
    if job.status is JobStatus.RUNNING and job.start_ms == started_ms:
        _stop(platform, job)


def _forget(platform: Platform, job: Visualization) -> None:
    if platform.board.visualizations.pop(job.job_id, None) is not None:
        platform.ports.journal.note([Change("visualizations", job.job_id, None)])
