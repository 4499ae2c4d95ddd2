"""Visualization jobs."""

from functools import partial

from ..errors import Where
from ..models.listing import ListQuery
from ..models.visualization import VisualizationInfo, VisualizationPage, VisualizationSpec
from .call import Call, Kind, Site
from .envelope import read_done, read_value

_PATH = "/visualization-jobs"


def create_visualization_job(site: Site, spec: VisualizationSpec) -> Call[VisualizationInfo]:
    """createVisualizationJob: accepted, and starting in the background; the address comes later."""
    where = Where("createVisualizationJob")
    request = site.request("POST", _PATH, body=spec.as_wire())
    return Call(where, Kind.CREATE, request, partial(read_value, where=where, shape=VisualizationInfo))


def list_visualization_jobs(site: Site, query: ListQuery) -> Call[VisualizationPage]:
    """listVisualizationJobs: one page of those of the workspace."""
    where = Where("listVisualizationJobs")
    request = site.request("GET", _PATH, query.pairs({"workspace_id": site.workspace_id}))
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=VisualizationPage))


def get_visualization_job(site: Site, visualization_id: int) -> Call[VisualizationInfo]:
    """getVisualizationJob: by its number, whatever the page says about names."""
    where = Where("getVisualizationJob", visualization_id)
    request = site.request("GET", f"{_PATH}/{visualization_id}")
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=VisualizationInfo))


def update_visualization_job_description(site: Site, visualization_id: int, job_desc: str) -> Call[None]:
    """updateVisualizationJobDescription: an empty text clears it."""
    where = Where("updateVisualizationJobDescription", visualization_id)
    request = site.request("PUT", f"{_PATH}/{visualization_id}", body={"job_desc": job_desc})
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where))


def delete_visualization_job(site: Site, visualization_id: int) -> Call[None]:
    """deleteVisualizationJob: accepted; refused while it is being stopped."""
    where = Where("deleteVisualizationJob", visualization_id)
    request = site.request("DELETE", f"{_PATH}/{visualization_id}")
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where))


def stop_visualization_job(site: Site, visualization_id: int) -> Call[None]:
    """stopVisualizationJob: accepted; refused once it has ended."""
    where = Where("stopVisualizationJob", visualization_id)
    request = site.request("POST", f"{_PATH}/{visualization_id}/stop")
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where))


def restart_visualization_job(site: Site, visualization_id: int) -> Call[None]:
    """restartVisualizationJob: accepted; refused while it runs."""
    where = Where("restartVisualizationJob", visualization_id)
    request = site.request("POST", f"{_PATH}/{visualization_id}/restart")
    return Call(where, Kind.CHANGE, request, partial(read_done, where=where))
