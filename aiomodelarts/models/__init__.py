"""What the service tells, as frozen values. The answer itself stays reachable as ``raw``."""

from ._text import JsonText, ScalarText
from .catalog import Engine, ResourceSpec
from .job import CreatedVersion, JobDetail, VersionInfo, VersionPage
from .logs import LogLine, LogPage
from .spec import DataSource, Inputs, RunSettings, TrainingSpec

__all__ = [
    "CreatedVersion",
    "DataSource",
    "Engine",
    "Inputs",
    "JobDetail",
    "JsonText",
    "LogLine",
    "LogPage",
    "ResourceSpec",
    "RunSettings",
    "ScalarText",
    "TrainingSpec",
    "VersionInfo",
    "VersionPage",
]
