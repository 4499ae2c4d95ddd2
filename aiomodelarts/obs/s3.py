"""Buckets of OBS, or of anything else that speaks S3."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from .._clock import Clock
from .._net.retry import Retry
from .._net.transport import Transport
from .._wire.message import Request, Response
from ..credentials import AccessKey
from ._s3 import answers, requests
from ._s3.address import Address
from ._s3.content import ObjectContent
from ._s3.keyring import KeyRing
from ._s3.refusals import refused
from ._s3.sigv4 import signed
from .errors import KeysExpired, ObsChanged, ObsNotFound, ObsRefused
from .keys import KeySource
from .path import ObsPath
from .store import Content
from .values import ObsEntry

T = TypeVar("T")

# What a scope names where no region is known; a storage that has one region does not look at it.
_ANY_REGION = "us-east-1"


class S3Store:
    """Object storage behind an endpoint; see ``Store`` for what each method does.

    Args:
        endpoint: with scheme, for instance ``https://obs.cn-north-4.myhuaweicloud.com``.
        region: part of the scope of signatures.
        keys: gives the keys to sign with.
        transport: carries the small requests; borrowed.
        retry: decides on another try of them.
        clock: dates the signatures.
        max_retries: further tries of each request that carries content.
        request_s: limit on each of these, in seconds.
        proxied: whether content goes through a proxy that the environment names.

    Raises:
        ConfigurationError: obstore is not installed.
    """

    def __init__(
        self,
        endpoint: str,
        region: str | None,
        keys: KeySource,
        transport: Transport,
        retry: Retry,
        clock: Clock,
        *,
        max_retries: int = 5,
        request_s: float = 300.0,
        proxied: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._region = region or _ANY_REGION
        self._transport = transport
        self._retry = retry
        self._clock = clock
        self._ring = KeyRing(keys, clock)
        self._content = ObjectContent(endpoint, self._region, self._ring, max_retries, request_s, proxied=proxied)

    async def pages(self, folder: ObsPath, *, recursive: bool) -> AsyncGenerator[Sequence[ObsEntry], None]:
        after: str | None = ""
        while after is not None:
            page = await self._page(folder, after, recursive=recursive)
            yield page.entries
            after = page.after

    async def stat(self, path: ObsPath) -> ObsEntry | None:
        if not path.key:
            await self._page(path, "", recursive=True, rows=1)
            return ObsEntry(path, is_folder=True)
        try:
            answer = await self._ask(path, lambda address: requests.head(address, path.key))
        except ObsNotFound:
            return None
        return answers.read_head(answer, path)

    async def get(self, entry: ObsEntry, start: int, end: int) -> Content:
        return await self._with_keys(lambda: self._content.get(entry.path, entry.etag, start, end, entry.size))

    async def stream(self, entry: ObsEntry, start: int, end: int, about: int) -> AsyncGenerator[Content, None]:
        path, etag = entry.path, entry.etag
        answer = await self._with_keys(lambda: self._content.answer(path, etag, start, end, entry.size))
        async for piece in self._content.pieces(path, answer, end - start, about):
            yield piece

    async def put(self, path: ObsPath, content: Content, *, if_absent: bool = False) -> str | None:
        if path.is_folder:
            answer = await self._ask(path, lambda address: requests.put_empty(address, path.key))
            return answers.etag_of(answer)
        return await self._with_keys(lambda: self._content.put(path, content, if_absent=if_absent))

    async def put_parts(
        self, path: ObsPath, parts: AsyncIterable[Content], part_bytes: int, at_once: int
    ) -> str | None:
        # What was read from ``parts`` cannot be read again, so this has to begin with keys that last for a while.
        keys = (await self._ring.current()).keys
        try:
            return await self._content.put_parts(path, parts, part_bytes, at_once)
        except KeysExpired as error:
            error.renewed = await self._renewed(keys)
            raise

    async def copy(self, source: ObsPath, target: ObsPath) -> None:
        answer = await self._ask(target, lambda address: requests.copy(address, target.key, source))
        if b"<Error>" in answer.body:
            # A copy takes long, so its status is sent before it is known how it ends.
            raise refused(answer, source, self._clock.now())

    async def delete(self, path: ObsPath) -> None:
        await self._ask(path, lambda address: requests.delete(address, path.key))

    async def fingerprint(self, entry: ObsEntry) -> str | None:
        return entry.etag

    async def exact(self, entry: ObsEntry) -> bool:
        answer = await self._ask(entry.path, lambda address: requests.head(address, entry.path.key))
        if answers.etag_of(answer) != entry.etag:
            raise ObsChanged("it was written anew meanwhile", path=entry.path)
        return not answers.foreign_etag(answer)

    async def presign(self, path: ObsPath, method: str, expires_s: float) -> str:
        if path.is_folder:
            raise ObsRefused("a folder has no address of its own", path=path)
        return await self._with_keys(lambda: self._content.sign(path, method, expires_s))

    async def close(self) -> None:
        await self._ring.close()
        await self._content.close()

    async def _page(self, folder: ObsPath, after: str, *, recursive: bool, rows: int | None = None) -> answers.Page:
        def listing(address: Address, *, encoded: bool = False) -> Request:
            return requests.list_page(address, folder.key, after, recursive=recursive, rows=rows, encoded=encoded)

        answer = await self._ask(folder, listing)
        try:
            return await asyncio.to_thread(answers.read_page, answer.body, folder.bucket)
        except answers.NotXml:
            # Somebody wrote a key with control characters.
            answer = await self._ask(folder, partial(listing, encoded=True))
            return await asyncio.to_thread(answers.read_page, answer.body, folder.bucket, encoded=True)

    async def _ask(self, path: ObsPath, build: Callable[[Address], Request]) -> Response:
        request = build(Address.of(self._endpoint, path.bucket))

        async def attempt() -> Response:
            keys = (await self._ring.current()).keys
            answer = await self._transport.send(signed(request, keys, self._region, self._clock.now()))
            if not 200 <= answer.status < 300:
                raise refused(answer, path, self._clock.now())
            return answer

        return await self._with_keys(lambda: self._retry.read(attempt))

    async def _with_keys(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What ``ask`` finds; it asks once more with other keys when those in use are over."""
        keys: AccessKey = (await self._ring.current()).keys
        try:
            return await ask()
        except KeysExpired:
            if not await self._renewed(keys):
                raise
            return await ask()

    async def _renewed(self, keys: AccessKey) -> bool:
        """Whether there are other keys than these, which are over."""
        if not await self._ring.refused(keys):
            return False
        self._content.forget()
        return True
