"""Training jobs and their versions: one build/read pair an operation, named as in the contract."""

from functools import partial
from typing import Any

from attrs import evolve

from ..errors import Where
from ..models.job import CreatedVersion, JobDetail, JobPage, VersionPage
from ..models.listing import ListQuery
from ..models.spec import TrainingSpec
from .call import Call, Kind, Site
from .envelope import read_done, read_value, request_id
from .message import Response

MAX_PAGE = 1000


def create_training_job(site: Site, spec: TrainingSpec) -> Call[CreatedVersion]:
    """createTrainingJob: a new job, with its first version."""
    body: dict[str, Any] = {"job_name": spec.job_name, "job_desc": spec.job_desc or "", "config": spec.wire_config()}
    if site.workspace_id is not None:
        body["workspace_id"] = site.workspace_id
    where = Where("createTrainingJob")
    request = site.request("POST", "/training-jobs", body=body)
    return Call(where, Kind.CREATE, request, partial(_created, where=where))


def _created(response: Response, where: Where) -> CreatedVersion:
    """What a creation is answered with; the number of the exchange is in a header."""
    return evolve(read_value(response, where=where, shape=CreatedVersion), request_id=request_id(response))


def list_training_jobs(site: Site, query: ListQuery) -> Call[JobPage]:
    """listTrainingJobs: one page of the jobs of the workspace."""
    where = Where("listTrainingJobs")
    request = site.request("GET", "/training-jobs", query.pairs({"workspace_id": site.workspace_id}))
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=JobPage))


def update_training_job_description(site: Site, job_id: int, job_desc: str) -> Call[None]:
    """updateTrainingJobDescription: an empty text clears it."""
    where = Where("updateTrainingJobDescription", job_id)
    request = site.request("PUT", f"/training-jobs/{job_id}", body={"job_desc": job_desc})
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where))


def delete_training_job(site: Site, job_id: int) -> Call[None]:
    """deleteTrainingJob: accepted; the job can still be listed for a while."""
    where = Where("deleteTrainingJob", job_id)
    request = site.request("DELETE", f"/training-jobs/{job_id}")
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where))


def create_training_job_version(site: Site, spec: TrainingSpec) -> Call[CreatedVersion]:
    """createTrainingJobVersion: one more version of a job."""
    body = {"job_desc": spec.job_desc or "", "config": spec.wire_config()}
    where = Where("createTrainingJobVersion", spec.job_id)
    request = site.request("POST", f"/training-jobs/{spec.job_id}/versions", body=body)
    return Call(where, Kind.CREATE, request, partial(_created, where=where))


def list_training_job_versions(site: Site, job_id: int, page: int = 1, per_page: int = MAX_PAGE) -> Call[VersionPage]:
    """listTrainingJobVersions: one page; both numbers are always sent, since the default can mean ten rows or all."""
    where = Where("listTrainingJobVersions", job_id)
    query = (("per_page", str(per_page)), ("page", str(page)))
    request = site.request("GET", f"/training-jobs/{job_id}/versions", query)
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=VersionPage))


def get_training_job_version(site: Site, job_id: int, version_id: int) -> Call[JobDetail]:
    """getTrainingJobVersion: one version whole."""
    where = Where("getTrainingJobVersion", job_id, version_id)
    request = site.request("GET", f"/training-jobs/{job_id}/versions/{version_id}")
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=JobDetail))


def stop_training_job_version(site: Site, job_id: int, version_id: int) -> Call[None]:
    """stopTrainingJobVersion: accepted; the version passes through KILLING."""
    where = Where("stopTrainingJobVersion", job_id, version_id)
    request = site.request("POST", f"/training-jobs/{job_id}/versions/{version_id}/stop")
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where))


def delete_training_job_version(site: Site, job_id: int, version_id: int) -> Call[None]:
    """deleteTrainingJobVersion: accepted; the version can still be listed for a while, or stay as DELETE_FAILED."""
    where = Where("deleteTrainingJobVersion", job_id, version_id)
    request = site.request("DELETE", f"/training-jobs/{job_id}/versions/{version_id}")
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where))
