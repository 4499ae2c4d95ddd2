"""Objects from the standard input and to the standard output."""

import asyncio
import sys
from collections.abc import AsyncIterator

from ..obs import Obs, ObsPath

_CHUNK = 1 << 20


async def to_stdout(obs: Obs, path: ObsPath) -> None:
    """Write an object to the standard output as it comes."""
    async with obs.open(path) as content:
        async for chunk in content:
            await asyncio.to_thread(_write, chunk)


async def from_stdin(obs: Obs, path: ObsPath) -> int:
    """Write the standard input to an object, which appears when all of it is there; the number of its bytes."""
    size = 0
    async with obs.open(path, "wb") as target:
        async for chunk in _stdin():
            await target.write(chunk)
            size += len(chunk)
    return size


def _write(chunk: bytes) -> None:
    sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


async def _stdin() -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_CHUNK)
    try:
        # A pipe or a terminal can keep silent for long, and Ctrl-C has to end that.
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    except ValueError:
        while chunk := await asyncio.to_thread(sys.stdin.buffer.read, _CHUNK):
            yield chunk
        return
    try:
        while chunk := await reader.read(_CHUNK):
            yield chunk
    finally:
        transport.close()
