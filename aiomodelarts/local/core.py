"""The platform without the outside: a request value in, an answer value out. No socket, clock or disk."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from attrs import frozen

from aiomodelarts._wire.message import Request, Response
from aiomodelarts.local import refusals
from aiomodelarts.local.answers import Answer, Style, Tidy
from aiomodelarts.local.board import Board
from aiomodelarts.local.calls import Call, Platform
from aiomodelarts.local.gatekeeper import Gatekeeper, Keys
from aiomodelarts.local.lifecycle import Ending, Lifecycle
from aiomodelarts.local.operations import catalog, configs, identity, logs, training, visualization
from aiomodelarts.local.ports import Ports
from aiomodelarts.local.refusals import RefusedError

JOB_QUOTA = 10_000
Operation = Callable[[Platform, Call], Awaitable[Answer]]


@frozen
class Route:
    """One operation of the contract; ``path`` is matched segment by segment."""

    name: str
    method: str
    path: str
    run: Operation


_JOBS = "/v1/{project_id}/training-jobs"
_JOB = _JOBS + "/{job_id}"
_VERSIONS = _JOB + "/versions"
_VERSION = _VERSIONS + "/{version_id}"
_CONFIGS = "/v1/{project_id}/training-job-configs"
_VISUALIZATIONS = "/v1/{project_id}/visualization-jobs"
_VISUALIZATION = _VISUALIZATIONS + "/{job_id}"

ROUTES = (
    Route("createToken", "POST", "/v3/auth/tokens", identity.create_token),
    Route("createTrainingJob", "POST", _JOBS, training.create_training_job),
    Route("listTrainingJobs", "GET", _JOBS, training.list_training_jobs),
    Route("updateTrainingJobDescription", "PUT", _JOB, training.update_training_job_description),
    Route("deleteTrainingJob", "DELETE", _JOB, training.delete_training_job),
    Route("createTrainingJobVersion", "POST", _VERSIONS, training.create_training_job_version),
    Route("listTrainingJobVersions", "GET", _VERSIONS, training.list_training_job_versions),
    Route("getTrainingJobVersion", "GET", _VERSION, training.get_training_job_version),
    Route("deleteTrainingJobVersion", "DELETE", _VERSION, training.delete_training_job_version),
    Route("stopTrainingJobVersion", "POST", _VERSION + "/stop", training.stop_training_job_version),
    Route("listTrainingJobLogFiles", "GET", _VERSION + "/log/file-names", logs.list_training_job_log_files),
    Route("getTrainingJobLog", "GET", _VERSION + "/aom-log", logs.get_training_job_log),
    Route(
        "listBuiltInAlgorithms",
        "GET",
        "/v1/{project_id}/built-in-algorithms",
        catalog.list_built_in_algorithms,
    ),
    Route("listResourceSpecs", "GET", "/v1/{project_id}/job/resource-specs", catalog.list_resource_specs),
    Route("listEngines", "GET", "/v1/{project_id}/job/ai-engines", catalog.list_engines),
    Route("createTrainingJobConfig", "POST", _CONFIGS, configs.create_training_job_config),
    Route("listTrainingJobConfigs", "GET", _CONFIGS, configs.list_training_job_configs),
    Route("getTrainingJobConfig", "GET", _CONFIGS + "/{config_name}", configs.get_training_job_config),
    Route("updateTrainingJobConfig", "PUT", _CONFIGS + "/{config_name}", configs.update_training_job_config),
    Route("deleteTrainingJobConfig", "DELETE", _CONFIGS + "/{config_name}", configs.delete_training_job_config),
    Route("createVisualizationJob", "POST", _VISUALIZATIONS, visualization.create_visualization_job),
    Route("listVisualizationJobs", "GET", _VISUALIZATIONS, visualization.list_visualization_jobs),
    Route("getVisualizationJob", "GET", _VISUALIZATION, visualization.get_visualization_job),
    Route("updateVisualizationJobDescription", "PUT", _VISUALIZATION, visualization.update_visualization_job),
    Route("deleteVisualizationJob", "DELETE", _VISUALIZATION, visualization.delete_visualization_job),
    Route("stopVisualizationJob", "POST", _VISUALIZATION + "/stop", visualization.stop_visualization_job),
    Route(
        "restartVisualizationJob",
        "POST",
        _VISUALIZATION + "/restart",
        visualization.restart_visualization_job,
    ),
)

# Of the identity service's own documents, not of ModelArts'.
BESIDE = (Route("createTemporaryKeys", "POST", "/v3.0/OS-CREDENTIAL/securitytokens", identity.create_temporary_keys),)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + "/?")


_COMPILED: dict[str, tuple[re.Pattern[str], dict[str, Route]]] = {}
for _route in (*ROUTES, *BESIDE):
    _COMPILED.setdefault(_route.path, (_pattern(_route.path), {}))[1][_route.method] = _route


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The operation that a request means, with the decoded variable segments of its path."""
    for pattern, by_method in _COMPILED.values():
        match = pattern.fullmatch(path)
        if match is None:
            continue
        route = by_method.get(method)
        if route is None:
            raise refusals.method_not_allowed(method, path)
        return route, {name: unquote(value) for name, value in match.groupdict().items()}
    raise refusals.no_such_path(method, path)


class Core:
    """The whole behaviour of the platform.

    Args:
        keys: of the one tenant.
        ports: the outside.
        board: what is known already.
        style: which of the documented forms the answers have.
        slots: how many workers run at once; None for no limit.
        quota: how many jobs there may be.
        gatekeeper: checks signatures and tokens; one for these keys by default.
    """

    def __init__(
        self,
        keys: Keys,
        ports: Ports,
        *,
        board: Board | None = None,
        style: Style | None = None,
        slots: int | None = None,
        quota: int = JOB_QUOTA,
        gatekeeper: Gatekeeper | None = None,
    ) -> None:
        self.board = Board() if board is None else board
        self._lifecycle = Lifecycle(self.board, ports, slots)
        self._platform = Platform(
            board=self.board,
            lifecycle=self._lifecycle,
            gatekeeper=Gatekeeper(keys) if gatekeeper is None else gatekeeper,
            style=Tidy() if style is None else style,
            ports=ports,
            quota=quota,
        )

    def recover(self) -> None:
        """Settle what an earlier process left on the board, and begin to work."""
        self._lifecycle.recover()
        visualization.recover(self._platform)

    def ended(self, version_id: int, ending: Ending) -> None:
        """Take note of the end of a run; the executor calls this once per start."""
        self._lifecycle.ended(version_id, ending)

    async def handle(self, request: Request, lag_s: float = 0.0) -> Response:
        """Answer a request.

        Args:
            request: header names in lower case, the path as it was sent, the query decoded.
            lag_s: how many seconds the lists of this answer lie behind.
        """
        return (await self.answer(request, lag_s)).encode()

    async def answer(self, request: Request, lag_s: float = 0.0) -> Answer:
        """As :meth:`handle`, but not yet bytes, so that the encoding of long lists can happen elsewhere."""
        style, name = self._platform.style, ""
        try:
            route, segments = find_route(request.method, request.path)
            name = route.name
            if "project_id" in segments:
                self._platform.gatekeeper.admit(request, segments["project_id"], self._platform.ports.now())
            answer = await route.run(self._platform, Call(request, segments, dict(request.query), lag_s))
        except RefusedError as refused:
            return style.refusal(name, refused.refusal)
        return style.success(name, answer)
