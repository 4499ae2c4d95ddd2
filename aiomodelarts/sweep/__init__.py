"""Sweeps: a training job with a version for every point of a space of hyperparameters."""

from .config import SweepConfig
from .engine import Listener, Resumed, SweepEvent
from .files import FolderFiles, OutputFiles
from .objective import Goal, JsonFile, LogPattern, Objective, PlatformMetric, Take
from .problems import Problem, SweepFileError
from .result import SweepResult
from .run import ResultsNotWritten, Sweep
from .search import GridSearch, RandomSearch
from .space import Choice, Float, Int, Space
from .trial import Progress, Trial, TrialState

__all__ = [
    "Choice",
    "Float",
    "FolderFiles",
    "Goal",
    "GridSearch",
    "Int",
    "JsonFile",
    "Listener",
    "LogPattern",
    "Objective",
    "OutputFiles",
    "PlatformMetric",
    "Problem",
    "Progress",
    "RandomSearch",
    "ResultsNotWritten",
    "Resumed",
    "Space",
    "Sweep",
    "SweepConfig",
    "SweepEvent",
    "SweepFileError",
    "SweepResult",
    "Take",
    "Trial",
    "TrialState",
]
