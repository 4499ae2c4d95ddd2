"""The asyncio SDK for training on ModelArts."""

from typing import TYPE_CHECKING

from ._clock import Clock, SystemClock
from ._net.limits import Limits
from ._net.retry import RetryPolicy
from ._net.transport import Timeouts
from ._seams import Seams
from ._watch.cadence import Cadence
from ._watch.patience import Patience
from .batch import Batch, BatchOutcome, Result
from .config import Endpoints
from .errors import (
    AlreadyExists,
    AnswerTimeout,
    ApiError,
    BatchFailed,
    ConfigurationError,
    ConnectionBroken,
    CreateOutcomeUnknown,
    DecodeError,
    InvalidArgument,
    InvalidRequest,
    LogGone,
    LogNotReady,
    ModelArtsError,
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
    WaitTimeout,
    Where,
    WrongState,
)
from .estimator import AsyncEstimator
from .hyperparameters import Hyperparameters
from .job import TrainingJob
from .models import (
    CreatedVersion,
    DataSource,
    Engine,
    Inputs,
    JobDetail,
    LogLine,
    ResourceSpec,
    RunSettings,
    TrainingSpec,
    VersionInfo,
)
from .session import AsyncSession
from .status import JobStatus, Outcome

if TYPE_CHECKING:
    from .local import LocalPlatform
    from .sweep import Sweep

__all__ = [
    "AlreadyExists",
    "AnswerTimeout",
    "ApiError",
    "AsyncEstimator",
    "AsyncSession",
    "Batch",
    "BatchFailed",
    "BatchOutcome",
    "Cadence",
    "Clock",
    "ConfigurationError",
    "ConnectionBroken",
    "CreateOutcomeUnknown",
    "CreatedVersion",
    "DataSource",
    "DecodeError",
    "Endpoints",
    "Engine",
    "Hyperparameters",
    "Inputs",
    "InvalidArgument",
    "InvalidRequest",
    "JobDetail",
    "JobStatus",
    "Limits",
    "LocalPlatform",
    "LogGone",
    "LogLine",
    "LogNotReady",
    "ModelArtsError",
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
    "TrainingSpec",
    "TransportError",
    "VersionGone",
    "VersionInfo",
    "WaitTimeout",
    "Where",
    "WrongState",
]


def __getattr__(name: str) -> object:
    # The platform needs aiohttp's server and the sweep its extras; neither is needed to import a client.
    if name == "LocalPlatform":
        from .local import LocalPlatform

        return LocalPlatform
    if name == "Sweep":
        from .sweep import Sweep

        return Sweep
    if name == "__version__":
        from importlib.metadata import version

        return version("aiomodelarts")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
