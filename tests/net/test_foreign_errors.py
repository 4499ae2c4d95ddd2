"""Every error that aiohttp exports has a name of ours."""

import inspect
import ssl
import types

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from aiomodelarts import (
    AnswerTimeout,
    ConnectionBroken,
    NotSent,
)
from aiomodelarts._net.aiohttp_transport import mapped
from aiomodelarts._wire.message import Request

NEVER_LEFT = {
    "ClientHttpProxyError",
    "ClientConnectorCertificateError",
    "ClientConnectorDNSError",
    "ClientConnectorError",
    "ClientConnectorSSLError",
    "ClientProxyConnectionError",
    "ClientSSLError",
    "ConnectionTimeoutError",
    "InvalidURL",
    "InvalidUrlClientError",
    "NonHttpUrlClientError",
    "ServerFingerprintMismatch",
    "UnixClientConnectorError",
}

TIMEOUTS = {"ServerTimeoutError", "SocketTimeoutError"}

# Redirects are not followed and no websocket is opened, but they are exported, so they are mapped.
LOST = {
    "ClientConnectionError",
    "ClientConnectionResetError",
    "ClientError",
    "ClientOSError",
    "ClientPayloadError",
    "ClientResponseError",
    "ContentTypeError",
    "InvalidUrlRedirectClientError",
    "NonHttpUrlRedirectClientError",
    "RedirectClientError",
    "ServerConnectionError",
    "ServerDisconnectedError",
    "TooManyRedirects",
    "UploadAbortedError",
    "WSMessageTypeError",
    "WSServerHandshakeError",
}


def _client_errors() -> dict[str, type[Exception]]:
    from aiohttp import client_exceptions

    found = {name: thing for module in (aiohttp, client_exceptions) for name, thing in vars(module).items()}
    return {
        name: thing
        for name, thing in found.items()
        if inspect.isclass(thing) and issubclass(thing, aiohttp.ClientError) and not name.startswith("_")
    }


def _instance(kind: type[Exception]) -> Exception:
    error = kind.__new__(kind)
    error.args = ("reason",)
    key = ConnectionKey("host", 80, False, True, None, None, None)
    info = types.SimpleNamespace(real_url=URL("http://host"))
    for name, value in {
        "_conn_key": key,
        "_os_error": OSError(111, "refused"),
        "_certificate_error": ssl.CertificateError("bad"),
        "_path": "/socket",
        "request_info": info,
        "status": 500,
        "message": "m",
        "expected": b"a",
        "got": b"b",
        "host": "h",
        "port": 1,
        "_description": None,
        "_url": "x",
    }.items():
        try:
            setattr(error, name, value)
        except AttributeError:
            continue
    return error


@pytest.mark.parametrize("name", sorted(_client_errors()))
def test_every_exported_error_of_aiohttp_has_our_name(name: str) -> None:
    ours = type(mapped(_instance(_client_errors()[name]), Request("GET", "http://127.0.0.1", "/")))
    expected = NotSent if name in NEVER_LEFT else AnswerTimeout if name in TIMEOUTS else ConnectionBroken
    assert name in NEVER_LEFT | TIMEOUTS | LOST, "a new error of aiohttp: decide which of ours it is"
    assert ours is expected
