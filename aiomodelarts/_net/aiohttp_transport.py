"""The only module that knows aiohttp's client and its errors."""

import asyncio

import aiohttp
from yarl import URL

from .._wire.message import Request, Response
from .._wire.signing import canonical_query
from ..errors import AnswerTimeout, ConnectionBroken, NotSent, SessionClosed, TransportError
from .transport import Timeouts

_UNUSABLE = "the address cannot be used"
# The most exact class wins: the tuple is searched from the front.
_MAPPED: tuple[tuple[type[BaseException], type[TransportError], str], ...] = (
    (aiohttp.ConnectionTimeoutError, NotSent, "no connection within the limit"),
    (aiohttp.ServerTimeoutError, AnswerTimeout, "no answer within the limit"),
    (TimeoutError, AnswerTimeout, "no complete answer within the limit"),
    (aiohttp.ClientConnectorError, NotSent, "no connection"),
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
        self._closed = False

    async def send(self, request: Request) -> Response:
        query = canonical_query(request.query)
        address = f"{request.origin}{request.path}?{query}" if query else f"{request.origin}{request.path}"
        try:
            # The signature covers the exact text, so nothing may be encoded anew.
            url = URL(address, encoded=True)
        except ValueError as error:
            raise NotSent(f"{_UNUSABLE}: {request.origin}: {error}") from error
        try:
            async with self._opened().request(
                request.method,
                url,
                headers=request.headers,
                data=request.body or None,
                timeout=self._timeout,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise mapped(error, request) from error
        # aiohttp's mapping finds names in any case, so it need not be copied.
        return Response(answer.status, answer.headers, body)

    async def close(self) -> None:
        self._closed = True
        if self._owned and self._http is not None:
            await self._http.close()
            # A TLS connection needs a turn of the loop to say goodbye.
            await asyncio.sleep(0)

    def _opened(self) -> aiohttp.ClientSession:
        if self._closed or (self._http is not None and self._http.closed):
            raise SessionClosed("the session is closed; open a new one")
        if self._http is None:
            # How many requests are in flight is decided above; a second bound here would only hide it.
            connector = aiohttp.TCPConnector(limit=0)
            self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._http


def mapped(error: BaseException, request: Request) -> TransportError:
    """Our name for one of aiohttp's errors, saying where the request went."""
    for foreign, ours, what in _MAPPED:
        if isinstance(error, foreign):
            reason = str(error) or type(error).__name__
            return ours(f"{what}: {request.method} {request.origin}{request.path}: {reason}")
    raise AssertionError(f"unmapped: {type(error).__name__}")
