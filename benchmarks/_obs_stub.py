"""A server that speaks as much S3 as the clients of ``benchmarks.obs`` ask for, from memory, as fast as Python lets it.

It checks no signature. ``python -m benchmarks._obs_stub --delay 0.01`` prints its port and serves until it is ended.
"""

import argparse
import asyncio
import hashlib
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_DATE = "Tue, 24 Nov 2026 02:00:00 GMT"
_LAST = "2026-11-24T02:00:00.000Z"
_NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


class Objects:
    """What was written: key to pieces and ETag."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[list[bytes], int, str]] = {}
        self.parts: dict[str, dict[int, tuple[list[bytes], int, str]]] = {}
        self.uploads = 0


class Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, objects: Objects, delay_s: float) -> None:
        self._objects = objects
        self._delay_s = delay_s
        self._head = b""
        self._body: list[bytes] = []
        self._left = 0
        self._asked: tuple[str, str, dict[str, str]] | None = None
        self._digest: Any = None
        self._size = 0
        self._out: asyncio.WriteTransport | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._sending: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._out = transport

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        while data:
            if self._asked is None:
                self._head += data
                head, found, data = self._head.partition(b"\r\n\r\n")
                if not found:
                    return
                self._head = b""
                self._begin(head.decode("latin-1"))
            piece, data = data[: self._left], data[self._left :]
            if piece:
                self._body.append(piece)
                self._digest.update(piece)
                self._left -= len(piece)
            if self._left == 0:
                self._whole()

    def _begin(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self._asked, self._body = (method, target, headers), []
        self._size = self._left = int(headers.get("content-length", "0"))
        self._digest = hashlib.md5(usedforsecurity=False)
        if headers.get("expect", "").lower() == "100-continue":
            self._write(_CONTINUE)

    def _whole(self) -> None:
        """A request is complete; none of these clients sends another one before its answer."""
        if self._asked is None:
            return
        asked, self._asked = self._asked, None
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._answer, *asked)
        else:
            self._answer(*asked)

    def _answer(self, method: str, target: str, headers: dict[str, str]) -> None:
        parts = urlsplit(target)
        path, query = unquote(parts.path), parse_qs(parts.query, keep_blank_values=True)
        bucket, _, key = path.lstrip("/").partition("/")
        name = f"{bucket}/{key}"
        if method == "GET" and not key:
            self._list(bucket, query)
        elif method == "POST":
            self._multipart(name, query)
        elif method == "PUT":
            self._put(name, query)
        elif method in ("GET", "HEAD"):
            self._get(name, method, headers)
        else:
            self._objects.held.pop(name, None)
            self._say(204)

    def _put(self, name: str, query: dict[str, list[str]]) -> None:
        held = (self._body, self._size, self._digest.hexdigest())
        if "uploadId" in query:
            self._objects.parts[query["uploadId"][0]][int(query["partNumber"][0])] = held
        elif name[-1] != "/" or self._size == 0:
            self._objects.held[name] = held
        self._say(200, ETag=f'"{held[2]}"')

    def _multipart(self, name: str, query: dict[str, list[str]]) -> None:
        bucket, _, key = name.partition("/")
        if "uploads" in query:
            self._objects.uploads += 1
            upload = f"upload{self._objects.uploads}"
            self._objects.parts[upload] = {}
            told = f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
            self._xml(f"<InitiateMultipartUploadResult {_NS}>{told}</InitiateMultipartUploadResult>")
            return
        parts = [part for _, part in sorted(self._objects.parts.pop(query["uploadId"][0]).items())]
        digest = hashlib.md5(b"".join(bytes.fromhex(part[2]) for part in parts), usedforsecurity=False).hexdigest()
        etag = f"{digest}-{len(parts)}"
        pieces = [piece for part in parts for piece in part[0]]
        self._objects.held[name] = (pieces, sum(part[1] for part in parts), etag)
        told = f'<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><ETag>"{etag}"</ETag>'
        self._xml(f"<CompleteMultipartUploadResult {_NS}>{told}</CompleteMultipartUploadResult>")

    def _list(self, bucket: str, query: dict[str, list[str]]) -> None:
        first = {name: values[0] for name, values in query.items()}
        prefix = f"{bucket}/{first.get('prefix', '')}"
        after = first.get("marker") or first.get("continuation-token") or first.get("start-after") or ""
        keys = sorted(key for key in self._objects.held if key.startswith(prefix) and key > f"{bucket}/{after}")
        most = int(first.get("max-keys", "1000"))
        page, more = keys[:most], len(keys) > most
        rows = []
        for name in page:
            _, size, etag = self._objects.held[name]
            key = escape(name.partition("/")[2])
            rows.append(
                f"<Contents><Key>{key}</Key><LastModified>{_LAST}</LastModified><ETag>&quot;{etag}&quot;</ETag>"
                f"<Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            )
        last = escape(page[-1].partition("/")[2]) if page else ""
        head = f"<Name>{bucket}</Name><Prefix>{escape(first.get('prefix', ''))}</Prefix><MaxKeys>{most}</MaxKeys>"
        head += f"<IsTruncated>{str(more).lower()}</IsTruncated><KeyCount>{len(page)}</KeyCount><Marker></Marker>"
        if more:
            head += f"<NextMarker>{last}</NextMarker><NextContinuationToken>{last}</NextContinuationToken>"
        self._xml(f"<ListBucketResult {_NS}>{head}{''.join(rows)}</ListBucketResult>")

    def _get(self, name: str, method: str, headers: dict[str, str]) -> None:
        found = self._objects.held.get(name)
        if found is None:
            self._say(404)
            return
        pieces, size, etag = found
        start, end, status = 0, size, 200
        more = {"ETag": f'"{etag}"', "Last-Modified": _DATE, "Accept-Ranges": "bytes"}
        asked = headers.get("range")
        if asked is not None:
            low, _, high = asked.removeprefix("bytes=").partition("-")
            start, end, status = int(low), min(size, int(high) + 1 if high else size), 206
            more["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._head_out(status, end - start, "application/octet-stream", more)
        if method == "GET":
            task = asyncio.get_running_loop().create_task(self._send(pieces, start, end))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, pieces: list[bytes], start: int, end: int) -> None:
        at = 0
        for piece in pieces:
            low, high = max(start - at, 0), min(end - at, len(piece))
            if low < high:
                self._write(piece if (low, high) == (0, len(piece)) else memoryview(piece)[low:high])
                await self._may_write.wait()
            at += len(piece)
            if at >= end:
                return

    def _xml(self, text: str) -> None:
        body = f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()
        self._head_out(200, len(body), "application/xml", {})
        self._write(body)

    def _say(self, status: int, **headers: str) -> None:
        self._head_out(status, 0, "application/xml", headers)

    def _head_out(self, status: int, length: int, kind: str, more: dict[str, str]) -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        self._write(
            f"HTTP/1.1 {status} OK\r\nDate: {_DATE}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n"
            f"x-amz-request-id: 1\r\nConnection: keep-alive\r\n{lines}\r\n".encode()
        )

    def _write(self, content: bytes | memoryview) -> None:
        assert self._out is not None
        self._out.write(content)


async def _serve(delay_s: float) -> None:
    objects = Objects()
    server = await asyncio.get_running_loop().create_server(lambda: Line(objects, delay_s), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--delay", type=float, default=0.0, help="seconds from a whole request to its answer")
    asyncio.run(_serve(options.parse_args().delay))
