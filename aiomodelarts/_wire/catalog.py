"""What can be chosen: flavours and engines."""

from functools import partial

from ..errors import Where
from ..models.catalog import EngineList, ResourceSpecList
from .call import Call, Kind, Site
from .envelope import read_value

_TRAIN = (("job_type", "train"),)


def list_resource_specs(site: Site) -> Call[ResourceSpecList]:
    """listResourceSpecs: the flavours for training."""
    where = Where("listResourceSpecs")
    request = site.request("GET", "/job/resource-specs", _TRAIN)
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=ResourceSpecList))


def list_engines(site: Site) -> Call[EngineList]:
    """listEngines: the engines for training."""
    where = Where("listEngines")
    request = site.request("GET", "/job/ai-engines", _TRAIN)
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=EngineList))
