"""What one seed decides beforehand: the weather of a run, and what its callers want."""

import random
import re
from typing import Any

from attrs import define, field, frozen

from aiomodelarts.local.faults import Fault, Rule
from tests.simulate.line import Conditions

QUIET = "calm"
_CREATE = re.compile(r"/training-jobs(/\d+/versions)?$")
_LIST = re.compile(r"/training-jobs(/\d+/versions)?$")
_STOP = re.compile(r"/stop$")
_ANY = re.compile(r"/training-jobs")
_TROUBLE = (500, 502, 503, 504, 408)


@define(eq=False)
class Wish:
    """One thing that one caller asks for, and what became of it.

    Args:
        session: number of the session that it is asked through.
        element: what the caller gives, as ``each=`` takes it.
        job_name: of a new job (``fit``), or None for a version of the session's own job.
        starts_s: when.
        cancelled_s: when the caller is cancelled, again and again; empty for never.
        given_up: whether it was an element of a batch that was cancelled.
    """

    session: int
    element: dict[str, Any]
    job_name: str | None = None
    starts_s: float = 0.0
    cancelled_s: tuple[float, ...] = ()
    ended: str | None = None
    job_id: int | None = None
    version_id: int | None = None
    origin: str | None = None
    error: BaseException | None = None
    given_up: bool = False

    @property
    def key(self) -> str | None:
        """The caller's own key."""
        key: str | None = self.element.get("intent_id")
        return key

    @property
    def has_own_path(self) -> bool:
        """Whether its output path tells it from all others."""
        return self.key is not None and "/same" not in self.element["output_path"]


@frozen
class Order:
    """One call of a caller: one wish, or a batch of them."""

    wishes: tuple[Wish, ...]
    starts_s: float
    cancelled_s: tuple[float, ...] = ()
    concurrency: int | None = None


@frozen(kw_only=True)
class Plan(Conditions):
    """One run.

    Args:
        weather: ``calm`` (nothing but limits), ``gentle`` (nothing lands or shows up later than the quiet window),
            or ``rough``.
        hurries_s: when closing a session in mid-run is cancelled, again and again; empty for never.
        late_by_s: the longest time from a request leaving until its version is in every list.
    """

    weather: str
    quiet_s: float
    late_watch_s: float
    late_by_s: float
    record_s: float
    varied: bool
    page: int
    duration_s: tuple[float, float]
    jumps_s: tuple[tuple[float, float], ...]
    closes_s: tuple[float | None, ...]
    hurries_s: tuple[float, ...]
    max_sends: int
    orders: tuple[Order, ...] = field(repr=False)

    @property
    def wishes(self) -> list[Wish]:
        """All of them."""
        return [wish for order in self.orders for wish in order.wishes]


def plan(seed: int) -> Plan:
    """What this seed means; always the same."""
    chance = random.Random(seed)
    weather = chance.choices(("calm", "gentle", "rough"), (1, 4, 5))[0]
    quiet_s = chance.uniform(3.0, 8.0)
    latency = chance.choice(((0.001, 0.01), (0.01, 0.3), (0.2, 0.5)))
    record_s = chance.choice((0.0, 0.02, 0.3))
    slow_s = {"calm": 0.0, "gentle": quiet_s / 3 - 0.4, "rough": 3 * quiet_s}[weather]
    rules = weather_rules(chance, weather, slow_s)
    late_s = sum(
        max((rule.fault.seconds for rule in rules if rule.fault.kind in kinds), default=0.0) for kinds in _SLOW
    )
    sessions = chance.choice((1, 1, 2))
    jumps = ((chance.uniform(0, 10), chance.choice((-3600.0, -7.0, 3600.0))),) if _may_jump(chance, weather) else ()
    return Plan(
        seed=seed,
        weather=weather,
        quiet_s=quiet_s,
        late_watch_s=12 * quiet_s + 20,
        late_by_s=latency[1] + record_s + late_s,
        rules=rules,
        rate=chance.choice(({}, {}, {"creates": chance.choice((2.0, 5.0, 20.0))}, {"creates": 10.0, "reads": 10.0})),
        latency_s=latency,
        timeout_s=chance.uniform(1.5, 6.0),
        record_s=record_s,
        not_sent=0.0 if weather == "calm" else chance.choice((0.0, 0.05)),
        odd_answers=0.0 if weather == "calm" else chance.choice((0.0, 0.05)),
        by_token=chance.random() < 0.3,
        varied=chance.random() < 0.5,
        in_flight=chance.choice((1, 4, 16, 128)),
        page=chance.choice((3, 7, 1000)),
        duration_s=chance.choice(((0.0, 5.0), (1e5, 1e6))),
        jumps_s=jumps,
        closes_s=tuple(chance.uniform(0.05, 15) if chance.random() < 0.15 else None for _ in range(sessions)),
        hurries_s=_hurries(random.Random(f"closing {seed}")),
        max_sends=chance.choice((2, 5, 5)),
        orders=tuple(order for session in range(sessions) for order in _orders(chance, session)),
    )


def _hurries(chance: random.Random) -> tuple[float, ...]:
    return tuple(sorted(chance.choice((0.0, chance.uniform(0, 3))) for _ in range(chance.choice((0, 1, 1, 2, 3)))))


# What delays a creation, what delays its record, what delays the sight of it.
_SLOW = ({"delay_before"}, {"late_commit"}, {"stale_list"})


def _may_jump(chance: random.Random, weather: str) -> bool:
    return weather == "rough" and chance.random() < 0.25


def weather_rules(chance: random.Random, weather: str, slow_s: float) -> tuple[Rule, ...]:
    """What goes wrong, of every kind that there is."""
    rules = [_throttling(chance)] if chance.random() < 0.4 else []
    if weather == "calm":
        return tuple(rules)
    for kind in ("status", "reset_before", "reset_after", "delay_before", "late_commit", "slow_drip", "truncate",
                 "wrong_type", "envelope", "stale_list", "token_expired"):  # fmt: skip
        if chance.random() < 0.4:
            rules.append(_rule(chance, kind, slow_s))
    chance.shuffle(rules)
    return tuple(rules)


def _throttling(chance: random.Random) -> Rule:
    after = chance.choice((None, "1", "3", "soon", "-1", "1000000000", "0.5"))
    return _on(chance, Fault("status", code=429, retry_after=after), chance.choice((_CREATE, _ANY)), None, 0.2)


def _rule(chance: random.Random, kind: str, slow_s: float) -> Rule:
    fault = Fault(kind, seconds=chance.uniform(0, slow_s), code=chance.choice(_TROUBLE))
    if kind == "status" and chance.random() < 0.2:
        fault = Fault(kind, code=409)
    if kind in {"stale_list", "late_commit"}:
        return _on(chance, fault, _LIST if kind == "stale_list" else _CREATE, "GET" if kind == "stale_list" else "POST")
    path, method = chance.choice(((_CREATE, "POST"), (_CREATE, "POST"), (_LIST, "GET"), (_STOP, "POST"), (_ANY, None)))
    if kind == "token_expired":
        return _on(chance, fault, path, method, 0.03)
    return _on(chance, fault, path, method)


def _on(chance: random.Random, fault: Fault, path: "re.Pattern[str]", method: str | None, most: float = 0.4) -> Rule:
    count = chance.choice((None, None, 1, 5))
    return Rule(fault, method, path, chance.uniform(0.02, most), count, chance.getrandbits(32))


def _orders(chance: random.Random, session: int) -> list[Order]:
    orders = []
    for number in range(chance.choice((1, 2, 4))):
        starts_s = chance.choice((0.0, chance.uniform(0, 10)))
        if chance.random() < 0.5:
            size = chance.choice((2, 5, 12, 20))
            wishes = tuple(Wish(session, _element(chance, session, f"{number}-{index}")) for index in range(size))
            orders.append(Order(wishes, starts_s, _cancelled(chance, 0.2), chance.choice((1, 3, 8, 64))))
        else:
            orders.extend(_singles(chance, session, number, starts_s))
    return orders


def _singles(chance: random.Random, session: int, number: int, starts_s: float) -> list[Order]:
    orders = []
    for index in range(chance.choice((1, 3, 6))):
        name = f"job-{session}-{number}-{index % 2}" if chance.random() < 0.2 else None
        element = _element(chance, session, f"{number}-{index}")
        if name is not None:
            element = {"output_path": f"/bucket/output/{name}-{index}/"}
        wish = Wish(session, element, name)
        orders.append(Order((wish,), starts_s + chance.choice((0.0, chance.uniform(0, 3))), _cancelled(chance, 0.3)))
    return orders


def _element(chance: random.Random, session: int, name: str) -> dict[str, Any]:
    """One of: equal to others, told apart by its hyperparameters, by its path, or by a key."""
    kind = chance.choice(("equal", "equal", "parameters", "path", "key", "shared key"))
    shared = f"/bucket/output/{session}/"
    if kind == "equal":
        return {"output_path": shared, "hyperparameters": {"lr": 0.1}}
    if kind == "parameters":
        return {"output_path": shared, "hyperparameters": {"lr": chance.random(), "name": name}}
    own = {"output_path": f"{shared}{name}/", "hyperparameters": {"lr": 0.2}}
    if kind == "path":
        return own
    if kind == "key":
        return {**own, "intent_id": f"key {name}"}
    same = chance.randrange(2)
    return {"output_path": f"{shared}same{same}/", "hyperparameters": {"lr": 0.3}, "intent_id": f"same {same}"}


def _cancelled(chance: random.Random, probability: float) -> tuple[float, ...]:
    if chance.random() >= probability:
        return ()
    first = chance.choice((0.0, chance.uniform(0, 0.6), chance.uniform(0, 12)))
    return (first,) if chance.random() < 0.7 else (first, first + chance.uniform(0, 1.5))
