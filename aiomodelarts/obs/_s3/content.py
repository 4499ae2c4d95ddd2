"""Content in and out of buckets: the only module that knows obstore."""

import asyncio
import re
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ...errors import AnswerTimeout, ConfigurationError, ConnectionBroken, ModelArtsError, NotSent
from ..errors import ContentDamaged, NotFromStorage, ObsExists, ObsRefused
from ..path import ObsPath
from ..store import Content
from .address import Address
from .keyring import KeyRing
from .refusals import refusal
from .stoppable import sent

if TYPE_CHECKING:
    from obstore.store import S3Store

_STATUS = re.compile(r"status code: (\d{3})")
_NO_CONNECTION = re.compile(r"kind: Connect\b")
_TIMED_OUT = re.compile(r"timed out|TimedOut|kind: Timeout")
# Left to itself, obstore takes a proxy from the environment. Naming one, and no address for it, is how to prevent that.
_NO_PROXY = {"proxy_url": "http://127.0.0.1", "proxy_excludes": "*,0.0.0.0/0,::/0"}
# Every storage says these of what it keeps.
_NO_HEADER = re.compile("Header missing from response")
_LOOK_S = 0.005
_LOOKS = 400
_MISSING = 'object storage needs the package obstore: pip install "aiomodelarts[obs]"'


def imported() -> Any:
    """obstore, which comes with the extra ``obs``.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import obstore
        import obstore.exceptions
        import obstore.store
    except ImportError:
        raise ConfigurationError(_MISSING) from None
    return obstore


class ObjectContent:
    """Sends and fetches what objects hold.

    Args:
        endpoint: of the object store.
        region: part of the scope of signatures.
        ring: keys, asked for anew while a transfer goes on.
        max_retries: further tries of each request.
        request_s: limit on each request, in seconds.
        proxied: whether they go through a proxy that the environment names.
    """

    def __init__(
        self, endpoint: str, region: str, ring: KeyRing, max_retries: int, request_s: float, *, proxied: bool
    ) -> None:
        self._endpoint = endpoint
        self._region = region
        self._ring = ring
        self._max_retries = max_retries
        self._request_s = request_s
        self._proxied = proxied
        self._stores: dict[str, S3Store] = {}
        self._obstore = imported()

    async def put(self, path: ObsPath, content: Content, *, if_absent: bool) -> str | None:
        """Write an object with one request."""
        store = self._store(path.bucket)
        with _told(path):
            result = await self._obstore.put_async(
                store, path.key, content, use_multipart=False, mode="create" if if_absent else "overwrite"
            )
        return _bare(result["e_tag"])

    async def put_parts(
        self, path: ObsPath, parts: AsyncIterable[Content], part_bytes: int, at_once: int
    ) -> str | None:
        """Write an object in parts."""
        store = self._store(path.bucket)

        async def send(parts: AsyncIterable[Content]) -> Any:
            return await self._obstore.put_async(
                store, path.key, parts, use_multipart=True, chunk_size=part_bytes, max_concurrency=at_once
            )

        with _told(path):
            result = await sent(parts, send)
        return _bare(result["e_tag"])

    async def get(self, path: ObsPath, etag: str | None, start: int, end: int, size: int) -> Content:
        """A range of an object; the whole of it is asked for without one, as an empty object has no range."""
        answer = await self.answer(path, etag, start, end, size)
        with _told(path):
            content = await answer.bytes_async()
        _check_size(path, len(content), end - start)
        return memoryview(content)

    async def answer(self, path: ObsPath, etag: str | None, start: int, end: int, size: int) -> Any:
        """The answer to ``get``, with its content still to come."""
        options: dict[str, Any] = {"if_match": f'"{etag}"'} if etag else {}
        if (start, end) != (0, size):
            options["range"] = (start, end)
        with _told(path):
            return await self._obstore.get_async(self._store(path.bucket), path.key, options=options)

    async def pieces(self, path: ObsPath, answer: Any, size: int, about: int) -> AsyncGenerator[Content, None]:
        """The content of an answer as it comes."""
        came = 0
        with _told(path):
            async for piece in answer.stream(min_chunk_size=about):
                came += len(piece)
                if came <= size:
                    yield piece
        _check_size(path, came, size)

    async def sign(self, path: ObsPath, method: str, expires_s: float) -> str:
        """An address that works without keys for a while."""
        with _told(path):
            address: str = await self._obstore.sign_async(
                self._store(path.bucket), method, path.key, timedelta(seconds=expires_s)
            )
        return address

    def forget(self) -> None:
        """Have the keys asked for anew."""
        self._stores.clear()

    async def close(self) -> None:
        """Let go of the connections, which obstore closes when nobody holds its stores any more."""
        used = bool(self._stores)
        self.forget()
        if used:
            await _threads_are_out()

    def _store(self, bucket: str) -> "S3Store":
        if bucket not in self._stores:
            address = Address.of(self._endpoint, bucket)
            self._stores[bucket] = self._obstore.store.S3Store(
                bucket,
                endpoint=self._endpoint if address.by_path else address.origin,
                region=self._region,
                virtual_hosted_style_request=not address.by_path,
                unsigned_payload=True,
                credential_provider=self._keys,
                client_options={
                    "allow_http": self._endpoint.startswith("http://"),
                    "timeout": timedelta(seconds=self._request_s),
                    **({} if self._proxied else _NO_PROXY),
                },
                retry_config={"max_retries": self._max_retries},
            )
        return self._stores[bucket]

    async def _keys(self) -> dict[str, Any]:
        lease = await self._ring.current()
        keys = lease.keys
        expires = None if lease.expires_at is None else datetime.fromtimestamp(lease.expires_at, UTC)
        return {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "token": keys.security_token,
            "expires_at": expires,
        }


async def _threads_are_out() -> None:
    """Return when no thread of obstore is in Python any more, or soon enough.

    A thread that has told a result is on its way out of ``call_soon_threadsafe`` when the one who waited goes on. Were
    this the end of the program, the interpreter would end the thread right there, and Rust then aborts the process:
    all was done, and the exit code says otherwise.
    """
    for _ in range(_LOOKS):
        # At least once: one whose request was cancelled has yet to come in.
        await asyncio.sleep(_LOOK_S)
        if not set(sys._current_frames()) - {thread.ident for thread in threading.enumerate()}:
            return


@contextmanager
def _told(path: ObsPath) -> Iterator[None]:
    """Whatever obstore raises inside comes out as one of ours; ours come out as they are."""
    try:
        yield
    except ModelArtsError:
        raise
    except (imported().exceptions.BaseError, OSError, ValueError) as error:
        raise mapped(error, path) from None


def mapped(error: Exception, path: ObsPath) -> Exception:
    """Our name for one of obstore's errors. Its own text quotes the answer, and says how it came to be at length."""
    text = str(error)
    if isinstance(error, imported().exceptions.AlreadyExistsError):
        return ObsExists("there is such an object already", path=path)
    head = text.partition("\n\nDebug source:")[0]
    status = _STATUS.search(head)
    if status is not None:
        return refusal(int(status[1]), head, path)
    if isinstance(error, FileNotFoundError):
        return refusal(404, head, path)
    if isinstance(error, ValueError):
        return ObsRefused(f"it cannot be asked for: {head}", path=path)
    said = head.partition("\n")[0] or type(error).__name__
    if _TIMED_OUT.search(text):
        return AnswerTimeout(f"no complete answer within the limit: {path}: {said}")
    if _NO_CONNECTION.search(text):
        return NotSent(f"no connection: {path}: {said}")
    if "HTTP error" in head:
        return ConnectionBroken(f"the connection was lost: {path}: {said}")
    return NotFromStorage(path=path) if _NO_HEADER.search(head) else ObsRefused(said, path=path)


def _check_size(path: ObsPath, came: int, size: int) -> None:
    if came != size:
        raise ContentDamaged(f"{size} bytes were asked for, and {came} came", path=path)


def _bare(etag: str | None) -> str | None:
    return etag.strip('"') if etag else None
