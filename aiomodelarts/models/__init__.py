"""What the service tells, as frozen values. The answer itself stays reachable as ``raw``."""

from ._text import JsonText, ScalarText
from .catalog import BuiltInAlgorithm, BuiltInAlgorithmPage, Engine, ResourceSpec
from .configuration import Configuration, ConfigurationPage, ConfigurationSummary
from .job import CreatedVersion, JobDetail, JobPage, JobSummary, VersionInfo, VersionPage
from .logs import LogLine, LogPage
from .spec import DataSource, Inputs, RunSettings, TrainingSpec
from .visualization import VisualizationInfo, VisualizationPage

__all__ = [
    "BuiltInAlgorithm",
    "BuiltInAlgorithmPage",
    "Configuration",
    "ConfigurationPage",
    "ConfigurationSummary",
    "CreatedVersion",
    "DataSource",
    "Engine",
    "Inputs",
    "JobDetail",
    "JobPage",
    "JobSummary",
    "JsonText",
    "LogLine",
    "LogPage",
    "ResourceSpec",
    "RunSettings",
    "ScalarText",
    "TrainingSpec",
    "VersionInfo",
    "VersionPage",
    "VisualizationInfo",
    "VisualizationPage",
]
