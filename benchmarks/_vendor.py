"""The vendor's core client, which signs and sends by itself, and as many threads as one would dare to start for it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, ClassVar

import orjson
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.client import Client, ClientBuilder
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.sdk_response import SdkResponse

from ._measure import ACCESS_KEY, SECRET_KEY
from .stub import PROJECT_ID

_CONNECTIONS = 128
_THREADS = 1000
_STACK = 256 * 1024


class _Anything(SdkResponse):
    """The client decodes into classes with listed members; what else there is stays in ``raw_content``."""

    openapi_types: ClassVar = {"is_success": "bool"}
    attribute_map: ClassVar = {"is_success": "is_success"}

    def __init__(self, is_success: bool | None = None) -> None:
        super().__init__()
        self.is_success = is_success


class Vendor:
    """Reads through the vendor's client; only the paths are ours."""

    def __init__(self, endpoint: str) -> None:
        config = HttpConfig.get_default_config()
        config.pool_connections = config.pool_maxsize = _CONNECTIONS
        builder = ClientBuilder(Client).with_credentials(BasicCredentials(ACCESS_KEY, SECRET_KEY, PROJECT_ID))
        self._client = builder.with_endpoint(endpoint).with_http_config(config).build()
        self._client.model_package = SimpleNamespace(_Anything=_Anything)

    def get(self, path: str, query: Sequence[tuple[str, object]] = ()) -> Any:
        """The answer, parsed. Blocks."""
        answer = self._client.do_http_request(
            "GET",
            f"/v1/{PROJECT_ID}/{path}",
            query_params=list(query),
            header_params={"Content-Type": "application/json"},
            response_type="_Anything",
        )
        return orjson.loads(answer.raw_content)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


async def in_threads(work: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> None:
    """Do the work for each of the arguments in a thread of its own; beyond 1,000 they queue up."""
    threading.stack_size(_STACK)
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(min(_THREADS, len(arguments))) as pool:
        await asyncio.gather(*(loop.run_in_executor(pool, work, *which) for which in arguments))
