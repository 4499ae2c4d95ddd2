"""What can be chosen: flavours, engines and built-in algorithms."""

from functools import partial

from ..errors import Where
from ..models.catalog import BuiltInAlgorithmPage, EngineList, ResourceSpecList
from ..models.listing import ListQuery
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


def list_built_in_algorithms(site: Site, query: ListQuery) -> Call[BuiltInAlgorithmPage]:
    """listBuiltInAlgorithms: one page of them."""
    where = Where("listBuiltInAlgorithms")
    request = site.request("GET", "/built-in-algorithms", query.pairs())
    return Call(where, Kind.READ, request, partial(read_value, where=where, shape=BuiltInAlgorithmPage))
