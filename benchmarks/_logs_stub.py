"""The far side of ``benchmarks.logs``: versions whose logs grow by so many lines a second, and end with them."""

import argparse
import asyncio
import contextlib
import time
from collections import Counter
from urllib.parse import unquote

import orjson
from attrs import define, field

from .stub import PROJECT_ID, listen, version_row

JOB_ID = 10
# The first line is there from the start, so that a loop by hand has a marker to go on from; the others come later.
HEAD_START_S = 1.0
_PAGE = 1000
_MARKERS_FROM = 10**18
_UNKNOWN = 404, b'{"is_success":false,"error_code":"ModelArts.0101","error_message":"no such operation"}'


def line(version: int, number: int) -> str:
    """What stands on a line of a version's log; readers check it."""
    return f"2026-11-24 02:00:00 worker-{version} step {number} loss=0.{number % 9973:04d}"


@define
class _Logs:
    """Answers as the documents say."""

    versions: int
    lines: int
    lines_per_s: float
    begun: float | None = None
    requests: Counter[str] = field(factory=Counter)

    def to(self, request_line: bytes) -> tuple[int, bytes]:
        path, _, query = request_line.split(b" ")[1].decode().partition("?")
        if path == "/figures":
            return 200, orjson.dumps({"begun": self.begun, "requests": sum(self.requests.values()), **self.requests})
        if self.begun is None:
            self.begun = time.time()
        passed = max(0.0, time.time() - self.begun - HEAD_START_S)
        written = min(self.lines, 1 + int(passed * self.lines_per_s))
        parts = path.removeprefix(f"/v1/{PROJECT_ID}/training-jobs/{JOB_ID}/versions").strip("/").split("/")
        asked = dict(pair.split("=") for pair in query.split("&") if pair)
        self.requests[parts[-1] if len(parts) > 1 else "states"] += 1
        match parts:
            case [""]:
                newest = self.versions - (int(asked["page"]) - 1) * _PAGE
                rows = [self._row(number, written) for number in range(newest, max(0, newest - _PAGE), -1)]
                return 200, orjson.dumps({"job_id": JOB_ID, "version_count": self.versions, "versions": rows})
            case [version]:
                return 200, orjson.dumps({"job_id": JOB_ID, **self._row(int(version), written)})
            case [_, "log", "file-names"]:
                return 200, orjson.dumps({"log_file_list": ["job-0.log"] if written else []})
            case [version, "aom-log"]:
                return 200, self._page(int(version), written, asked)
        return _UNKNOWN

    def _row(self, version: int, written: int) -> dict[str, object]:
        return {**version_row(version), "status": 10 if written == self.lines else 8}

    @staticmethod
    def _page(version: int, written: int, asked: dict[str, str]) -> bytes:
        count = int(asked["lines"])
        base = int(unquote(asked["base_line"])) - _MARKERS_FROM if "base_line" in asked else None
        if base is None:
            begin, end = max(0, written - count), written
        elif asked["order"] == "desc":
            begin, end = base + 1, min(written, base + 1 + count)
        else:
            begin, end = max(0, base - count), base
        if begin >= end:
            return b'{"content":"","lines":"0","start_line":null,"end_line":null}'
        content = "".join(f"{line(version, number)}\n" for number in range(begin, end))
        return orjson.dumps(
            {
                "content": content,
                "lines": str(end - begin),
                "start_line": _MARKERS_FROM + begin,
                "end_line": str(_MARKERS_FROM + end - 1),
            }
        )


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description="Versions whose logs grow.")
    parser.add_argument("--versions", type=int, default=1)
    parser.add_argument("--lines", type=int, default=1000, help="of each version")
    parser.add_argument("--rate", type=float, default=100.0, help="lines a second, of each version")
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(listen(_Logs(options.versions, options.lines, options.rate)))


if __name__ == "__main__":
    main()
