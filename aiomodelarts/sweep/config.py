"""A sweep file: what may stand in it, and how it becomes a checked value."""

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from attrs import field, frozen

from .._settings import RUN_ARGUMENTS, check_settings
from ..errors import InvalidArgument
from ..models.spec import Inputs, check_description
from ._axes import read_axis
from ._reader import TableReader, kind_of, shown
from .failures import Failure, RetryBudget
from .objective import Goal, JsonFile, LogPattern, Objective
from .problems import Problem, SweepFileError
from .search import GridSearch, RandomSearch
from .space import Axis, Scalar, Space
from .toml_lines import TomlDocument, TomlSyntaxError, parse_toml
from .trial import Trial

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NAME_CHARACTERS = 40  # a date and a mark are added to it, and the name of a job has 64
_JOB_NAME_CHARACTERS = 64
_DEFAULT_CONCURRENCY = 4
_MAY_BE_MISSING = frozenset({"retry", "local"})
_LEDGER_SCHEMES = frozenset({"postgresql", "postgres", "sqlite"})
_NAMES_OF_THE_PLATFORM = frozenset({"data_url", "train_url"})

# The estimator's arguments that a sweep can set, by the type each takes in the file.
TEXT_SETTINGS = frozenset(
    {
        "boot_file",
        "code_dir",
        "dataset_id",
        "dataset_version_id",
        "framework_type",
        "framework_version",
        "inputs",
        "job_description",
        "log_url",
        "model_name",
        "output_path",
        "pool_id",
        "train_instance_type",
        "user_command",
        "user_image_url",
    }
)
ESTIMATOR_KEYS = TEXT_SETTINGS | {"hyperparameters", "train_instance_count"}
# Arguments of fit and create_job_version; the rest are the estimator's own.
INPUT_KEYS = frozenset({"inputs", "dataset_id", "dataset_version_id"})
LOCAL_KEYS = frozenset({"code_dir", "inputs"})


@frozen
class SweepConfig:
    """A checked sweep.

    Args:
        name: the sweep's name; part of every trial's output path.
        space: the hyperparameters that vary.
        search: which points are tried.
        objective: what is read from each version, and which value is better.
        settings: arguments of the estimator.
        inputs: arguments of its creating calls that say where the data are.
        concurrency: how many versions may be going on at once.
        job_name: the job to make; None makes one up from the sweep's name and the time.
        results_dir: where the results are written.
        ledger: URL of the database that keeps the sweep; None is a file among the results.
        retry: how often a failed trial is tried again.
        local_folders: by setting, the folder of this machine that the local platform finds under its path.
    """

    name: str
    space: Space
    search: GridSearch | RandomSearch
    objective: Objective
    settings: Mapping[str, Any]
    inputs: Mapping[str, Any]
    concurrency: int = _DEFAULT_CONCURRENCY
    job_name: str | None = None
    results_dir: Path = Path("results")
    local_folders: Mapping[str, Path] = field(factory=dict)
    ledger: str | None = None
    retry: RetryBudget = field(factory=RetryBudget)

    @property
    def ledger_address(self) -> str | Path:
        """Where the sweep's ledger is: a path of this machine, or the URL of a database."""
        if self.ledger is None:
            return self.results_dir / "sweep.sqlite"
        return self.ledger

    @property
    def count(self) -> int:
        """How many trials there will be."""
        return self.search.count(self.space)

    def again(self, trial: Trial) -> Trial:
        """The next attempt at a trial."""
        attempt = trial.attempt + 1
        return Trial(trial.number, trial.point, self.output_path(trial.number, attempt), attempt=attempt)

    def output_path(self, trial: int, attempt: int = 1) -> str:
        """Where this attempt at a trial writes, and no other."""
        again = f"-{attempt}" if attempt > 1 else ""
        return f"{self.settings['output_path'].rstrip('/')}/{self.name}/{trial:04d}{again}/"


def load(path: Path) -> SweepConfig:
    """Return the checked sweep of a file.

    Raises:
        SweepFileError: everything that is wrong, with file, line and key.
        OSError: the file cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SweepFileError(str(path), [Problem(None, "", f"is not UTF-8 text ({error.reason})")]) from None
    return parse(text, file=str(path), folder=path.parent)


def parse(text: str, *, file: str, folder: Path) -> SweepConfig:
    """Return the checked sweep of a file's text; paths of this machine are taken from ``folder``.

    Raises:
        SweepFileError: everything that is wrong, with file, line and key.
    """
    try:
        document = parse_toml(text)
    except TomlSyntaxError as error:
        raise SweepFileError(file, [Problem(error.line, "", f"is not valid TOML: {error}")]) from None
    problems: list[Problem] = []
    config = _Reading(document, problems, folder).config()
    if problems or config is None:
        raise SweepFileError(file, problems)
    return config


class _Reading:
    """One pass over a document."""

    def __init__(self, document: TomlDocument, problems: list[Problem], folder: Path) -> None:
        self._document = document
        self._problems = problems
        self._folder = folder

    def config(self) -> SweepConfig | None:
        sections = ("sweep", "estimator", "space", "search", "objective", "retry", "local")
        root = self._table()
        root.only(sections)
        for section in sections:
            value = root.values.get(section, {})
            if not isinstance(value, dict):
                root.problem(f"is {kind_of(value)}, and has to be a table: [{section}]", section)
            elif section not in root.values and section not in _MAY_BE_MISSING:
                root.problem(f"[{section}] is missing")
        if self._problems:
            return None
        settings, inputs = self._estimator()
        space = self._space(settings.get("hyperparameters", {}))
        search = self._search(space)
        objective = self._objective()
        sweep = self._sweep()
        local_folders = self._local(settings, inputs)
        if sweep is None or space is None or search is None or objective is None:
            return None
        return SweepConfig(
            **sweep,
            space=space,
            search=search,
            objective=objective,
            settings=settings,
            inputs=inputs,
            retry=self._retry(),
            local_folders=local_folders,
        )

    def _table(self, *path: str) -> TableReader:
        return TableReader(self._document, path, self._problems)

    def _sweep(self) -> dict[str, Any] | None:
        table = self._table("sweep")
        table.only({"name", "concurrency", "job_name", "results_dir", "ledger"})
        name = self._name(table, "name", _NAME_CHARACTERS, required=True)
        job_name = self._name(table, "job_name", _JOB_NAME_CHARACTERS, required=False)
        concurrency = table.integer("concurrency", low=1) or _DEFAULT_CONCURRENCY
        results_dir = self._folder / (table.text("results_dir") or f"results/{name}")
        if name is None:
            return None
        return {
            "name": name,
            "concurrency": concurrency,
            "job_name": job_name,
            "results_dir": results_dir,
            "ledger": self._ledger(table),
        }

    def _ledger(self, table: TableReader) -> str | None:
        """A path beside the file becomes the URL of an SQLite file."""
        given = table.text("ledger")
        if given is None or given.partition(":")[0] in _LEDGER_SCHEMES:
            return given
        if "://" in given:
            table.problem("has to be a path, or a URL that begins with postgresql: or sqlite:", "ledger")
            return None
        return f"sqlite:///{self._folder / given}"

    def _name(self, table: TableReader, key: str, longest: int, *, required: bool) -> str | None:
        name = table.text(key, required=required)
        if name is not None and (not _NAME.fullmatch(name) or len(name) > longest):
            table.problem(f"is {shown(name)}; allowed are 1 to {longest} letters, digits, - and _", key)
            return None
        return name

    def _estimator(self) -> tuple[dict[str, Any], dict[str, str]]:
        table = self._table("estimator")
        table.only(ESTIMATOR_KEYS)
        settings: dict[str, Any] = {}
        for key in sorted(TEXT_SETTINGS):
            value = table.text(key, required=key == "output_path")
            if value is not None:
                settings[key] = value
        settings["train_instance_count"] = table.integer("train_instance_count", low=1) or 1
        settings["hyperparameters"] = self._fixed(table)
        inputs = {key: settings.pop(key) for key in INPUT_KEYS & settings.keys()}
        if not self._problems:
            self._check(table, settings, inputs)
        return settings, inputs

    def _check(self, table: TableReader, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
        """Have the estimator's own rules applied now: what excludes what, and what a path looks like."""
        try:
            check_settings(**{name: settings.get(name) for name in RUN_ARGUMENTS})
            check_description(settings.get("job_description", ""), "job_description")
            Inputs.of(**inputs)
        except InvalidArgument as error:
            key = error.argument.partition("[")[0]
            given = f"is {shown(error.given)}; " if key in table.values else ""
            table.problem(given + error.allowed, key)

    def _fixed(self, table: TableReader) -> dict[str, Scalar]:
        """The hyperparameters that every trial gets, as a table of names and values."""
        given = table.values.get("hyperparameters", {})
        if not isinstance(given, dict):
            table.problem(
                f'is {kind_of(given)}, and has to be a table, as in {{ epochs = 10, optimizer = "adam" }}',
                "hyperparameters",
            )
            return {}
        for name, value in given.items():
            if not isinstance(value, str | int | float):
                table.problem(f"is {kind_of(value)}, and has to be one value", "hyperparameters", name)
        return {name: value for name, value in given.items() if isinstance(value, str | int | float)}

    def _space(self, fixed: Mapping[str, Scalar]) -> Space | None:
        table = self._table("space")
        if not table.values:
            table.problem("is empty; give at least one hyperparameter, as in lr = { log_float = [1e-4, 1e-1] }")
            return None
        axes: dict[str, Axis] = {}
        for name, given in table.values.items():
            if not name:
                table.problem("holds a hyperparameter without a name")
            if name in _NAMES_OF_THE_PLATFORM:
                table.problem("is an option that the platform itself gives to the script; choose another name", name)
            if name in fixed:
                table.problem("stands under [estimator] hyperparameters too; keep one of the two", name)
            axis = read_axis(table, self._table("space", name), name, given)
            if axis is not None:
                axes[name] = axis
        return Space(axes) if len(axes) == len(table.values) else None

    def _search(self, space: Space | None) -> GridSearch | RandomSearch | None:
        table = self._table("search")
        algorithm = table.one_of("algorithm", ("grid", "random"), required=True)
        if algorithm == "grid":
            table.only({"algorithm"})
            search: GridSearch | RandomSearch = GridSearch()
        elif algorithm == "random":
            table.only({"algorithm", "trials", "seed"})
            trials = table.integer("trials", low=1, required=True)
            search = RandomSearch(trials or 1, table.integer("seed", low=0) or 0)
        else:
            return None
        if space is not None:
            try:
                search.count(space)
            except ValueError as error:
                table.problem(str(error))
        return search

    def _objective(self) -> Objective | None:
        table = self._table("objective")
        table.only({"log_pattern", "json_file", "key", "goal"})
        goal = table.one_of("goal", tuple(goal.value for goal in Goal), required=True)
        source = self._source(table)
        return Objective(source, Goal(goal)) if source is not None and goal is not None else None

    def _source(self, table: TableReader) -> LogPattern | JsonFile | None:
        if ("log_pattern" in table.values) == ("json_file" in table.values):
            table.problem("needs one of log_pattern and json_file")
            return None
        if "json_file" in table.values:
            path, key = table.text("json_file"), table.text("key", required=True)
            if path and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts):
                table.problem("is not inside the trial's output folder; give a path relative to it", "json_file")
                return None
            return JsonFile(path, key) if path and key else None
        pattern = table.text("log_pattern")
        if "key" in table.values:
            table.problem("goes with json_file only", "key")
        if pattern is None:
            return None
        try:
            return LogPattern(re.compile(pattern))
        except re.error as error:
            table.problem(f"is not a regular expression: {error}", "log_pattern")
        except ValueError as error:
            table.problem(str(error), "log_pattern")
        return None

    def _retry(self) -> RetryBudget:
        table = self._table("retry")
        table.only({failure.value for failure in Failure})
        given = {failure: table.integer(failure.value, low=0) for failure in Failure if failure.value in table.values}
        times = {failure: number for failure, number in given.items() if number is not None}
        return RetryBudget({**RetryBudget().times, **times})

    def _local(self, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, Path]:
        """Folders for the local platform's bucket; the code lies beside the file unless it says otherwise."""
        table = self._table("local")
        table.only(LOCAL_KEYS)
        folders = {"code_dir": self._folder} if "code_dir" in settings else {}
        for key in sorted(LOCAL_KEYS & table.values.keys()):
            given = table.text(key)
            if given is None:
                continue
            if key not in settings and key not in inputs:
                table.problem(f"has no {key} under [estimator] to stand for", key)
            folders[key] = self._folder / given
            if not folders[key].is_dir():
                table.problem(f"is no folder: {folders[key]}", key)
        return folders
