"""moto's S3 in a process of its own, which counts what it is asked and misbehaves when told to.

It prints its port. ``/_test/counts`` tells and forgets the counts, those of the ``BYTES`` that were asked for in ranges
among them; ``/_test/open`` tells the ports of those who are connected; ``/_test/faults`` takes rules as JSON:
``{"method", "path" (regular expression), "count", "kind": "status" | "damage_answer" | "damage_request" | "delay" |
"cut", ...}``.
"""

import io
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

Start = Callable[..., Any]


class Watched:
    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._rules: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"].encode("latin-1").decode()
        if path.startswith("/_test/"):
            return self._admin(path, environ, start)
        method = environ["REQUEST_METHOD"]
        with self._lock:
            self._counts[f"{method} {path}"] += 1
            if asked := re.fullmatch(r"bytes=(\d+)-(\d+)", environ.get("HTTP_RANGE", "")):
                self._counts[f"BYTES {path}"] += int(asked[2]) - int(asked[1]) + 1
            rule = self._rule(method, path)
        if rule is None:
            return self._app(environ, start)
        return self._misbehave(rule, environ, start)

    def _rule(self, method: str, path: str) -> dict[str, Any] | None:
        for rule in self._rules:
            if rule["count"] and method == rule["method"] and re.search(rule["path"], path):
                rule["count"] -= 1
                return rule
        return None

    def _misbehave(self, rule: dict[str, Any], environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        kind = rule["kind"]
        if kind == "delay":
            time.sleep(rule["seconds"])
            return self._app(environ, start)
        if kind == "status":
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            body = f"<Error><Code>{rule['code']}</Code><Message>{rule.get('message', '')}</Message></Error>".encode()
            start(rule["status"], [("Content-Length", str(len(body))), *rule.get("headers", {}).items()])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
        if kind == "damage_request":
            content = bytearray(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            content[len(content) // 2] ^= 1
            environ["wsgi.input"] = io.BytesIO(bytes(content))
            return self._app(environ, start)
        content = bytearray(b"".join(self._app(environ, start)))
        if kind == "damage_answer":
            content[len(content) // 2] ^= 1
        elif kind == "cut":
            del content[len(content) // 2 :]
        return [bytes(content)]

    def _admin(self, path: str, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        with self._lock:
            if path == "/_test/faults":
                self._rules = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
            connected = sorted(OPEN - {int(environ["REMOTE_PORT"])})
            answer = json.dumps(connected if path == "/_test/open" else self._counts).encode()
            if environ["REQUEST_METHOD"] == "DELETE":
                self._counts.clear()
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
        return [answer]


OPEN: set[int] = set()


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        OPEN.add(self.client_address[1])
        try:
            super().handle()
        finally:
            OPEN.discard(self.client_address[1])

    def log(self, *_: object) -> None:
        return


def main() -> None:
    app = Watched(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main()
