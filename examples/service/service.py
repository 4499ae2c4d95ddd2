"""An aiohttp service that makes versions, tells their state, and streams their logs as server-sent events."""

import argparse
import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

from aiohttp import web

from aiomodelarts import AsyncEstimator, AsyncSession, InvalidArgument, ModelArtsError, NotFound, TrainingJob

SESSION = web.AppKey("session", AsyncSession)
ESTIMATOR = web.AppKey("estimator", AsyncEstimator)
STREAMS = web.AppKey("streams", set)
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
        try:
            await version.ended(timeout_s=min(float(request.query["wait"]), 300))
        except TimeoutError:
            pass
        except ValueError:
            raise web.HTTPBadRequest(text="wait is a number of seconds") from None
    await version.refresh()
    return web.json_response(shown(version))


@routes.get(r"/jobs/{job:\d+}/versions/{version:\d+}/log")
async def log(request: web.Request) -> web.StreamResponse:
    """The log as server-sent events; a browser that reconnects sends the id of the last line, and goes on there."""
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    after = request.headers.get("Last-Event-ID")
    task = asyncio.current_task()
    request.app[STREAMS].add(task)
    try:
        async with aclosing(handle(request).logs(follow=True, after=after)) as lines:
            await stream.prepare(request)
            async for line in lines:
                where = f"id: {line.marker}\n" if line.marker else ""
                await stream.write(f"{where}data: {json.dumps(line)}\n\n".encode())
            await stream.write(b"event: end\ndata: \n\n")
    finally:
        request.app[STREAMS].discard(task)
    return stream


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
    except InvalidArgument as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    except NotFound as error:
        raise web.HTTPNotFound(text=str(error)) from error
    except ModelArtsError as error:
        raise web.HTTPBadGateway(text=str(error)) from error


async def end_streams(app: web.Application) -> None:
    """Logs are followed for hours; a service that shuts down does not wait for them. Clients reconnect."""
    for task in list(app[STREAMS]):
        task.cancel()


def application(local: bool) -> web.Application:
    async def with_session(app: web.Application) -> AsyncIterator[None]:
        session = AsyncSession.local(".service-platform") if local else AsyncSession()
        async with session:
            if local:
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
    app[STREAMS] = set()
    app.add_routes(routes)
    app.cleanup_ctx.append(with_session)
    app.on_shutdown.append(end_streams)
    return app


def put_script(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("train.py"), folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--local", action="store_true", help="train on this machine")
    options = parser.parse_args()
    # Requests that are under way at SIGTERM get ten seconds to end.
    web.run_app(application(options.local), host="127.0.0.1", port=options.port, shutdown_timeout=10)
