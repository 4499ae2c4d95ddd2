"""What one seed decides beforehand: the sweep, the platform's weather, and what happens to whoever drives it."""

import random

from attrs import field, frozen

from aiomodelarts.sweep.failures import Failure
from tests.simulate.line import Conditions
from tests.simulate.plan import weather_rules

_LATE = ({"delay_before"}, {"late_commit"}, {"stale_list"})


@frozen
class Blow:
    """What happens to the controller that a machine runs at that moment.

    Args:
        at_s: when.
        machine: its number.
        pause_s: how long it is paused; None kills it.
    """

    at_s: float
    machine: int
    pause_s: float | None


@frozen(kw_only=True)
class Plan(Conditions):
    """One run.

    Args:
        weather: as in the simulator of creations: nothing shows up later than the quiet window unless it is ``rough``.
        late_by_s: the longest time from a request leaving until its version is in every list.
        trials: of the sweep.
        concurrency: of each controller.
        random: whether the points are drawn; otherwise they are counted off.
        duration_s: of a version.
        bad_ends: the share of versions that end otherwise than well, half of them by no fault of the script.
        retries: how often a trial is tried again, by the class of its failure.
        commit_s: bounds of the way to the ledger, and of the way back.
        starts_s: when each machine begins to run controllers.
        blows: what happens to them.
    """

    weather: str
    quiet_s: float
    late_watch_s: float
    late_by_s: float
    record_s: float
    varied: bool
    page: int
    trials: int
    concurrency: int
    random: bool
    duration_s: tuple[float, float]
    bad_ends: float
    retries: dict[Failure, int]
    commit_s: tuple[float, float]
    starts_s: tuple[float, ...]
    blows: tuple[Blow, ...] = field(repr=False)

    @property
    def is_punctual(self) -> bool:
        """Whether a version that was made shows up before anybody gives it up."""
        return self.weather != "rough"


def plan(seed: int) -> Plan:
    """What this seed means; always the same."""
    chance = random.Random(seed)
    weather = chance.choices(("calm", "gentle", "rough"), (1, 4, 5))[0]
    quiet_s = chance.uniform(5.0, 15.0)
    slow_s = {"calm": 0.0, "gentle": quiet_s / 3 - 0.4, "rough": 2 * quiet_s}[weather]
    rules = weather_rules(chance, weather, slow_s)
    latency_s = chance.choice(((0.001, 0.01), (0.01, 0.3), (0.2, 0.5)))
    record_s = chance.choice((0.0, 0.02, 0.3))
    trials = chance.choice((1, 2, 3, 5, 8, 8, 12, 20, 40))
    concurrency = chance.choice((1, 2, 4, 8))
    machines = chance.choice((1, 1, 2, 3, 4))
    duration_s = chance.choice(((0.0, 5.0), (1.0, 60.0), (20.0, 40.0)))
    length_s = 20.0 + trials * (sum(duration_s) / 2 + 10.0) / (concurrency * machines)
    late_s = sum(max((r.fault.seconds for r in rules if r.fault.kind in kinds), default=0.0) for kinds in _LATE)
    return Plan(
        seed=seed,
        weather=weather,
        quiet_s=quiet_s,
        late_watch_s=12 * quiet_s + 20,
        late_by_s=latency_s[1] + record_s + late_s,
        rules=rules,
        rate=chance.choice(({}, {}, {"creates": 2.0}, {"creates": 10.0, "reads": 10.0})),
        latency_s=latency_s,
        timeout_s=chance.uniform(1.5, 6.0),
        record_s=record_s,
        not_sent=0.0 if weather == "calm" else chance.choice((0.0, 0.05)),
        odd_answers=0.0 if weather == "calm" else chance.choice((0.0, 0.05)),
        by_token=chance.random() < 0.2,
        varied=chance.random() < 0.5,
        in_flight=chance.choice((1, 4, 16, 128)),
        page=chance.choice((3, 7, 1000)),
        trials=trials,
        concurrency=concurrency,
        random=chance.random() < 0.5,
        duration_s=duration_s,
        bad_ends=chance.choice((0.0, 0.0, 0.1, 0.5)),
        retries={failure: chance.choice((0, 1, 3)) for failure in (Failure.LOST, Failure.PLATFORM, Failure.CODE)},
        commit_s=chance.choice(((0.0, 0.002), (0.001, 0.05), (0.05, 0.5))),
        starts_s=(0.0, *(chance.choice((0.0, chance.uniform(0, length_s))) for _ in range(machines - 1))),
        blows=_blows(chance, machines, length_s),
    )


def _blows(chance: random.Random, machines: int, length_s: float) -> tuple[Blow, ...]:
    blows = []
    for _ in range(chance.choice((0, 1, 2, 4, 8))):
        # The beginning is where most of what has to be settled happens.
        at_s = chance.choice((chance.uniform(0, 3.0), chance.uniform(0, length_s)))
        pause_s = chance.choice((None, chance.uniform(0.1, 20.0), chance.uniform(20.0, 200.0)))
        blows.append(Blow(at_s, chance.randrange(machines), pause_s))
    return tuple(sorted(blows, key=lambda blow: blow.at_s))
