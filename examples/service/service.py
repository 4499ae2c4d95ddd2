"""An aiohttp service that makes versions, tells their state, and streams their logs as server-sent events."""

import argparse
import asyncio
import json
import shutil
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path

from aiohttp import web

from aiomodelarts import (
    AsyncEstimator,
    AsyncSession,
    InvalidArgument,
    InvalidRequest,
    ModelArtsError,
    NotFound,
    TrainingJob,
    VersionGone,
)
from aiomodelarts.local import RootInUseError

# A proxy takes a connection that is silent for long to be dead.
HEARTBEAT_S = 15.0
LONGEST_WAIT_S = 300.0
SESSION = web.AppKey("session", AsyncSession)
ESTIMATOR = web.AppKey("estimator", AsyncEstimator)
CLOSING = web.AppKey("closing", asyncio.Event)
routes = web.RouteTableDef()


@routes.post("/jobs")
async def make_job(request: web.Request) -> web.Response:
    """The first version of a new job: ``{"lr": 0.01}``."""
    made = await request.app[ESTIMATOR].fit("/bucket/data/", hyperparameters=await body(request))
    return web.json_response(shown(made), status=201)


@routes.post(r"/jobs/{job:\d+}/versions/{parent:\d+}")
async def make_version(request: web.Request) -> web.Response:
    """One more version of a job, derived from another one."""
    job, parent = request.match_info["job"], request.match_info["parent"]
    made = await request.app[ESTIMATOR].create_job_version(
        job, parent, "/bucket/data/", hyperparameters=await body(request)
    )
    return web.json_response(shown(made), status=201)


@routes.get(r"/jobs/{job:\d+}/versions/{version:\d+}")
async def state(request: web.Request) -> web.Response:
    """The state of a version; ``?wait=30`` waits for its end, at most so many seconds."""
    version = handle(request)
    if "wait" in request.query:
        await ended_or_closing(version, seconds(request.query["wait"]), request.app[CLOSING])
    await version.refresh()
    return web.json_response(shown(version))


@routes.get(r"/jobs/{job:\d+}/versions/{version:\d+}/log")
async def log(request: web.Request) -> web.StreamResponse:
    """The log as server-sent events; a browser that reconnects sends the id of the last line, and goes on there."""
    version, after = handle(request), request.headers.get("Last-Event-ID")
    lines = version.logs(follow=True, after=after)
    await version.refresh()  # what is not there is told as an error, not as a stream
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    async with aclosing(lines):
        await stream.prepare(request)
        with suppress(ConnectionResetError):  # the reader has left
            await send_lines(stream, lines, request.app[CLOSING])
    return stream


async def send_lines(stream: web.StreamResponse, lines: AsyncGenerator[str, None], closing: asyncio.Event) -> None:
    """Send lines until there are no more, or until the service ends: readers then connect again."""
    coming, over = asyncio.ensure_future(anext(lines, None)), asyncio.ensure_future(closing.wait())
    try:
        while True:
            await asyncio.wait([coming, over], timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if over.done():
                return
            if not coming.done():
                await stream.write(b": nothing new\n\n")
                continue
            line = coming.result()
            if line is None:
                await stream.write(b"event: end\ndata: \n\n")
                return
            where = f"id: {line.marker}\n" if line.marker else ""
            await stream.write(f"{where}data: {json.dumps(line)}\n\n".encode())
            coming = asyncio.ensure_future(anext(lines, None))
    except ModelArtsError as error:
        # The answer has begun, so its status can say this no longer.
        await stream.write(f"event: trouble\ndata: {json.dumps(str(error))}\n\n".encode())
    finally:
        coming.cancel()
        over.cancel()
        await asyncio.gather(coming, over, return_exceptions=True)


async def ended_or_closing(version: TrainingJob, timeout_s: float, closing: asyncio.Event) -> None:
    """Wait for the end of a version, but not longer than the service itself goes on."""
    waits = [asyncio.ensure_future(version.ended(timeout_s)), asyncio.ensure_future(closing.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        with suppress(TimeoutError):
            if waits[0].done():
                await waits[0]
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def seconds(text: str) -> float:
    try:
        given = float(text)
    except ValueError:
        given = -1.0
    if not given >= 0:
        raise web.HTTPBadRequest(text="wait is a number of seconds")
    return min(given, LONGEST_WAIT_S)


def handle(request: web.Request) -> TrainingJob:
    return TrainingJob.attach(request.app[SESSION], request.match_info["job"], request.match_info["version"])


def shown(version: TrainingJob) -> dict[str, object]:
    status = version.status
    return {
        "job_id": version.job_id,
        "version_id": version.version_id,
        "status": None if status is None else status.name,
        "outcome": None if status is None else status.outcome.value,
    }


async def body(request: web.Request) -> dict[str, object]:
    try:
        given = await request.json()
    except ValueError:
        raise web.HTTPBadRequest(text="the body is a JSON object of hyperparameters") from None
    if not isinstance(given, dict):
        raise web.HTTPBadRequest(text="the body is a JSON object of hyperparameters")
    return given


@web.middleware
async def errors(request: web.Request, handler: object) -> web.StreamResponse:
    """An error of the library as an answer that says what to do."""
    try:
        return await handler(request)
    except (InvalidArgument, InvalidRequest) as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    except (NotFound, VersionGone) as error:
        raise web.HTTPNotFound(text=str(error)) from error
    except ModelArtsError as error:
        raise web.HTTPBadGateway(text=str(error)) from error


async def tell_of_the_end(app: web.Application) -> None:
    """Logs and waits can take hours; a service that shuts down does not wait for them."""
    app[CLOSING].set()


def application(session: AsyncSession) -> web.Application:
    async def with_session(app: web.Application) -> AsyncIterator[None]:
        async with session:
            if session.platform is not None:
                await asyncio.to_thread(put_script, Path(session.platform.obs_root, "bucket/src"))
            app[SESSION] = session
            app[ESTIMATOR] = AsyncEstimator(
                modelarts_session=session,
                framework_type="PyTorch",
                framework_version="PyTorch-1.0.0-python3.6",
                code_dir="/bucket/src/",
                boot_file="/bucket/src/train.py",
                log_url="/bucket/log/",
                output_path="/bucket/output/",
                train_instance_type="modelarts.vm.cpu.2u",
                train_instance_count=1,
            )
            yield

    app = web.Application(middlewares=[errors])
    app[CLOSING] = asyncio.Event()
    app.add_routes(routes)
    app.cleanup_ctx.append(with_session)
    app.on_shutdown.append(tell_of_the_end)
    return app


def put_script(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("train.py"), folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="where it listens, on this machine only")
    parser.add_argument("--local", action="store_true", help="train on this machine")
    parser.add_argument("--root", default=".service-platform", help="folder of the local platform")
    options = parser.parse_args()
    session = AsyncSession.local(options.root) if options.local else AsyncSession()
    # Requests that are under way at SIGTERM get ten seconds to end.
    web.run_app(application(session), host="127.0.0.1", port=options.port, shutdown_timeout=10)


if __name__ == "__main__":
    try:
        main()
    except (ModelArtsError, RootInUseError, OSError, OverflowError) as error:
        sys.exit(f"error: {error}")
