"""A checked sweep, and how the tables that describe it become one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from ..budget import Amount, Budget, Limit, Spending
from ..failures import Failure, RetryBudget
from ..objective import Goal, JsonFile, Objective
from ..problems import Problem, SweepFileError
from ..pruning import Pruning
from ..search.search import Search
from ..search.warm_start import WarmStart
from ..space.space import Point, Space
from ..trial import Trial
from .reader import Document, TableReader, kind_of
from .tables.budget import read_budget
from .tables.estimator import read_estimator, read_flavors
from .tables.local import read_local
from .tables.objectives import read_objectives
from .tables.pruning import read_pruning
from .tables.retry import read_retry
from .tables.search import Way, read_way
from .tables.sweep import read_sweep
from .tables.warm_start import read_warm_start
from .toml_lines import TomlSyntaxError, parse_toml

_TABLES = ("sweep", "estimator", "space", "search", "warm_start", "objective", "pruning", "budget", "retry", "local")
# Every trial is kept in memory by whoever drives or plans the sweep.
MOST_TRIALS = 1_000_000
_MAY_BE_MISSING = frozenset({"warm_start", "pruning", "budget", "retry", "local"})


@frozen
class SweepConfig:
    """A checked sweep.

    Args:
        name: the sweep's name; part of every trial's output path.
        space: the hyperparameters that vary.
        search: which points are tried.
        objective: what is read from each version, and which value is better; the first of several.
        settings: arguments of the estimator.
        inputs: arguments of its creating calls that say where the data are.
        concurrency: how many versions may be going on at once.
        job_name: the job to make; None makes one up from the sweep's name and the time.
        results_dir: where the results are written.
        ledger: URL of the database that keeps the sweep; None is a file among the results.
        retry: how often a failed trial is tried again.
        budget: what may be spent.
        pruning: when versions are stopped early; None is never.
        flavors: what versions may run on, the first choice first; empty where a pool is named.
        local_folders: by setting, the folder of this machine that the local platform finds under its path.
        several: all objectives by name, where there is more than one.
        warm_start: where values from before the sweep come from; None is nowhere.
    """

    name: str
    space: Space
    search: Search
    objective: Objective
    settings: Mapping[str, Any]
    inputs: Mapping[str, Any]
    concurrency: int = 4
    job_name: str | None = None
    results_dir: Path = Path("results")
    local_folders: Mapping[str, Path] = field(factory=dict)
    ledger: str | None = None
    retry: RetryBudget = field(factory=RetryBudget)
    budget: Budget = field(factory=Budget)
    pruning: Pruning | None = None
    flavors: tuple[str, ...] = ()
    several: Mapping[str, Objective] = field(factory=dict)
    warm_start: WarmStart | None = None

    @property
    def ledger_address(self) -> str | Path:
        """Where the sweep's ledger is: a path of this machine, or the URL of a database."""
        if self.ledger is None:
            return self.results_dir / "sweep.sqlite"
        return self.ledger

    @property
    def objectives(self) -> Mapping[str, Objective]:
        """All objectives by name; a single one has none."""
        return self.several or {"": self.objective}

    @property
    def goals(self) -> Mapping[str, Goal]:
        """Which values are better, by the name of the objective."""
        return {name: objective.goal for name, objective in self.objectives.items()}

    @property
    def count(self) -> int:
        """How many trials there will be."""
        count, most = self.search.count(self.space), self.budget.max_trials
        return count if most is None else min(count, most)

    @property
    def limit(self) -> Limit | None:
        """The end of the sweep's accounts, or None where none are kept."""
        return self.budget.limit

    @property
    def nodes(self) -> int:
        """How many nodes a version runs on."""
        return int(self.settings.get("train_instance_count", 1))

    @property
    def worst_case(self) -> Amount:
        """What is reserved for a version before it is made."""
        return self.budget.worst_case(self.flavors, self.nodes)

    def begin(self, number: int, point: Point) -> Trial:
        """A new trial, with what has to be reserved for it."""
        return Trial(number, point, self.output_path(number), account=Spending(held=self.worst_case))

    def again(self, trial: Trial, failure: Failure | None = None) -> Trial:
        """The next attempt at a trial, which counts against the retries of this class; None begins to count anew."""
        place = self.output_path(trial.number, trial.attempt + 1)
        return trial.again(place, None if failure is None else failure.value)

    def objective_files(self, trial: int) -> list[str]:
        """Where the files of a trial's first attempt are that objectives come from."""
        sources = [one.source for one in self.objectives.values()]
        return [self.output_path(trial) + source.path for source in sources if isinstance(source, JsonFile)]

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
    config, problems = read(document, folder)
    if config is None:
        raise SweepFileError(file, problems)
    return config


def read(document: Document, folder: Path) -> tuple[SweepConfig | None, list[Problem]]:
    """The checked sweep, or everything that is wrong with it; paths of this machine are taken from ``folder``."""
    problems: list[Problem] = []
    config = _read(TableReader(document, (), problems), folder)
    return (None, problems) if problems else (config, problems)


def _read(root: TableReader, folder: Path) -> SweepConfig | None:
    """One pass over a document, whatever is wrong with it."""
    root.only(_TABLES)
    search = root.values.get("search")
    listed = isinstance(search, dict) and search.get("algorithm") == "points"
    may_be_missing = _MAY_BE_MISSING | {"space"} if listed else _MAY_BE_MISSING
    for name in _TABLES:
        value = root.values.get(name, {})
        if not isinstance(value, dict):
            root.problem(f"is {kind_of(value)}, and has to be a table: [{name}]", name)
        elif name not in root.values and name not in may_be_missing:
            root.problem(f"[{name}] is missing")
    if not root.file_is_good:
        return None
    flavors = read_flavors(root.inside("estimator"))
    settings, inputs = read_estimator(root.inside("estimator"), folder, flavors)
    way = read_way(root.inside("search"), root.inside("space"), folder, settings.get("hyperparameters", {}))
    objectives = read_objectives(root.inside("objective"))
    objective = next(iter(objectives.values()), None)
    sweep = read_sweep(root.inside("sweep"), folder)
    local_folders = read_local(root.inside("local"), folder, settings, inputs)
    retry = read_retry(root.inside("retry"))
    budget = read_budget(root.inside("budget"), flavors, settings.get("train_instance_count", 1))
    pruning = read_pruning(root.inside("pruning"), objective)
    warm_start = read_warm_start(root.inside("warm_start"), folder, None if way is None else way.search)
    if len(objectives) > 1:
        _check_several(root, way)
    if way is not None:
        _check_count(root, way, budget)
    if sweep is None or way is None or objective is None:
        return None
    return SweepConfig(
        **sweep,
        space=way.space,
        search=way.search,
        objective=objective,
        settings=settings,
        inputs=inputs,
        retry=retry,
        budget=budget,
        pruning=pruning,
        flavors=flavors,
        local_folders=local_folders,
        several=objectives if len(objectives) > 1 else {},
        warm_start=warm_start,
    )


def _check_count(root: TableReader, way: Way, budget: Budget) -> None:
    """Note when there are more trials than can be driven, which is mostly a grid that was meant to be small."""
    count = min(way.search.count(way.space), budget.max_trials or MOST_TRIALS + 1)
    if count > MOST_TRIALS:
        told = f"makes {way.search.count(way.space):,} trials, and a sweep has at most {MOST_TRIALS:,}"
        place = ("search", "trials") if "trials" in root.inside("search").values else ("search",)
        root.problem(f"{told}; give fewer values, search at random, or set max_trials under [budget]", *place)


def _check_several(root: TableReader, way: Way | None) -> None:
    """Note what goes with one objective only."""
    if root.values.get("pruning"):
        root.problem("goes with one objective, and there are several", "pruning")
    if way is not None and way.search.algorithm == "cma-es":
        root.problem("is cma-es, which goes with one objective; tpe and gp take several", "search", "algorithm")
