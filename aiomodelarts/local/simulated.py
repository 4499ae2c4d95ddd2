"""The simulated executor: versions that take their time and print their lines, without a process."""

import hashlib
import heapq
import math
import random
import re
from collections.abc import Callable

from attrs import field, frozen

from aiomodelarts.local import logpages
from aiomodelarts.local.board import Job, Version
from aiomodelarts.local.lifecycle import Ending
from aiomodelarts.local.ports import LogLines, LogQuery
from aiomodelarts.status import JobStatus

_SPEC_HELP = "duration=5..25,fail=0.05,metric=val_accuracy,log_lines=20,seed=0"
_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


@frozen
class Fate:
    """What happens to one simulated version."""

    duration_s: float
    fails: bool
    metric: float


def _share(_: object, attribute: object, value: float) -> None:  # noqa: ARG001 - the signature of a validator
    if not 0 <= value <= 1:
        raise ValueError(f"fail has to lie between 0 and 1, not {value}")


@frozen(kw_only=True)
class Simulation:
    """What simulated versions do.

    Args:
        shortest_s, longest_s: bounds of the running time.
        fail: share of versions that fail.
        metric: the name printed to the log and told in the metric list, or None.
        log_lines: lines printed by a version.
        seed: together with a version's id it decides everything.
    """

    shortest_s: float = 1.0
    longest_s: float = 5.0
    fail: float = field(default=0.0, validator=_share)
    metric: str | None = "val_accuracy"
    log_lines: int = 20
    seed: int = 0

    @classmethod
    def parse(cls, spec: str) -> "Simulation":
        """The simulation that a text like ``duration=5..25,fail=0.05`` describes.

        Raises:
            ValueError: an unknown name, or a value that does not fit; the text says which.
        """
        members: dict[str, object] = {}
        for part in filter(None, (part.strip() for part in spec.split(","))):
            name, _, value = part.partition("=")
            try:
                members |= _read_member(name.strip(), value.strip())
            except ValueError as error:
                raise ValueError(f"{part!r} in the simulation: {error} (for instance {_SPEC_HELP})") from None
        return cls(**members)  # type: ignore[arg-type]

    def fate(self, version: Version) -> Fate:
        """What happens to this version, now and whenever it is asked."""
        chance = random.Random(f"{self.seed}:{version.version_id}")  # noqa: S311 - to be repeatable is the point
        duration_s = chance.uniform(self.shortest_s, self.longest_s)
        return Fate(duration_s, chance.random() < self.fail, quality(version.settings.parameters))

    def text(self, version: Version, now_ms: int) -> bytes:
        """What this version has printed by now."""
        fate = self.fate(version)
        if version.start_ms is None:
            return b""
        until = now_ms if version.end_ms is None else version.end_ms
        share = min(1.0, (until - version.start_ms) / max(1.0, fate.duration_s * 1000))
        finished = version.status in (JobStatus.COMPLETED, JobStatus.FAILED)
        count = self.log_lines if finished else int(self.log_lines * share)
        lines = [self._line(fate, index) for index in range(count)]
        if version.status is JobStatus.FAILED:
            lines.append("RuntimeError: the simulated training failed\n")
        return "".join(lines).encode()

    def _line(self, fate: Fate, index: int) -> str:
        done = (index + 1) / self.log_lines
        if self.metric is None:
            return f"step {index + 1}/{self.log_lines}\n"
        value = fate.metric * (1 - math.exp(-4 * done)) / (1 - math.exp(-4))
        return f"step {index + 1}/{self.log_lines} {self.metric}={value:.6f}\n"


def _read_member(name: str, value: str) -> dict[str, object]:
    if name == "duration":
        low, _, high = value.partition("..")
        shortest, longest = float(low), float(high or low)
        if not 0 <= shortest <= longest or math.isinf(longest):
            raise ValueError("seconds have to be positive, the smaller number first")
        return {"shortest_s": shortest, "longest_s": longest}
    if name == "fail":
        return {"fail": float(value)}
    if name == "metric":
        if value and _NAME.fullmatch(value) is None:
            raise ValueError("a metric is a name")
        return {"metric": value or None}
    if name in ("log_lines", "seed"):
        if not value.isascii() or not value.isdigit():
            raise ValueError(f"{name} is a whole number")
        return {name: int(value)}
    raise ValueError("there is no such setting")


def quality(parameters: tuple[tuple[str, str], ...]) -> float:
    """A smooth function of the hyperparameters between 0.5 and 1, with one optimum for every label."""
    distance = 0.0
    for label, value in parameters:
        wanted = hashlib.sha256(label.encode()).digest()[0] / 256
        distance += (_position(value) - wanted) ** 2
    return 0.5 + 0.5 * math.exp(-distance)


def _position(value: str) -> float:
    """Where a value lies between 0 and 1: a number by its magnitude, a word by its hash."""
    try:
        number = abs(float(value))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        return hashlib.sha256(value.encode()).digest()[0] / 256
    return min(1.0, max(0.0, (math.log10(number + 1e-6) + 6) / 9))


class SimulatedExecutor:
    """Ends versions when their time has come: one heap and one timer, however many there are.

    Args:
        simulation: what versions do.
        monotonic: seconds that never go back.
        later: calls back after that many seconds.
        ended: is told of every end, once per start.
    """

    def __init__(
        self,
        simulation: Simulation,
        monotonic: Callable[[], float],
        later: Callable[[float, Callable[[], None]], None],
        ended: Callable[[int, Ending], None],
    ) -> None:
        self._simulation = simulation
        self._monotonic = monotonic
        self._later = later
        self._ended = ended
        self._due: list[tuple[float, int]] = []
        self._running: dict[int, Version] = {}
        self._armed = math.inf

    def start(self, job: Job, version: Version) -> None:  # noqa: ARG002
        """See :class:`~aiomodelarts.local.ports.Executor`."""
        due = self._monotonic() + self._simulation.fate(version).duration_s
        self._running[version.version_id] = version
        heapq.heappush(self._due, (due, version.version_id))
        self._arm()

    def stop(self, version_id: int) -> None:
        """See :class:`~aiomodelarts.local.ports.Executor`."""
        self._later(0, lambda: self._end(version_id))

    async def close(self) -> None:
        """Forget every run."""
        self._running.clear()
        self._due.clear()

    def _arm(self) -> None:
        if self._due and self._due[0][0] < self._armed:
            self._armed = self._due[0][0]
            self._later(max(0.0, self._armed - self._monotonic()), self._tick)

    def _tick(self) -> None:
        self._armed = math.inf
        now = self._monotonic()
        while self._due and self._due[0][0] <= now:
            self._end(heapq.heappop(self._due)[1])
        self._arm()

    def _end(self, version_id: int) -> None:
        version = self._running.pop(version_id, None)
        if version is None:
            return
        fate = self._simulation.fate(version)
        if fate.fails or version.status is JobStatus.KILLING:
            self._ended(version_id, Ending(JobStatus.FAILED))
        else:
            self._ended(version_id, Ending(JobStatus.COMPLETED, self._metrics(fate)))

    def _metrics(self, fate: Fate) -> dict[str, object] | None:
        if self._simulation.metric is None:
            return None
        values = {self._simulation.metric: round(fate.metric, 6)}
        total = {"total_metric_meta": {}, "total_reserved_data": {}, "total_metric_values": values}
        return {"metric": [], "total_metric": total}


class SimulatedLogs:
    """The lines of simulated versions, made when somebody asks.

    Args:
        simulation: what versions print.
        now: seconds since the epoch.
        repeat_base: whether a page begins with its base line; asked for every page.
    """

    def __init__(self, simulation: Simulation, now: Callable[[], float], repeat_base: Callable[[], bool]) -> None:
        self._simulation = simulation
        self._now = now
        self._repeat_base = repeat_base

    async def page(self, job: Job, version: Version, query: LogQuery) -> LogLines:  # noqa: ARG002
        """See :class:`~aiomodelarts.local.ports.Logs`."""
        text = self._simulation.text(version, int(self._now() * 1000))
        return logpages.page(
            lambda offset, count: text[offset : offset + count],
            len(text),
            query,
            complete=version.end_ms is not None,
            repeat_base=self._repeat_base(),
        )

    def forget(self, version: Version) -> None:
        """See :class:`~aiomodelarts.local.ports.Logs`."""
