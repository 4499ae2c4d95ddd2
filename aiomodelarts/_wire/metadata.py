"""What a server in the cloud can ask about itself: the keys of the agency that it was given, and where it is."""

from functools import partial

from attrs import frozen

from ..errors import Where
from .call import Call, Kind, split_endpoint
from .envelope import read_object
from .iam import TemporaryKeys, read_temporary_keys
from .message import Request, Response

_TOKEN_LASTS_S = 6 * 3600


@frozen
class InstancePlace:
    """Where an instance is, as far as it is told."""

    project_id: str | None
    region_name: str | None


def open_metadata(endpoint: str) -> Call[str | None]:
    """The token that later questions carry, or None where the service knows none.

    Args:
        endpoint: of the metadata service.
    """
    headers = {"X-Metadata-Token-Ttl-Seconds": str(_TOKEN_LASTS_S)}
    where = Where("openInstanceMetadata")
    return Call(where, Kind.READ, _request("PUT", endpoint, "/meta-data/latest/api/token", headers), _read_token)


def security_key(endpoint: str, token: str | None) -> Call[TemporaryKeys]:
    """The temporary keys of the instance's agency.

    Args:
        endpoint: of the metadata service.
        token: what ``open_metadata`` gave.
    """
    where = Where("getInstanceSecurityKey")
    request = _request("GET", endpoint, "/openstack/latest/securitykey", _headers(token))
    return Call(where, Kind.READ, request, partial(read_temporary_keys, where=where))


def instance_place(endpoint: str, token: str | None) -> Call[InstancePlace]:
    """The project and the region of the instance.

    Args:
        endpoint: of the metadata service.
        token: what ``open_metadata`` gave.
    """
    where = Where("getInstanceMetadata")
    request = _request("GET", endpoint, "/openstack/latest/meta_data.json", _headers(token))
    return Call(where, Kind.READ, request, partial(_read_place, where=where))


def _request(method: str, endpoint: str, path: str, headers: dict[str, str]) -> Request:
    origin, base = split_endpoint(endpoint)
    return Request(method, origin, base + path, (), headers)


def _headers(token: str | None) -> dict[str, str]:
    return {} if token is None else {"X-Metadata-Token": token}


def _read_token(response: Response) -> str | None:
    text = response.body.decode("ascii", "replace").strip()
    return text if response.status == 200 and text.isprintable() and text else None


def _read_place(response: Response, where: Where) -> InstancePlace:
    data = read_object(response, where)
    project_id, region_name = data.get("project_id"), data.get("region_id")
    return InstancePlace(
        project_id if isinstance(project_id, str) else None, region_name if isinstance(region_name, str) else None
    )
