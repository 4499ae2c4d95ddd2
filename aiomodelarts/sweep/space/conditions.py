"""When a hyperparameter is there at all: others have to have certain values. Pure."""

import heapq
import json
from collections.abc import Collection, Iterator, Mapping

from attrs import frozen

from ..problems import nearest
from .axes import Axis, Choice, Float, Scalar, own_value, same

Point = dict[str, Scalar]
# By the name of another hyperparameter, the values that it may have.
When = Mapping[str, tuple[Scalar, ...]]


@frozen
class Fault:
    """What is wrong with a condition.

    Args:
        name: of the hyperparameter that has the condition.
        parent: the one that it names, where that is the trouble.
        message: what is wrong.
        unknown: whether there is no hyperparameter of the parent's name.
    """

    name: str
    parent: str | None
    message: str
    unknown: bool = False


def is_met(when: When, picked: Point) -> bool:
    """Whether the values that were picked so far call for the hyperparameter."""
    return all(name in picked and any(same(picked[name], value) for value in values) for name, values in when.items())


def faults(axes: Mapping[str, Axis], conditions: Mapping[str, When]) -> Iterator[Fault]:
    """Everything that makes a condition impossible to meet or to decide."""
    for name, when in conditions.items():
        for parent, values in when.items():
            axis = axes.get(parent)
            if axis is None:
                yield Fault(name, parent, "is no hyperparameter of this space", unknown=True)
            elif isinstance(axis, Float) and axis.size is None:
                yield Fault(name, parent, "has no single values to wait for; give it num or step")
            elif not values:
                yield Fault(name, parent, "lists no value, so it is never met")
            else:
                yield from (
                    Fault(name, parent, _never(axis, value)) for value in values if own_value(axis, value) is None
                )
    for name in in_a_circle(axes, conditions):
        yield Fault(name, None, "waits for itself, by way of the conditions of others")


def _never(axis: Axis, value: Scalar) -> str:
    told = f"never is {json.dumps(value, ensure_ascii=False)}"
    return f"{told}; {nearest(str(value), map(str, axis.values))}" if isinstance(axis, Choice) else told


def in_order(axes: Collection[str], conditions: Mapping[str, When]) -> tuple[str, ...]:
    """The names, each behind those that its condition asks about, and by the alphabet where that leaves a choice."""
    missing = {name: len(conditions.get(name, ())) for name in axes}
    waiting: dict[str, list[str]] = {}
    for name in axes:
        for parent in conditions.get(name, ()):
            waiting.setdefault(parent, []).append(name)
    ready = [name for name in axes if not missing[name]]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        order.append(heapq.heappop(ready))
        for name in waiting.get(order[-1], ()):
            missing[name] -= 1
            if not missing[name]:
                heapq.heappush(ready, name)
    return tuple(order)


def in_a_circle(axes: Mapping[str, Axis], conditions: Mapping[str, When]) -> list[str]:
    """Names whose conditions can never be decided, because they wait for each other."""
    known = {
        name: {parent: values for parent, values in when.items() if parent in axes} for name, when in conditions.items()
    }
    stuck = set(axes) - set(in_order(axes, known))
    return sorted(name for name in stuck if name in _ancestors(name, known))


def _ancestors(name: str, conditions: Mapping[str, When]) -> set[str]:
    """All that the condition of a hyperparameter asks about, directly or by way of others."""
    found: set[str] = set()
    left = [name]
    while left:
        parents = set(conditions.get(left.pop(), ())) - found
        found |= parents
        left.extend(parents)
    return found
