"""Scripted faults: which request meets which fault is drawn from seeds, so that a run can be repeated."""

import random
import re
from typing import Any

from attrs import define, field, frozen

KINDS = frozenset(
    {
        "status", "reset_before", "reset_after", "delay_before", "late_commit", "slow_drip", "truncate", "wrong_type",
        "envelope", "stale_list", "token_expired",
    }
)  # fmt: skip


class FaultRuleError(ValueError):
    """A rule that cannot be understood; the text says which and why."""


@frozen
class Fault:
    """What goes wrong.

    Args:
        kind: one of :data:`KINDS`.
        seconds: every length of time: of the delay, the drip, the lag of a list, or until late work lands.
        code: the HTTP status of a ``status`` fault.
        error_code: told in the body; by default one that fits the status.
        retry_after: the header as it is sent, or None for no such header.
    """

    kind: str
    seconds: float = 1.0
    code: int = 500
    error_code: str | None = None
    retry_after: str | None = None


@frozen
class Rule:
    """Which requests meet a fault.

    Args:
        fault: what they meet.
        method: of the requests, or None for all.
        path: matches anywhere in the path, or None for all.
        probability: that a matching request meets the fault.
        count: how many may meet it, or None for any number.
        seed: of the draws.
    """

    fault: Fault
    method: str | None = None
    path: re.Pattern[str] | None = None
    probability: float = 1.0
    count: int | None = None
    seed: int = 0


@define
class _Dice:
    rule: Rule
    left: int | None
    chance: random.Random = field(repr=False)

    def hits(self, method: str, path: str) -> bool:
        rule = self.rule
        if rule.method not in (None, method) or (rule.path is not None and rule.path.search(path) is None):
            return False
        if self.left == 0 or self.chance.random() >= rule.probability:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """Draws faults for requests and counts them."""

    def __init__(self, rules: tuple[Rule, ...] = ()) -> None:
        self.counts: dict[str, int] = {}
        self._dice: list[_Dice] = []
        self.set(rules)

    def set(self, rules: tuple[Rule, ...]) -> None:
        """Replace all rules; their draws and counts start anew."""
        self._dice = [_Dice(rule, rule.count, random.Random(rule.seed)) for rule in rules]  # noqa: S311

    def draw(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets: that of the first rule that hits, or None."""
        for dice in self._dice:
            if dice.hits(method, path):
                self.note(dice.rule.fault.kind)
                return dice.rule.fault
        return None

    def note(self, kind: str) -> None:
        """Count one fault of this kind."""
        self.counts[kind] = self.counts.get(kind, 0) + 1


def read_rules(value: Any) -> tuple[Rule, ...]:
    """The rules that a decoded JSON list holds.

    Raises:
        FaultRuleError: with the number of the rule and what is wrong with it.
    """
    if not isinstance(value, list):
        raise FaultRuleError("fault rules are a list")
    rules = []
    for index, item in enumerate(value):
        try:
            rules.append(_rule(item, index))
        except (FaultRuleError, re.error) as error:
            raise FaultRuleError(f"fault rule {index}: {error}") from None
    return tuple(rules)


def _rule(item: Any, index: int) -> Rule:
    _check_names(item, {"match", "probability", "count", "seed", "fault"})
    match = item.get("match") or {}
    _check_names(match, {"method", "path"})
    method, path = match.get("method"), match.get("path")
    return Rule(
        fault=_fault(item.get("fault")),
        method=None if method is None else str(method).upper(),
        path=None if path is None else re.compile(str(path)),
        probability=_number(item, "probability", 1.0, 1.0),
        count=None if item.get("count") is None else int(_number(item, "count", 0, 1e9)),
        seed=int(_number(item, "seed", index, 2**63)),
    )


def _fault(item: Any) -> Fault:
    _check_names(item, {"kind", "seconds", "code", "error_code", "retry_after"})
    kind = item.get("kind")
    if kind not in KINDS:
        raise FaultRuleError(f"there is no fault of kind {kind!r}; there are {', '.join(sorted(KINDS))}")
    code = int(_number(item, "code", 500, 599))
    if code < 200:
        raise FaultRuleError(f"code has to be an HTTP status, not {code}")
    error_code, retry_after = item.get("error_code"), item.get("retry_after")
    return Fault(
        kind=kind,
        seconds=_number(item, "seconds", 1.0, 3600),
        code=code,
        error_code=None if error_code is None else str(error_code),
        retry_after=None if retry_after is None else str(retry_after),
    )


def _check_names(item: Any, known: set[str]) -> None:
    if not isinstance(item, dict):
        raise FaultRuleError(f"an object with {', '.join(sorted(known))} is expected, not {item!r}")
    unknown = set(item) - known
    if unknown:
        raise FaultRuleError(f"{min(unknown)!r} is not one of {', '.join(sorted(known))}")


def _number(item: dict[str, Any], name: str, default: float, high: float) -> float:
    value = item.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= high:
        raise FaultRuleError(f"{name} has to be a number from 0 to {high:g}, not {value!r}")
    return value
