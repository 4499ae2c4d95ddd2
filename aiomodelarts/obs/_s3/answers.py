"""What the small requests are answered."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_plus
from xml.etree import ElementTree as Xml

from attrs import frozen

from ..._wire.message import Response
from ..errors import NotFromStorage, ObsTrouble
from ..path import ObsPath
from ..values import ObsEntry

_LISTING = "ListBucketResult"


@frozen
class Page:
    """One page of a listing.

    Args:
        entries: in the order of the keys.
        after: where the next page begins, or None on the last one.
    """

    entries: tuple[ObsEntry, ...]
    after: str | None


class NotXml(ObsTrouble):
    """An answer that is no XML: no listing, or one with keys which XML has no characters for."""


def read_page(body: bytes, bucket: str, *, encoded: bool = False) -> Page:
    """The page that an answer to a listing holds.

    Args:
        body: the answer.
        bucket: what was listed.
        encoded: whether keys in it are percent-encoded.

    Raises:
        NotXml: it cannot be read as it is.
        NotFromStorage: it is something else.
        ObsTrouble: it is no whole listing.
    """
    try:
        # expat itself bounds what entities may grow to.
        root = Xml.fromstring(body)  # noqa: S314
    except Xml.ParseError as error:
        if encoded and _LISTING.encode() not in body[:1024]:
            raise NotFromStorage(path=ObsPath(bucket)) from None
        raise NotXml(f"its listing cannot be read: {error}", path=ObsPath(bucket)) from None
    if root.tag.rpartition("}")[2] != _LISTING:
        # Without this, the page of a proxy would be a bucket that holds nothing.
        raise NotFromStorage(path=ObsPath(bucket))
    plain = unquote_plus if encoded else str
    try:
        entries = sorted(_entries(root, bucket, plain), key=lambda entry: entry.path.key.encode())
        more = _text(root, "IsTruncated") == "true"
    except ValueError as error:
        raise ObsTrouble(f"its listing cannot be read: {error}", path=ObsPath(bucket)) from None
    if not more:
        return Page(tuple(entries), None)
    after = plain(_text(root, "NextMarker")) or (entries[-1].path.key if entries else "")
    if not after:
        raise ObsTrouble("its listing says that there is more, but not where", path=ObsPath(bucket))
    return Page(tuple(entries), after)


def read_head(response: Response, path: ObsPath) -> ObsEntry:
    """The object that an answer to HEAD tells of.

    Raises:
        NotFromStorage: it tells of none.
    """
    modified = response.header("last-modified")
    if etag_of(response) is None and modified is None:
        raise NotFromStorage(path=path)
    return ObsEntry(
        path,
        int(response.header("content-length") or 0),
        parsedate_to_datetime(modified).astimezone(UTC) if modified else None,
        etag_of(response),
        is_folder=path.is_folder,
    )


def etag_of(response: Response) -> str | None:
    """The ETag of what was written or asked for, without its quotes."""
    return (response.header("etag") or "").strip('"') or None


def foreign_etag(response: Response) -> bool:
    """Whether the ETag comes from something else than the content: it does where others hold the key to it."""
    return any(
        "server-side-encryption" in name.lower() and ("kms" in value.lower() or "customer" in name.lower())
        for name, value in response.headers.items()
    )


def _entries(root: Xml.Element, bucket: str, plain: Callable[[str], str]) -> Iterator[ObsEntry]:
    for row in root.iterfind("{*}Contents"):
        key = plain(_text(row, "Key"))
        yield ObsEntry(
            ObsPath(bucket, key),
            int(_text(row, "Size") or 0),
            _date(_text(row, "LastModified")),
            _text(row, "ETag").strip('"') or None,
            is_folder=key.endswith("/"),
        )
    for row in root.iterfind("{*}CommonPrefixes"):
        yield ObsEntry(ObsPath(bucket, plain(_text(row, "Prefix"))), is_folder=True)


def _date(text: str) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _text(element: Xml.Element, name: str) -> str:
    return element.findtext(f"{{*}}{name}") or ""
