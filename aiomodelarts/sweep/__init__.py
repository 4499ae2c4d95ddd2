"""Sweeps: a training job with a version for every point of a space of hyperparameters."""

from .budget import Budget
from .config import SweepConfig
from .engine import Listener, Resumed, SweepEvent
from .failures import Failure, RetryBudget
from .files import FolderFiles, OutputFiles
from .given import maximize, minimize
from .halts import BudgetUsedUp, Halt, JobDeleted, Running, StoppedAsAsked
from .neighbours import PlaceTaken
from .objective import Goal, JsonFile, LogPattern, Objective, PlatformMetric, Take
from .problems import InvalidSweep, Problem, SweepFileError
from .pruning import Pruning
from .result import SweepResult
from .run import Callback, Sweep
from .running import ResultsNotWritten
from .search import AdaptiveSearch, GridSearch, PointList, QuasiRandomSearch, RandomSearch
from .space import Choice, Float, Int, Space
from .stopping import Stopped
from .trial import Progress, Trial, TrialState
from .warm_start import History, LeftOut, Observation

__all__ = [
    "AdaptiveSearch",
    "Budget",
    "BudgetUsedUp",
    "Callback",
    "Choice",
    "Failure",
    "Float",
    "FolderFiles",
    "Goal",
    "GridSearch",
    "Halt",
    "History",
    "Int",
    "InvalidSweep",
    "JobDeleted",
    "JsonFile",
    "LeftOut",
    "Listener",
    "LogPattern",
    "maximize",
    "minimize",
    "Objective",
    "Observation",
    "OutputFiles",
    "PlaceTaken",
    "PlatformMetric",
    "PointList",
    "Problem",
    "Progress",
    "Pruning",
    "QuasiRandomSearch",
    "RandomSearch",
    "ResultsNotWritten",
    "Resumed",
    "RetryBudget",
    "Running",
    "Space",
    "Stopped",
    "StoppedAsAsked",
    "Sweep",
    "SweepConfig",
    "SweepEvent",
    "SweepFileError",
    "SweepResult",
    "Take",
    "Trial",
    "TrialState",
]
