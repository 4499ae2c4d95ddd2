"""Rows of answers, written by hand as the pages print them."""

import math
from functools import lru_cache

import orjson

from aiomodelarts._wire.message import JsonObject
from aiomodelarts.local.board import Configuration, Job, Version, Visualization
from aiomodelarts.local.catalogue import ALGORITHMS, ENGINES, SPECS
from aiomodelarts.local.settings import RunSettings


@lru_cache(maxsize=4096)
def number_or_text(text: str) -> int | float | str:
    """The number that a text spells, if it spells it in the shortest way; the text otherwise."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text and math.isfinite(number) and abs(number) < 2**53:
            return number
    return text


def run_members(settings: RunSettings) -> JsonObject:
    """The members that versions and configurations share. What was not set is null."""
    engine_id = settings.engine_id
    if settings.model_id is not None and engine_id is None:
        engine_id = ALGORITHMS[settings.model_id].engine_id
    engine = None if engine_id is None else ENGINES.get(engine_id)
    spec = None if settings.spec_id is None else SPECS[settings.spec_id]
    return {
        "app_url": settings.app_url,
        "boot_file_url": settings.boot_file_url,
        "parameter": _parameters(settings),
        "spec_id": settings.spec_id,
        "core": None if spec is None else spec.core,
        "cpu": None if spec is None else spec.cpu,
        "gpu_num": None if spec is None else spec.gpu_num,
        "gpu_type": None if spec is None else spec.gpu_type,
        "worker_server_num": settings.workers,
        "data_url": settings.data_url,
        "train_url": settings.train_url,
        "log_url": settings.log_url,
        "dataset_id": settings.dataset_id,
        "dataset_version_id": settings.dataset_version_id,
        "dataset_name": settings.dataset_id,
        "dataset_version_name": settings.dataset_version_id,
        "data_source": list(settings.data_source) or None,
        "model_id": settings.model_id,
        "engine_type": None if engine is None else engine.engine_type,
        "engine_name": None if engine is None else engine.name,
        "engine_id": engine_id,
        "engine_version": None if engine is None else engine.version,
        "user_image_url": settings.user_image_url,
        "user_command": settings.user_command,
        "volumes": list(settings.volumes) or None,
        "pool_id": settings.pool_id,
        "pool_name": settings.pool_id,
        **_nas(settings),
    }


def version_row(version: Version, now_ms: int, lag_ms: int = 0) -> JsonObject:
    """A row of the version list, where system metrics are text."""
    seen_ms = now_ms - lag_ms
    status = version.status if lag_ms == 0 else version.status_at(seen_ms)
    row = run_members(version.settings)
    spec_id = version.settings.spec_id
    row |= {
        "version_id": version.version_id,
        "version_name": version.name,
        "pre_version_id": version.pre_version_id,
        "status": int(status),
        "create_time": version.create_ms,
        "start_time": version.start_ms,
        "duration": version.duration_ms(seen_ms),
        "resource_id": f"job{version.version_id:08x}",
        "gpu": bool(spec_id is not None and SPECS[spec_id].gpu_num),
        "model_metric_list": _as_text(version.model_metrics),
        "system_metric_list": _as_text(version.system_metrics),
    }
    return row


def version_detail(job: Job, version: Version, now_ms: int) -> JsonObject:
    """One version read by itself, where system metrics are an object."""
    row = version_row(version, now_ms)
    del row["gpu"]
    spec_id = version.settings.spec_id
    row |= {
        "job_id": job.job_id,
        "job_name": job.name,
        "job_desc": job.desc,
        "spec_code": None if spec_id is None else SPECS[spec_id].code,
        "system_metric_list": version.system_metrics,
    }
    return row


def created(job: Job, version: Version | None) -> JsonObject:
    """The answer to a creation."""
    row: JsonObject = {"job_id": job.job_id, "job_name": job.name}
    if version is None:
        return {**row, "status": 1, "create_time": job.create_ms, "version_id": None, "version_name": None}
    return {
        **row,
        "status": 1,
        "create_time": version.create_ms,
        "version_id": version.version_id,
        "version_name": version.name,
        "resource_id": f"job{version.version_id:08x}",
    }


def job_row(job: Job, now_ms: int) -> JsonObject:
    """A row of the job list: the newest version speaks for the job."""
    newest = job.newest()
    return {
        "job_id": job.job_id,
        "job_name": job.name,
        "version_id": None if newest is None else newest.version_id,
        "status": None if newest is None else int(newest.status),
        "create_time": job.create_ms,
        "duration": None if newest is None else newest.duration_ms(now_ms),
        "job_desc": job.desc,
        "version_count": len(job.versions),
    }


def configuration_row(configuration: Configuration) -> JsonObject:
    """A row of the list of configurations."""
    members = run_members(configuration.settings)
    names = ("engine_type", "engine_name", "engine_id", "engine_version", "user_image_url", "user_command")
    return {
        "config_name": configuration.name,
        "config_desc": configuration.desc,
        "create_time": configuration.create_ms,
        **{name: members[name] for name in names},
    }


def configuration_detail(configuration: Configuration) -> JsonObject:
    """One configuration, where core and memory are text."""
    members = run_members(configuration.settings)
    spec_id = configuration.settings.spec_id
    for name in ("core", "cpu"):
        members[name] = None if members[name] is None else str(members[name])
    return {
        "config_name": configuration.name,
        "config_desc": configuration.desc,
        "create_time": configuration.create_ms,
        "spec_code": None if spec_id is None else SPECS[spec_id].code,
        **members,
    }


def visualization_row(job: Visualization, now_ms: int, origin: str) -> JsonObject:
    """A visualization job. It has an address once it runs."""
    duration = 0 if job.start_ms is None else (job.end_ms or now_ms) - job.start_ms
    remaining = None
    if job.stop_after_ms and job.start_ms is not None and job.end_ms is None:
        remaining = max(0, job.stop_after_ms - duration)
    return {
        "job_id": job.job_id,
        "job_name": job.name,
        "job_desc": job.desc,
        "status": int(job.status),
        "create_time": job.create_ms,
        "duration": duration,
        "service_url": None if job.start_ms is None else f"{origin}/visualization/{job.job_id}/",
        "train_url": job.train_url,
        "resource_id": f"visualization{job.job_id:08x}",
        "remaining_duration": remaining,
    }


def _parameters(settings: RunSettings) -> list[JsonObject]:
    pairs = [{"label": label, "value": number_or_text(value)} for label, value in settings.parameters]
    if settings.model_id is None:
        return pairs
    return [{**pair, "required": True, "placeholder": "", "tip": None} for pair in pairs]


def _nas(settings: RunSettings) -> JsonObject:
    volume = next((item["nfs"] for item in settings.volumes if "nfs" in item), None)
    return {
        "nas_mount_path": None if volume is None else volume["dest_path"],
        "nas_share_addr": None if volume is None else volume["src_path"],
        "nas_type": None if volume is None else "nfs",
    }


def _as_text(value: JsonObject | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
