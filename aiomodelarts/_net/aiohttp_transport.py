"""The only module that knows aiohttp's client and its errors."""

import asyncio
import socket
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from .._wire.message import Request, Response
from .._wire.signing import canonical_query
from ..errors import AnswerTimeout, ConnectionBroken, DecodeError, NotSent, SessionClosed, TransportError
from .transport import Timeouts

_UNUSABLE = "the address cannot be used"
# A thousand rows, or lines, take a few megabytes; a short text that was made to unpack into gigabytes is not read.
_LONGEST = 64 * 2**20
# The most exact class wins: the tuple is searched from the front.
_MAPPED: tuple[tuple[type[BaseException], type[TransportError], str], ...] = (
    (aiohttp.ConnectionTimeoutError, NotSent, "no connection within the limit"),
    (aiohttp.ServerTimeoutError, AnswerTimeout, "no answer within the limit"),
    (TimeoutError, AnswerTimeout, "no complete answer within the limit"),
    (aiohttp.ClientConnectorDNSError, NotSent, "no connection, as there is no such host or no network"),
    (aiohttp.ClientConnectorCertificateError, NotSent, "no connection, as its certificate is not trusted"),
    (aiohttp.ClientConnectorSSLError, NotSent, "no TLS connection, which http:// in the endpoint does without"),
    (aiohttp.ClientConnectorError, NotSent, "no connection"),
    # It would not open a tunnel, so that nothing went on from there.
    (aiohttp.ClientHttpProxyError, NotSent, "the proxy refused"),
    (aiohttp.ServerFingerprintMismatch, NotSent, "the certificate is not the expected one"),
    # Redirects are not followed; if ever one is, the first request had left.
    (aiohttp.RedirectClientError, ConnectionBroken, "the answer could not be read"),
    (aiohttp.InvalidURL, NotSent, _UNUSABLE),
    (aiohttp.NonHttpUrlClientError, NotSent, _UNUSABLE),
    # A host name that the name look-up cannot encode.
    (UnicodeError, NotSent, _UNUSABLE),
    (aiohttp.ClientConnectionError, ConnectionBroken, "the connection was lost"),
    (aiohttp.ClientError, ConnectionBroken, "the answer could not be read"),
    (ValueError, ConnectionBroken, "the answer could not be read"),
    (OSError, ConnectionBroken, "the connection was lost"),
    # A fault of the client itself, at a point that nobody knows.
    (Exception, ConnectionBroken, "the exchange failed"),
)


class AiohttpTransport:
    """Requests over one aiohttp session, owned or borrowed.

    Args:
        timeouts: limits on each exchange.
        http: a session to borrow, which is then never closed here; None opens one at the first request.
    """

    def __init__(self, timeouts: Timeouts, http: aiohttp.ClientSession | None = None) -> None:
        self._timeout = aiohttp.ClientTimeout(
            total=timeouts.total_s, sock_connect=timeouts.connect_s, sock_read=timeouts.read_s
        )
        self._http = http
        self._owned = http is None
        self._resolver = _InTime(timeouts.connect_s)
        self._closed = False

    async def send(self, request: Request) -> Response:
        query = canonical_query(request.query)
        address = f"{request.origin}{request.path}?{query}" if query else f"{request.origin}{request.path}"
        try:
            # The signature covers the exact text, so nothing may be encoded anew.
            url = URL(address, encoded=True)
        except ValueError as error:
            raise NotSent(f"{_UNUSABLE}: {request.origin}: {error}") from error
        http = self._opened()
        # Middlewares of one request take the place of those that a borrowed session has.
        own: dict[str, Any] = {}
        if request.method == "DELETE":
            own["middlewares"] = (*getattr(http, "_middlewares", ()), _once)
        try:
            async with http.request(
                request.method,
                url,
                headers=request.headers,
                data=request.body or None,
                timeout=self._timeout,
                allow_redirects=False,
                # A borrowed session can have other wishes.
                raise_for_status=False,
                auto_decompress=True,
                **own,
            ) as answer:
                # aiohttp's mapping finds names in any case, so it need not be copied.
                return Response(answer.status, answer.headers, await _whole(answer))
        except DecodeError:
            raise
        except aiohttp.ClientResponseError as error:
            failure = mapped(error, request)
        except Exception as error:
            # Whatever it is, bytes may have left.
            raise mapped(error, request) from error
        # This kind holds the request's headers, a token among them, so it goes no further.
        raise failure

    async def close(self) -> None:
        self._closed = True
        if self._owned and self._http is not None:
            await self._http.close()
            await self._resolver.close()
            # A TLS connection needs a turn of the loop to say goodbye.
            await asyncio.sleep(0)

    def _opened(self) -> aiohttp.ClientSession:
        if self._closed or (self._http is not None and self._http.closed):
            raise SessionClosed("the session is closed; open a new one")
        if self._http is None:
            # How many requests are in flight is decided above; a second bound here would only hide it.
            connector = aiohttp.TCPConnector(limit=0, resolver=self._resolver)
            self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._http


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from sending a deletion again by itself when the connection breaks: the second answer, that there
    is nothing to delete, would be taken for the first."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


class _InTime(AbstractResolver):
    """Looks names up within the limit on connecting, which aiohttp's own limit on a connection leaves out.

    Args:
        limit_s: in seconds, or None.
    """

    def __init__(self, limit_s: float | None) -> None:
        self._limit_s = limit_s
        self._resolver: AbstractResolver | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        # It wants a running loop.
        self._resolver = self._resolver or aiohttp.DefaultResolver()
        async with asyncio.timeout(self._limit_s):
            return await self._resolver.resolve(host, port, family)

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """The body, unless it is absurdly long.

    Raises:
        DecodeError: it is; not retryable, since it would be as long the next time.
    """
    if answer.method == "HEAD":
        # Its length is that of what a GET would bring.
        return b""
    length = answer.content_length
    if length is not None and length <= _LONGEST and "Content-Encoding" not in answer.headers:
        return await answer.read()
    pieces: list[bytes] = []
    size = length if length is not None and length > _LONGEST else 0
    while size <= _LONGEST:
        piece = await answer.content.readany()
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    raise DecodeError(f"the answer is longer than {_LONGEST // 2**20} MiB, so it was not read", status=answer.status)


def mapped(error: BaseException, request: Request) -> TransportError:
    """Our name for one of aiohttp's errors, saying where the request went."""
    path, _, query = request.path.partition("?")
    # Where an address brought its own query, that can be a key.
    told = str(error.message if isinstance(error, aiohttp.ClientResponseError) else error)
    reason = (told.replace(f"?{query}", "") if query else told) or type(error).__name__
    ours, what = next((ours, what) for foreign, ours, what in _MAPPED if isinstance(error, foreign))
    return ours(f"{what}: {request.method} {request.origin}{path}: {reason}")
