"""A neutral HTTP/1.1 server that answers as ModelArts documents and does as little else as it can.

It checks no signature and keeps no state but a counter, so that what a client costs is the client's own.
``python -m benchmarks.stub --delay 0.05 --rows 1000`` prints its address on one line and serves until it is ended.
"""

import argparse
import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import orjson

PROJECT_ID = "0123456789abcdef0123456789abcdef"
JOB_ID = 10
FIRST_VERSION_ID = 100
_CREATED = (
    b'{"is_success":true,"job_id":10,"job_name":"TestModelArtsJob","status":1,"create_time":1524189990635,'
    b'"version_id":%d,"version_name":"V%04d","resource_id":"jobafd08896"}'
)
_HEAD = (
    b"HTTP/1.1 %d OK\r\nDate: Tue, 24 Nov 2026 02:00:00 GMT\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: keep-alive\r\nX-Request-Id: 5d3a1c2e9f0b4c6d8e7f001122334455\r\n\r\n"
)
_SPEC = {
    "spec_id": 2,
    "core": "2",
    "cpu": "8",
    "gpu_num": 0,
    "gpu_type": "",
    "spec_code": "modelarts.vm.cpu.2u",
    "unit_num": 1,
    "max_num": 2,
    "storage": "",
    "interface_type": 1,
    "no_resource": False,
}
_ENGINE = {
    "engine_type": 13,
    "engine_name": "PyTorch",
    "engine_id": 31,
    "engine_version": "PyTorch-1.0.0-python3.6",
}


def version_row(number: int) -> dict[str, Any]:
    """One version as the documents show it, with the members of a row of the list."""
    return {
        "version_id": number,
        "version_name": f"V{number:04d}",
        "pre_version_id": 5,
        "engine_type": 1,
        "engine_name": "TensorFlow",
        "engine_id": 1,
        "engine_version": "TF-1.4.0-python2.7",
        "status": 10,
        "app_url": "/usr/app/",
        "boot_file_url": "/usr/app/boot.py",
        "create_time": 1524189990635,
        "start_time": 1563172362000,
        "parameter": [{"label": "learning_rate", "value": 0.01}, {"label": "batch_size", "value": "32"}],
        "duration": 532003,
        "spec_id": 1,
        "spec_code": "modelarts.vm.gpu.p100",
        "core": 2,
        "cpu": 8,
        "gpu_num": 2,
        "gpu_type": "Pnt1",
        "worker_server_num": 1,
        "data_url": "/usr/data/",
        "train_url": f"/usr/train/{number}/",
        "log_url": "/usr/log/",
        "dataset_version_id": "2ff0d6ba-c480-45ae-be41-09a8369bfc90",
        "dataset_id": "38277e62-9e59-48f4-8d89-c8cf41622c24",
        "dataset_name": "dataset-test",
        "dataset_version_name": "dataset-version-test",
        "data_source": [{"type": "obs", "data_url": "/qianjiajun-test/minst/data/"}],
        "user_image_url": "100.125.5.235:20202/jobmng/custom-cpu-base:1.0",
        "user_command": "bash -x /home/work/run_train.sh python /home/work/user-job-dir/app/train.py",
        "model_id": 1,
        "model_metric_list": '{"metric":[],"total_metric":{"total_metric_values":{"accuracy":0.937}}}',
        "system_metric_list": {"cpuUsage": ["0", "3.10", "5.76"], "memUsage": ["0", "0.77", "2.09"]},
        "volumes": [{"nfs": {"id": "43b37236-9afa-4855-8174-32254b9562e7", "src_path": "192.168.8.150:/"}}],
        "resource_id": "jobafd08896",
    }


def version_page(rows: int) -> bytes:
    """The answer of listTrainingJobVersions with so many rows."""
    page = {
        "is_success": True,
        "job_id": JOB_ID,
        "job_name": "TestModelArtsJob",
        "job_desc": "TestModelArtsJob desc",
        "version_count": rows,
        "versions": [version_row(number) for number in range(1, rows + 1)],
    }
    return orjson.dumps(page)


class Answers(Protocol):
    """What is said to a request, by its first line: status and body."""

    def to(self, request_line: bytes) -> tuple[int, bytes]: ...


class _Answers:
    """What is said to each request; everything but the number of the next version is made beforehand."""

    def __init__(self, rows: int) -> None:
        self.made = 0
        detail = {"is_success": True, "job_id": JOB_ID, "job_name": "TestModelArtsJob", **version_row(10)}
        self._specs = orjson.dumps({"is_success": True, "spec_total_count": 1, "specs": [_SPEC]})
        self._engines = orjson.dumps({"is_success": True, "engines": [_ENGINE]})
        self._detail = orjson.dumps(detail)
        self._page = version_page(rows)
        self._unknown = b'{"is_success":false,"error_code":"ModelArts.0101","error_message":"no such operation"}'

    def to(self, request_line: bytes) -> tuple[int, bytes]:
        method, _, rest = request_line.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if path.endswith(b"/versions"):
            return 200, self._created() if method == b"POST" else self._page
        if path.endswith(b"/resource-specs"):
            return 200, self._specs
        if path.endswith(b"/ai-engines"):
            return 200, self._engines
        if b"/versions/" in path:
            return 200, self._detail
        return 404, self._unknown

    def _created(self) -> bytes:
        self.made += 1
        return _CREATED % (FIRST_VERSION_ID + self.made, self.made)


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests come one after the other, as clients without pipelining send them."""

    def __init__(self, answers: Answers, delay_s: float, later: Callable[..., object]) -> None:
        self._answers = answers
        self._delay_s = delay_s
        self._later = later
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        received = self._received + data
        end = received.find(b"\r\n\r\n")
        if end < 0 or len(received) < end + 4 + _content_length(received[:end]):
            self._received = received
            return
        self._received = b""
        status, body = self._answers.to(received[: received.find(b"\r\n")])
        answer = _HEAD % (status, len(body)) + body
        if self._delay_s and received.startswith(b"POST"):
            self._later(self._delay_s, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _content_length(head: bytes) -> int:
    at = head.lower().find(b"\r\ncontent-length:")
    return 0 if at < 0 else int(head[at + 17 :].partition(b"\r\n")[0])


async def serve(delay_s: float, rows: int) -> None:
    """Serve for ever; the address goes to standard output once it listens."""
    await listen(_Answers(rows), delay_s)


async def listen(answers: Answers, delay_s: float = 0.0) -> None:
    """Answer for ever; the address goes to standard output."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(answers, delay_s, loop.call_later), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def running(delay_s: float = 0.0, rows: int = 1) -> Iterator[str]:
    """The address of a stub in a process of its own.

    Args:
        delay_s: time before a creation is answered, in seconds; reads are answered at once.
        rows: length of the page of versions.
    """
    with serving("stub", "--delay", str(delay_s), "--rows", str(rows)) as endpoint:
        yield endpoint


@contextlib.contextmanager
def serving(module: str, *options: str) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description="A neutral stub of ModelArts.")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before a creation is answered")
    parser.add_argument("--rows", type=int, default=1, help="rows of the page of versions")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(options.delay, options.rows))


if __name__ == "__main__":
    main()
