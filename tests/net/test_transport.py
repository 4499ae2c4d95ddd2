"""The line out on real sockets: what is sent, what comes back, and which error it is when nothing does."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from attrs import astuple

from aiomodelarts import (
    AnswerTimeout,
    ConnectionBroken,
    DecodeError,
    NotSent,
    SessionClosed,
    Timeouts,
    TransportError,
)
from aiomodelarts._create.outcomes import Outcome, outcome_of
from aiomodelarts._net.aiohttp_transport import AiohttpTransport
from aiomodelarts._wire.message import Request
from tests.net.servers import Behaviour, closes, http, never, resets, serving

OK = http(b"{}")
QUICK = Timeouts(connect_s=0.2, read_s=0.2, total_s=0.5)


@pytest.fixture
async def transport() -> AsyncIterator[AiohttpTransport]:
    transport = AiohttpTransport(QUICK)
    yield transport
    await transport.close()


def get(origin: str, path: str = "/v1/p/x", **members: Any) -> Request:
    return Request("GET", origin, path, **members)


def post(origin: str, body: bytes = b"{}") -> Request:
    return Request("POST", origin, "/v1/p/x", (), {"Content-Type": "application/json"}, body)


async def test_path_and_query_go_out_byte_for_byte_as_signed(transport: AiohttpTransport) -> None:
    query = (("search_content", "a b/~ü+&="), ("empty", ""), ("page", "1"))
    async with serving(OK) as server:
        await transport.send(get(server.origin, "/v1/p/a%2Fb%20~/x%C3%BC", query=query))
    line = server.requests[0].split(b"\r\n")[0].decode()
    assert line == "GET /v1/p/a%2Fb%20~/x%C3%BC?empty=&page=1&search_content=a%20b%2F~%C3%BC%2B%26%3D HTTP/1.1"
    assert f"host: 127.0.0.1:{server.port}".encode() in server.requests[0].lower()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere.invalid", "no connection, as there is no such host or no network: GET https://nowhere.invalid/"),
        (None, "no TLS connection, which http:// in the endpoint does without: GET https://127.0.0.1"),
    ],
)
async def test_why_there_is_no_connection_is_said_in_words(
    transport: AiohttpTransport, name: str | None, told: str
) -> None:
    async with serving(OK, read=False) as server:
        origin = server.origin.replace("http:", "https:") if name is None else f"https://{name}"
        with pytest.raises(NotSent, match=told):
            await transport.send(get(origin))


async def test_a_proxy_that_opens_no_tunnel_has_sent_nothing_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(http(b"", "407 Proxy Authentication Required")) as server:
        monkeypatch.setenv("https_proxy", server.origin.replace("http://", "http://mei:secret@"))
        async with aiohttp.ClientSession(trust_env=True) as mine:
            with pytest.raises(NotSent, match=r"the proxy refused: .* Proxy Authentication Required") as caught:
                await AiohttpTransport(QUICK, mine).send(get("https://service.invalid"))
    assert server.requests[0].startswith(b"CONNECT service.invalid:443 ")
    assert "secret" not in f"{caught.value!r} {caught.value}"


async def test_a_body_goes_out_as_it_is(transport: AiohttpTransport) -> None:
    async with serving(OK) as server:
        await transport.send(post(server.origin, '{"ü": 1}'.encode()))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == '{"ü": 1}'.encode()
    assert head.lower().count(b"content-type") == 1
    assert b"content-type: application/json" in head.lower()
    assert b"content-length: 9" in head.lower()


async def test_a_post_without_body_says_so_finding_10(transport: AiohttpTransport) -> None:
    async with serving(OK) as server:
        await transport.send(post(server.origin, b""))
    assert b"content-length: 0" in server.requests[0].lower()
    assert b"transfer-encoding" not in server.requests[0].lower()


async def test_a_get_has_no_body_and_no_content_type_of_its_own(transport: AiohttpTransport) -> None:
    async with serving(OK) as server:
        await transport.send(get(server.origin))
    assert b"octet-stream" not in server.requests[0].lower()
    assert b"transfer-encoding" not in server.requests[0].lower()


async def test_the_answer_comes_back_whole_whatever_its_status(transport: AiohttpTransport) -> None:
    async with serving(http(b'{"a": 1}', "418 Teapot", "X-Request-Id: r1", "X-SUBJECT-TOKEN: t")) as server:
        answer = await transport.send(get(server.origin))
    assert (answer.status, answer.body) == (418, b'{"a": 1}')
    assert answer.header("x-request-id") == "r1"
    assert answer.header("x-subject-token") == "t"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
async def test_redirects_are_not_followed(transport: AiohttpTransport, status: str) -> None:
    async with serving(http(b"", status, "Location: http://127.0.0.1:1/steal")) as server:
        answer = await transport.send(get(server.origin))
    assert answer.status == int(status[:3])
    assert len(server.requests) == 1


async def test_cookies_are_not_kept(transport: AiohttpTransport) -> None:
    async with serving(http(b"{}", "200 OK", "Set-Cookie: session=1; Path=/"), keep=True) as server:
        for _ in range(2):
            await transport.send(get(server.origin))
    assert b"cookie" not in server.requests[1].lower()


_GARBAGE = b"\x00\x01garbage\r\n\r\n"
_SLOW_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"


def _says(first: bytes, then: Behaviour) -> Behaviour:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await writer.drain()
        await then(reader, writer)

    return behaviour


async def _drips(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (closes, ConnectionBroken),
        (resets, ConnectionBroken),
        (never, AnswerTimeout),
        (_drips, AnswerTimeout),
        (_GARBAGE, ConnectionBroken),
        (b"HTTP/9.9 999999\r\n\r\n", ConnectionBroken),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", ConnectionBroken),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", ConnectionBroken),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ConnectionBroken),
        (_says(_SLOW_HEAD, closes), ConnectionBroken),
        (_says(_SLOW_HEAD, resets), ConnectionBroken),
        (_says(_SLOW_HEAD, never), AnswerTimeout),
        (_says(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 20000, never), ConnectionBroken),
    ],
)
async def test_once_bytes_have_left_the_work_may_have_been_done(
    transport: AiohttpTransport, behaviour: Behaviour | bytes, error: type[TransportError]
) -> None:
    async with serving(behaviour) as server:
        with pytest.raises(TransportError) as caught:
            await transport.send(post(server.origin))
    assert type(caught.value) is error
    assert outcome_of(caught.value) is Outcome.UNKNOWN
    assert caught.value.retryable
    assert server.origin in str(caught.value)
    # A create that is sent again under the hood is a second version.
    assert len(server.requests) == 1


async def test_a_post_on_a_connection_that_died_in_the_pool_is_not_sent_again_by_itself(
    transport: AiohttpTransport,
) -> None:
    answered = []

    async def once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered.append(True)
        if len(answered) == 2:
            writer.transport.abort()
            return
        writer.write(OK)
        await writer.drain()

    async with serving(once, keep=True) as server:
        await transport.send(post(server.origin))
        with pytest.raises(ConnectionBroken):
            await transport.send(post(server.origin))
    assert len(server.requests) == 2


async def test_a_deletion_whose_answer_is_lost_is_not_sent_again_by_itself(transport: AiohttpTransport) -> None:
    # The second one would be told that there is nothing to delete, and whoever asked would not know that it was theirs.
    async with serving(closes) as server:
        with pytest.raises(ConnectionBroken):
            await transport.send(Request("DELETE", server.origin, "/v1/p/x"))
    assert [request.split(b" ")[0] for request in server.requests] == [b"DELETE"]


_BOMB = gzip.compress(bytes(80 * 2**20), 9)


@pytest.mark.parametrize(
    "answered",
    [
        pytest.param(http(_BOMB, "200 OK", "Content-Encoding: gzip"), id="a bomb"),
        pytest.param(http(b"", "200 OK").replace(b"Length: 0", b"Length: 99999999999"), id="announced"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + _BOMB, id="without a length"),
    ],
)
async def test_an_absurdly_long_answer_is_not_read(answered: bytes) -> None:
    transport = AiohttpTransport(Timeouts())
    async with serving(answered) as server:
        with pytest.raises(DecodeError, match="longer than 64 MiB") as caught:
            await transport.send(post(server.origin))
    await transport.close()
    assert outcome_of(caught.value) is Outcome.UNKNOWN


async def test_a_question_about_something_long_is_answered_without_it(transport: AiohttpTransport) -> None:
    about = http(b"", "200 OK").replace(b"Length: 0", b"Length: 99999999999")
    async with serving(about) as server:
        answer = await transport.send(Request("HEAD", server.origin, "/large"))
    assert (answer.header("content-length"), answer.body) == ("99999999999", b"")


async def test_a_packed_answer_is_unpacked(transport: AiohttpTransport) -> None:
    async with serving(http(gzip.compress(b"x" * 100_000), "200 OK", "Content-Encoding: gzip")) as server:
        assert (await transport.send(get(server.origin))).body == b"x" * 100_000


async def test_a_name_look_up_that_hangs_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(*_: object, **__: object) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr(aiohttp.DefaultResolver, "resolve", hangs)
    transport = AiohttpTransport(Timeouts(connect_s=0.05, total_s=5.0))
    with pytest.raises(NotSent, match="no connection within the limit"):
        await transport.send(post("http://host.example.com"))
    await transport.close()


async def test_a_fault_of_the_client_may_have_sent_something(
    transport: AiohttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise AttributeError("write")

    monkeypatch.setattr(aiohttp.ClientResponse, "read", fails)
    async with serving(OK) as server:
        with pytest.raises(ConnectionBroken, match=r"the exchange failed.*write"):
            await transport.send(post(server.origin))


async def test_an_answer_that_cannot_be_read_keeps_no_headers_of_the_request(transport: AiohttpTransport) -> None:
    request = Request("GET", "", "/x?key=SECRET-QUERY", (), {"X-Auth-Token": "SECRET-TOKEN"})
    async with serving(_GARBAGE) as server:
        with pytest.raises(ConnectionBroken) as caught:
            await transport.send(Request("GET", server.origin, *astuple(request, recurse=False)[2:]))
    error: BaseException | None = caught.value
    while error is not None:
        assert "SECRET" not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:{closed}",
        "http://no-such-host.invalid",
        "https://127.0.0.1:{plain}",
        "http://" + "a" * 64 + ".com",
        "http://[::1",
        "http://",
    ],
)
async def test_what_never_left_was_certainly_not_done(transport: AiohttpTransport, origin: str) -> None:
    async with serving(http(b"no TLS here"), read=False) as server:
        # It is taken, so that nobody else listens there, and nobody does.
        closed = socket.socket()
        closed.bind(("127.0.0.1", 0))
        address = origin.format(closed=closed.getsockname()[1], plain=server.port)
        with closed, pytest.raises(TransportError) as caught:
            await transport.send(post(address))
    assert type(caught.value) is NotSent
    assert outcome_of(caught.value) is Outcome.NOT_HANDLED


async def test_a_connection_that_is_never_made_is_not_sent() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        transport = AiohttpTransport(QUICK)
        try:
            with pytest.raises(NotSent):
                await transport.send(post(f"http://127.0.0.1:{full.getsockname()[1]}"))
        finally:
            await transport.close()
            for filler in fillers:
                filler.close()


async def test_cancelling_a_request_is_not_swallowed(transport: AiohttpTransport) -> None:
    async with serving(never) as server:
        task = asyncio.ensure_future(transport.send(get(server.origin)))
        while not server.requests:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_borrowed_session_stays_open_and_an_owned_one_does_not() -> None:
    async with serving(OK, keep=True) as server, aiohttp.ClientSession() as http_session:
        borrowing = AiohttpTransport(QUICK, http_session)
        await borrowing.send(get(server.origin))
        await borrowing.close()
        assert not http_session.closed
        with pytest.raises(SessionClosed):
            await borrowing.send(get(server.origin))
        async with http_session.get(server.origin) as answer:
            assert answer.status == 200


async def test_what_a_borrowed_session_does_by_itself_changes_no_answer() -> None:
    packed = http(gzip.compress(b"{}"), "404 Not Found", "Content-Encoding: gzip")
    async with (
        serving(packed, keep=True) as server,
        aiohttp.ClientSession(raise_for_status=True, auto_decompress=False) as http_session,
    ):
        answer = await AiohttpTransport(QUICK, http_session).send(get(server.origin))
    assert (answer.status, answer.body) == (404, b"{}")


async def test_a_closed_transport_opens_nothing_again() -> None:
    transport = AiohttpTransport(QUICK)
    await transport.close()
    await transport.close()
    with pytest.raises(SessionClosed):
        await transport.send(get("http://127.0.0.1:1"))


async def test_a_borrowed_session_that_its_owner_closed_says_so() -> None:
    session = aiohttp.ClientSession()
    await session.close()
    with pytest.raises(SessionClosed):
        await AiohttpTransport(QUICK, session).send(get("http://127.0.0.1:1"))
