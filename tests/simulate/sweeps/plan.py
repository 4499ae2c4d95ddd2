"""What one seed decides beforehand: the sweep, the platform's weather, and what happens to whoever drives it."""

import random
import re

from attrs import evolve, field, frozen

from aiomodelarts.local.faults import Fault, Rule
from aiomodelarts.sweep.budget import Budget
from aiomodelarts.sweep.failures import Failure
from tests.simulate.line import Conditions
from tests.simulate.plan import weather_rules

FLAVORS = ("modelarts.vm.gpu.p100", "modelarts.vm.gpu.v100")
_CREATE = re.compile(r"/training-jobs(/\d+/versions)?$")
# The platform has no room, and the quota is used up.
_SHORTAGES = (
    Fault("status", code=500, error_code="ModelArts.6200"),
    Fault("status", code=400, error_code="ModelArts.0118"),
)
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


@frozen
class Ask:
    """Somebody asks all controllers to end.

    Args:
        at_s: when.
        how: what becomes of running versions.
    """

    at_s: float
    how: str


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
        asks: when they are asked to end.
        slots: of the platform; None for any number.
        flavors: what versions may run on.
        budget: what the sweep may spend.
        prunes: whether versions that do worse than others are stopped early.
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
    asks: tuple[Ask, ...] = ()
    slots: int | None = None
    flavors: tuple[str, ...] = FLAVORS[:1]
    budget: Budget = field(factory=Budget)
    prunes: bool = False

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
    calm = Plan(
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
    # What was added later draws from a chance of its own, so that the rest of a seed means what it meant before.
    return _with_wants(calm, random.Random(f"wants {seed}"), length_s)


def _with_wants(one: Plan, chance: random.Random, length_s: float) -> Plan:
    """The plan with what its user wants beyond trials: flavours, a budget, an early end."""
    one = evolve(one, flavors=FLAVORS[: chance.choice((1, 1, 2))], prunes=chance.random() < 0.15)
    if chance.random() < 0.1:
        one = evolve(one, concurrency=32, trials=40, slots=chance.choice((2, 4, 16)), duration_s=(1.0, 20.0))
    if one.weather != "calm" and chance.random() < 0.4:
        fault, most = chance.choice(_SHORTAGES), chance.choice((1, 3, 6))
        scarce = Rule(fault, "POST", _CREATE, chance.uniform(0.1, 0.7), most, chance.getrandbits(32))
        one = evolve(one, rules=(scarce, *one.rules))
        if chance.random() < 0.5:
            one = evolve(one, retries={**one.retries, Failure.CAPACITY: chance.choice((0, 1))})
    if chance.random() < 0.2:
        one = evolve(one, asks=(Ask(chance.uniform(0, length_s), chance.choice(("leave", "stop"))),))
    return _with_budget(one, chance) if chance.random() < 0.4 else one


def _with_budget(one: Plan, chance: random.Random) -> Plan:
    """A budget that may or may not do; versions train for too long only while somebody is there to stop them."""
    longest_s = max(5.0, one.duration_s[1])
    if chance.random() < 0.2:
        one = evolve(one, rules=(), rate={}, blows=(), asks=(), starts_s=(0.0,), not_sent=0.0, odd_answers=0.0)
        # What is to be stopped in time must not stand in a queue behind others.
        one = evolve(one, weather="calm", duration_s=(1.0, 80.0), slots=None, latency_s=(0.001, 0.01), in_flight=128)
        longest_s = 50.0
    max_trial_h = longest_s / 3600
    worth = chance.uniform(1.0, one.trials * 1.5)
    prices = {flavor: chance.uniform(0.1, 9.0) for flavor in one.flavors}
    most_cost = max(prices.values()) * max_trial_h * worth
    return evolve(
        one,
        budget=Budget(
            max_hours=chance.choice((None, max_trial_h * worth)),
            max_cost=chance.choice((None, most_cost)),
            max_trial_hours=max_trial_h,
            prices=prices,
        ),
    )


def _blows(chance: random.Random, machines: int, length_s: float) -> tuple[Blow, ...]:
    blows = []
    for _ in range(chance.choice((0, 1, 2, 4, 8))):
        # The beginning is where most of what has to be settled happens.
        at_s = chance.choice((chance.uniform(0, 3.0), chance.uniform(0, length_s)))
        pause_s = chance.choice((None, chance.uniform(0.1, 20.0), chance.uniform(20.0, 200.0)))
        blows.append(Blow(at_s, chance.randrange(machines), pause_s))
    return tuple(sorted(blows, key=lambda blow: blow.at_s))
