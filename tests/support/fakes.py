"""Time and the far side of the line, as tests hand them in."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from aiomodelarts import AsyncEstimator, AsyncSession, RetryPolicy, Seams
from aiomodelarts._wire.message import Request, Response
from tests.support.clocks import LoopClock

PROJECT = "0123456789abcdef0123456789abcdef"
ACCESS_KEY, SECRET_KEY = "AKEXAMPLE0000000000A", "SKEXAMPLE00000000000000000000000000000000"


def answer(body: object, status: int = 200, **headers: str) -> Response:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Response(status, {name.replace("_", "-").lower(): value for name, value in headers.items()}, raw)


def refusal(code: str, status: int = 400, message: str = "no", **headers: str) -> Response:
    return answer({"is_success": False, "error_code": code, "error_message": message}, status, **headers)


Handler = Callable[[Request], "Response | Awaitable[Response]"]


class FakeTransport:
    """Answers from a function; remembers what it was asked."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.sent: list[Request] = []
        self.out = self.most_out = 0
        self.closed = False

    async def send(self, request: Request) -> Response:
        self.sent.append(request)
        self.out += 1
        self.most_out = max(self.most_out, self.out)
        try:
            await asyncio.sleep(0)
            result = self.handler(request)
            return result if isinstance(result, Response) else await result
        finally:
            self.out -= 1

    async def close(self) -> None:
        self.closed = True


SPECS = [
    {"spec_id": 2, "spec_code": "modelarts.vm.gpu.p100", "max_num": 4, "core": "8", "cpu": 64},
    {"spec_id": 3, "spec_code": "modelarts.vm.cpu.2u", "max_num": 2, "core": 2, "cpu": "8"},
]
ENGINES = [
    {"engine_id": 27, "engine_type": 10, "engine_name": "PyTorch", "engine_version": "PyTorch-1.0.0-python3.6"},
    {"engine_id": 28, "engine_type": 10, "engine_name": "PyTorch", "engine_version": "PyTorch-1.3.0-python3.6"},
    {"engine_id": 1, "engine_type": 1, "engine_name": "TensorFlow", "engine_version": "TF-1.13.1-python3.6"},
]


class Service:
    """A little platform: versions of jobs with a status that a test sets."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.status: dict[tuple[int, int], int | str] = {}
        self.log: list[str] = []
        self.overrides: dict[str, Handler] = {}
        self.transport = FakeTransport(self)
        self._next = 100

    def __call__(self, request: Request) -> "Response | Awaitable[Response]":
        for method, pattern, name in _ROUTES:
            found = re.fullmatch(rf"/v1/{PROJECT}{pattern}", request.path)
            if found and request.method == method:
                self.counts[name] += 1
                if name in self.overrides:
                    return self.overrides[name](request)
                handler: Callable[..., Response] = getattr(self, f"_{name}")
                return handler(request, *map(int, found.groups()))
        raise AssertionError(f"nobody asked for {request.method} {request.path} in the contract")

    def add(self, job_id: int, version_id: int, status: int | str = 8) -> None:
        self.status[job_id, version_id] = status

    def row(self, job_id: int, version_id: int) -> dict[str, Any]:
        status = self.status[job_id, version_id]
        return {"version_id": version_id, "status": status, "log_url": "/bucket/log/", "create_time": 1552554240000}

    def _create_job(self, request: Request) -> Response:
        self._next += 1
        return self._made(request, 7)

    def _create_version(self, request: Request, job_id: int) -> Response:
        return self._made(request, job_id)

    def _made(self, request: Request, job_id: int) -> Response:
        self.bodies.append(orjson.loads(request.body))
        self._next += 1
        self.add(job_id, self._next)
        # The samples of creations carry numbers as text.
        return answer({"is_success": True, "job_id": str(job_id), "version_id": str(self._next), "status": "1"})

    def _jobs(self, request: Request) -> Response:
        query = dict(request.query)
        per_page, page = int(query["per_page"]), int(query["page"])
        shown = sorted({job for job, _ in self.status})[(page - 1) * per_page : page * per_page]
        return answer({"is_success": True, "jobs": [self.job_row(job_id) for job_id in shown]})

    def job_row(self, job_id: int) -> dict[str, Any]:
        versions = [version for job, version in self.status if job == job_id]
        newest = {"version_id": max(versions), "status": self.status[job_id, max(versions)]}
        return {"job_id": job_id, "job_name": f"job-{job_id}", "version_count": len(versions), **newest}

    def _versions(self, request: Request, job_id: int) -> Response:
        query = dict(request.query)
        per_page, page = int(query["per_page"]), int(query["page"])
        ids = sorted((version for job, version in self.status if job == job_id), reverse=True)
        shown = ids[(page - 1) * per_page : page * per_page]
        return answer(
            {"is_success": True, "job_id": job_id, "versions": [self.row(job_id, number) for number in shown]}
        )

    def _version(self, request: Request, job_id: int, version_id: int) -> Response:
        if (job_id, version_id) not in self.status:
            return refusal("ModelArts.2775")
        return answer({"is_success": True, "job_id": job_id, **self.row(job_id, version_id)})

    def _stop(self, request: Request, job_id: int, version_id: int) -> Response:
        self.status[job_id, version_id] = 12
        return answer({"is_success": True})

    def _log_files(self, request: Request, job_id: int, version_id: int) -> Response:
        return answer({"is_success": True, "log_file_list": ["job-0.log"] if self.log else []})

    def _log(self, request: Request, job_id: int, version_id: int) -> Response:
        lines = self.log[-int(dict(request.query)["lines"]) :]
        return answer({"content": "\n".join(lines), "lines": str(len(lines))})

    def _specs(self, request: Request) -> Response:
        return answer({"is_success": True, "specs": SPECS})

    def _engines(self, request: Request) -> Response:
        return answer({"is_success": True, "engines": ENGINES})


_ROUTES = (
    ("GET", "/training-jobs", "jobs"),
    ("POST", "/training-jobs", "create_job"),
    ("POST", r"/training-jobs/(\d+)/versions", "create_version"),
    ("GET", r"/training-jobs/(\d+)/versions", "versions"),
    ("GET", r"/training-jobs/(\d+)/versions/(\d+)", "version"),
    ("POST", r"/training-jobs/(\d+)/versions/(\d+)/stop", "stop"),
    ("GET", r"/training-jobs/(\d+)/versions/(\d+)/log/file-names", "log_files"),
    ("GET", r"/training-jobs/(\d+)/versions/(\d+)/aom-log", "log"),
    ("GET", "/job/resource-specs", "specs"),
    ("GET", "/job/ai-engines", "engines"),
)


def session_on(transport: Any, **options: Any) -> AsyncSession:
    options.setdefault("retry", RetryPolicy(max_tries=3, base_s=0.01))
    if not {"token", "account", "access_key"} & options.keys():
        options |= {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
    return AsyncSession(
        project_id=PROJECT,
        endpoints={"modelarts": "https://modelarts.region.example.com", "iam": "https://iam.region.example.com"},
        seams=Seams(clock=LoopClock(), rng=random.Random(1), transport=transport),
        **options,
    )


OWN_CODE: Mapping[str, Any] = {
    "framework_type": "PyTorch",
    "framework_version": "PyTorch-1.0.0-python3.6",
    "code_dir": "/bucket/src/",
    "boot_file": "/bucket/src/train.py",
    "output_path": "/bucket/output/",
    "train_instance_type": "modelarts.vm.gpu.p100",
    "train_instance_count": 1,
}


def estimator_on(session: AsyncSession, **changes: Any) -> AsyncEstimator:
    return AsyncEstimator(modelarts_session=session, **{**OWN_CODE, **changes})
