"""The small requests, as values: listing, markers, deletion, copies."""

from urllib.parse import quote

from ..._wire.message import Request
from ..path import ObsPath
from .address import Address


def list_page(
    address: Address, prefix: str, marker: str, *, recursive: bool, rows: int | None = None, encoded: bool = False
) -> Request:
    """One page of a bucket's keys: as many rows as the storage likes to give, or ``rows`` of them.

    This is the first version of the listing, without an encoding unless the keys need it: a parallel file system of OBS
    does not know the second version, and does not page when an encoding is asked for.
    """
    query = {"prefix": prefix, "marker": marker, "max-keys": str(rows or ""), "delimiter": "" if recursive else "/"}
    query["encoding-type"] = "url" if encoded else ""
    pairs = tuple((name, value) for name, value in query.items() if value)
    return Request("GET", address.origin, address.base + "/", pairs)


def head(address: Address, key: str) -> Request:
    """What is known of an object, without its content."""
    return Request("HEAD", address.origin, address.path(key))


def put_empty(address: Address, key: str) -> Request:
    """Write an object without content, such as the marker of a folder."""
    return Request("PUT", address.origin, address.path(key), headers={"Content-Length": "0"})


def delete(address: Address, key: str) -> Request:
    """Remove an object; the storage does not mind when there is none."""
    return Request("DELETE", address.origin, address.path(key))


def copy(address: Address, key: str, source: ObsPath) -> Request:
    """Write an object with the content of another one."""
    headers = {"x-amz-copy-source": quote(f"/{source.bucket}/{source.key}", safe="/~"), "Content-Length": "0"}
    return Request("PUT", address.origin, address.path(key), headers=headers)
