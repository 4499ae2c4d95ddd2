"""A server that writes down what it is asked, as an endpoint and as a proxy to one, and says yes to everything."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import field, frozen


@frozen
class Seen:
    """One request, as its bytes said."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@frozen
class Recording:
    """Where the server listens, and what it saw."""

    port: int
    seen: list[Seen] = field(factory=list)


@asynccontextmanager
async def recording() -> AsyncIterator[Recording]:
    """A server that runs inside the block."""
    seen: list[Seen] = []
    serving: dict[asyncio.Task[None] | None, asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving[asyncio.current_task()] = writer
        try:
            while head := await _head(reader):
                method, target, headers = head
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                seen.append(Seen(method, target, headers, body))
                etag = hashlib.md5(body).hexdigest()
                writer.write(f'HTTP/1.1 200 OK\r\nETag: "{etag}"\r\nContent-Length: 0\r\n\r\n'.encode())
                await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Recording(server.sockets[0].getsockname()[1], seen)
    finally:
        server.close()
        # Clients keep their connections for later.
        for writer in serving.values():
            writer.close()
        await asyncio.gather(*[task for task in serving if task is not None])


async def _head(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]] | None:
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    method, target, _ = lines[0].split(" ")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    return method, target, {name.lower(): value for name, value in headers.items()}
