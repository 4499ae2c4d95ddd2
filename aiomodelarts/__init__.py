"""The asyncio SDK for training on ModelArts."""

from importlib import import_module
from typing import TYPE_CHECKING

from ._clock import Clock, SystemClock
from ._create.made import LeftBehind, Twin
from ._create.policy import SettlePolicy
from ._net.limits import Limits
from ._net.retry import RetryPolicy
from ._net.transport import Timeouts
from ._seams import Seams
from ._watch.cadence import Cadence
from ._watch.patience import Patience
from .batch import Batch, BatchOutcome, Result
from .config import Endpoints
from .configuration import TrainingJobConfig
from .errors import (
    AlreadyExists,
    AnswerTimeout,
    ApiError,
    BatchFailed,
    ConfigurationError,
    ConnectionBroken,
    CreateOutcomeUnknown,
    DecodeError,
    DeletionFailed,
    InvalidArgument,
    InvalidRequest,
    LogGone,
    LogNotReady,
    ModelArtsError,
    NoCapacity,
    NotAllowed,
    NotFound,
    NotSent,
    QuotaExceeded,
    ServiceTrouble,
    SessionClosed,
    StateChanged,
    StateUnclear,
    SweepError,
    Throttled,
    TokenExpired,
    TooLarge,
    TrainingCancelled,
    TrainingFailed,
    TransportError,
    VersionGone,
    VisualizationFailed,
    WaitTimeout,
    Where,
    WrongState,
)
from .estimator import AsyncEstimator
from .hyperparameters import Hyperparameters
from .intent import Intent
from .job import TrainingJob
from .models import (
    BuiltInAlgorithm,
    BuiltInAlgorithmPage,
    Configuration,
    ConfigurationPage,
    ConfigurationSummary,
    CreatedVersion,
    DataSource,
    Engine,
    Inputs,
    JobDetail,
    JobPage,
    JobSummary,
    LogLine,
    LogPage,
    ResourceSpec,
    RunSettings,
    TrainingSpec,
    VersionInfo,
    VersionPage,
    VisualizationInfo,
    VisualizationPage,
)
from .reuse import Difference, diff, estimator_from
from .session import AsyncSession
from .status import JobStatus, Outcome
from .visualization import AsyncVisualizationJob

if TYPE_CHECKING:
    from . import events as events
    from . import obs as obs
    from .local import LocalPlatform
    from .sweep import Sweep

    __version__: str

__all__ = [
    "AlreadyExists",
    "AnswerTimeout",
    "ApiError",
    "AsyncEstimator",
    "AsyncSession",
    "AsyncVisualizationJob",
    "Batch",
    "BatchFailed",
    "BatchOutcome",
    "BuiltInAlgorithm",
    "BuiltInAlgorithmPage",
    "Cadence",
    "Clock",
    "Configuration",
    "ConfigurationError",
    "ConfigurationPage",
    "ConfigurationSummary",
    "ConnectionBroken",
    "CreatedVersion",
    "CreateOutcomeUnknown",
    "DataSource",
    "DecodeError",
    "DeletionFailed",
    "diff",
    "Difference",
    "Endpoints",
    "Engine",
    "estimator_from",
    "Hyperparameters",
    "Inputs",
    "Intent",
    "InvalidArgument",
    "InvalidRequest",
    "JobDetail",
    "JobPage",
    "JobStatus",
    "JobSummary",
    "LeftBehind",
    "Limits",
    "LocalPlatform",
    "LogGone",
    "LogLine",
    "LogNotReady",
    "LogPage",
    "ModelArtsError",
    "NoCapacity",
    "NotAllowed",
    "NotFound",
    "NotSent",
    "Outcome",
    "Patience",
    "QuotaExceeded",
    "ResourceSpec",
    "Result",
    "RetryPolicy",
    "RunSettings",
    "Seams",
    "ServiceTrouble",
    "SessionClosed",
    "SettlePolicy",
    "StateChanged",
    "StateUnclear",
    "Sweep",
    "SweepError",
    "SystemClock",
    "Throttled",
    "Timeouts",
    "TokenExpired",
    "TooLarge",
    "TrainingCancelled",
    "TrainingFailed",
    "TrainingJob",
    "TrainingJobConfig",
    "TrainingSpec",
    "TransportError",
    "Twin",
    "VersionGone",
    "VersionInfo",
    "VersionPage",
    "VisualizationFailed",
    "VisualizationInfo",
    "VisualizationPage",
    "WaitTimeout",
    "Where",
    "WrongState",
]


# Loaded with the first use, since most programs never touch them.
_LATER = ("events", "obs")


def __getattr__(name: str) -> object:
    # The platform needs aiohttp's server and the sweep its extras; neither is needed to import a client.
    if name == "LocalPlatform":
        from .local import LocalPlatform

        return LocalPlatform
    if name == "Sweep":
        from .sweep import Sweep

        return Sweep
    if name in _LATER:
        return import_module(f".{name}", __name__)
    if name == "__version__":
        from importlib.metadata import version

        return version("aiomodelarts")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LATER, "__version__"})
