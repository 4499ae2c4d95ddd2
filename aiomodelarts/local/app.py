"""The platform on a socket: aiohttp requests become request values, deliveries become bytes or broken lines."""

import asyncio
import hmac
import os
import re
import socket
import struct
from typing import Any
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from aiomodelarts._wire.message import Request, Response
from aiomodelarts.local import refusals
from aiomodelarts.local.answers import Answer, Tidy
from aiomodelarts.local.exchange import Delivery, Exchange
from aiomodelarts.local.faults import FaultRuleError, read_rules
from aiomodelarts.local.refusals import RefusedError
from aiomodelarts.status import JobStatus

HOST = "127.0.0.1"
MAX_BODY = 12 * 1024 * 1024
ADMIN_HEADER = "x-local-admin"
_ROWS_ENCODED_ON_THE_LOOP = 50
_DRIPS = 20
_VIEWER = re.compile(r"/visualization/(\d{1,19})/?", re.ASCII)


class App:
    """Serves an exchange, and the platform's own addresses below ``/_local``.

    Args:
        exchange: answers.
        admin_token: opens the addresses that change something.
    """

    def __init__(self, exchange: Exchange, admin_token: str) -> None:
        self._exchange = exchange
        self._admin_token = admin_token
        self._served = 0
        self._answering: set[asyncio.Task[Any]] = set()

    async def __call__(self, incoming: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            return await self._answered(incoming)
        finally:
            self._answering.discard(task)

    async def close(self) -> None:
        """End the answers to those who have left; the server forgets them when their connections close."""
        left = list(self._answering)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _answered(self, incoming: web.BaseRequest) -> web.StreamResponse:
        try:
            request = await _read(incoming)
            if request.path.startswith("/_local/"):
                return self._whole(self._own(request).encode())
            viewer = _VIEWER.fullmatch(request.path)
            if viewer is not None and request.method == "GET":
                return web.Response(text=self._viewer_page(int(viewer[1]), request))
            return await self._send(incoming, await self._exchange.serve(request))
        except RefusedError as refused:
            return self._whole(Tidy().refusal("", refused.refusal).encode())

    def _own(self, request: Request) -> Answer:
        if (request.method, request.path) == ("GET", "/_local/stats"):
            return Answer(200, dict(self._exchange.stats()))
        if request.path != "/_local/faults" or request.method not in ("PUT", "DELETE"):
            raise refusals.no_such_path(request.method, request.path)
        if not hmac.compare_digest(request.headers.get(ADMIN_HEADER, "").encode(), self._admin_token.encode()):
            return Answer(403, {"error": "X-Local-Admin has to carry the admin token of the ready file"})
        try:
            rules = read_rules(orjson.loads(request.body)) if request.method == "PUT" else ()
        except (FaultRuleError, orjson.JSONDecodeError) as error:
            return Answer(400, {"error": str(error)})
        self._exchange.faults.set(rules)
        return Answer(200, {"rules": len(rules)})

    def _viewer_page(self, job_id: int, request: Request) -> str:
        """What stands at the address of a visualization job."""
        job = self._exchange.core.board.visualizations.get(job_id)
        if job is None or job.status is not JobStatus.RUNNING:
            raise refusals.no_such_path(request.method, request.path)
        return (
            f"Visualization job {job.name} ({job.job_type}) of {job.train_url}\n"
            "The local platform draws nothing: point a viewer of your own at that folder of the bucket.\n"
        )

    async def _send(self, incoming: web.BaseRequest, delivery: Delivery) -> web.StreamResponse:
        if delivery.answer is None:
            _reset(incoming)
            return web.Response(status=500)
        response = await _encoded(delivery.answer)
        if not (delivery.drip_s or delivery.truncated) or not response.body:
            return self._whole(response)
        return await self._in_pieces(incoming, response, delivery)

    async def _in_pieces(self, incoming: web.BaseRequest, response: Response, delivery: Delivery) -> web.StreamResponse:
        streamed = web.StreamResponse(status=response.status, headers=self._headers(response))
        streamed.content_length = len(response.body)
        await streamed.prepare(incoming)
        if delivery.truncated:
            await streamed.write(response.body[: len(response.body) // 2])
            _close(incoming)
            return streamed
        step = max(1, -(-len(response.body) // _DRIPS))
        for start in range(0, len(response.body), step):
            await streamed.write(response.body[start : start + step])
            await asyncio.sleep(delivery.drip_s / _DRIPS)
        await streamed.write_eof()
        return streamed

    def _whole(self, response: Response) -> web.Response:
        return web.Response(body=response.body, status=response.status, headers=self._headers(response))

    def _headers(self, response: Response) -> dict[str, str]:
        self._served += 1
        return {**response.headers, "X-Request-Id": f"{self._served:032x}"}


async def _encoded(answer: Answer) -> Response:
    if answer.rows() > _ROWS_ENCODED_ON_THE_LOOP:
        return await asyncio.to_thread(answer.encode)
    return answer.encode()


def _reset(incoming: web.BaseRequest) -> None:
    """Cut the line so that the other side sees a reset, not an orderly end."""
    transport = incoming.transport
    if transport is None:
        return
    line = transport.get_extra_info("socket")
    if line is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _close(incoming: web.BaseRequest) -> None:
    if incoming.transport is not None:
        incoming.transport.close()


async def _read(incoming: web.BaseRequest) -> Request:
    path, _, query = incoming.raw_path.partition("?")
    return Request(
        method=incoming.method,
        origin=f"http://{incoming.host}",
        path=path,
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers=_headers_of(incoming),
        body=await _body(incoming),
    )


def _headers_of(incoming: web.BaseRequest) -> dict[str, str]:
    headers = {name.lower(): value for name, value in incoming.headers.items()}
    try:
        "".join(headers.values()).encode()
    except UnicodeEncodeError:
        raise refusals.unreadable_headers() from None
    return headers


async def _body(incoming: web.BaseRequest) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in incoming.content.iter_any():
            size += len(chunk)
            if size > MAX_BODY:
                raise refusals.too_large(MAX_BODY)
            chunks.append(chunk)
    except web.RequestPayloadError:
        raise refusals.unreadable_body("it does not arrive as its headers say") from None
    return b"".join(chunks)


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback interface; port 0 means any free one.

    Raises:
        OSError: the port is taken.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        # Python's own text names the address once more.
        reason = os.strerror(error.errno) if error.errno else str(error)
        told = f"cannot listen on {HOST}:{port}: {reason}; choose another port, or 0 for any free one"
        raise OSError(error.errno, told) from None


async def serve_on(line: socket.socket, app: App) -> web.ServerRunner:
    """Begin to answer; ``cleanup()`` of the result ends it."""
    runner = web.ServerRunner(web.Server(app, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    await web.SockSite(runner, line).start()
    return runner
