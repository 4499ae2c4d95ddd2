"""The platform on a socket: aiohttp requests become request values, answers become bytes."""

import asyncio
from urllib.parse import parse_qsl

from aiohttp import web

from aiomodelarts._wire.message import Request, Response
from aiomodelarts.local import refusals
from aiomodelarts.local.answers import Answer, Tidy
from aiomodelarts.local.core import Core
from aiomodelarts.local.refusals import RefusedError

HOST = "127.0.0.1"
MAX_BODY = 12 * 1024 * 1024
_ROWS_ENCODED_ON_THE_LOOP = 50


class App:
    """Serves a core.

    Args:
        core: answers.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._served = 0

    async def __call__(self, incoming: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        try:
            request = await _read(incoming)
        except RefusedError as refused:
            return self._sent(Tidy().refusal("", refused.refusal).encode())
        return self._sent(await _encoded(await self._core.answer(request)))

    def _sent(self, response: Response) -> web.Response:
        self._served += 1
        headers = {**response.headers, "X-Request-Id": f"{self._served:032x}"}
        return web.Response(body=response.body, status=response.status, headers=headers)


async def _encoded(answer: Answer) -> Response:
    if answer.rows() > _ROWS_ENCODED_ON_THE_LOOP:
        return await asyncio.to_thread(answer.encode)
    return answer.encode()


async def _read(incoming: web.BaseRequest) -> Request:
    chunks: list[bytes] = []
    size = 0
    async for chunk in incoming.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY:
            raise refusals.too_large(MAX_BODY)
        chunks.append(chunk)
    path, _, query = incoming.raw_path.partition("?")
    return Request(
        method=incoming.method,
        origin=f"http://{incoming.host}",
        path=path,
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in incoming.headers.items()},
        body=b"".join(chunks),
    )


class Listener:
    """A listening socket on the loopback interface."""

    def __init__(self, app: App) -> None:
        self._runner = web.ServerRunner(web.Server(app, access_log=None), shutdown_timeout=1.0)
        self.port = 0

    async def open(self, port: int) -> None:
        """Listen; port 0 means any free one.

        Raises:
            OSError: the port is taken.
        """
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        await self._runner.cleanup()
