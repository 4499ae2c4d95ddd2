"""Sweeps: a training job with a version for every point of a space of hyperparameters."""

from .budget import Budget
from .description.config import SweepConfig
from .description.given import maximize, minimize
from .engine.engine import Listener, Resumed, SweepEvent
from .engine.halts import BudgetUsedUp, Halt, JobDeleted, Running, StoppedAsAsked
from .failures import Failure, RetryBudget
from .files import FolderFiles, OutputFiles
from .objective import Goal, JsonFile, LogPattern, Objective, PlatformMetric, Take
from .planning.neighbours import PlaceTaken
from .problems import InvalidSweep, Problem, SweepFileError
from .pruning import Pruning
from .result import SweepResult
from .run import Callback, Sweep
from .running import ResultsNotWritten
from .search.search import AdaptiveSearch, GridSearch, PointList, QuasiRandomSearch, RandomSearch
from .search.warm_start import History, LeftOut, Observation
from .space.space import Choice, Float, Int, Space
from .stopping import Stopped
from .trial import Progress, Trial, TrialState

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
