"""Reads ``[budget]``."""

from collections.abc import Iterable

from ...budget import Budget
from ...problems import nearest
from ..reader import TableReader, kind_of, shown

_KEYS = ("max_trials", "max_hours", "max_cost", "max_trial_hours", "prices")
# More would not fit where the ledger keeps milliseconds and millionths.
_MOST_HOURS, _MOST_MONEY, _MOST_PRICE = 1e6, 1e12, 1e4


def read_budget(table: TableReader, flavors: Iterable[str], nodes: int = 1) -> Budget:
    """What the sweep may spend; nothing is said of it in an empty table.

    Args:
        table: the table.
        flavors: what versions may run on.
        nodes: of one version.
    """
    flavors = tuple(flavors)
    table.only(_KEYS)
    hours, cost = table.above_zero("max_hours", high=_MOST_HOURS), table.above_zero("max_cost", high=_MOST_MONEY)
    longest = table.above_zero("max_trial_hours", high=_MOST_HOURS)
    prices = _prices(table)
    if longest is None and "max_trial_hours" not in table.values:
        for key in ("max_hours", "max_cost"):
            if key in table.values:
                table.problem(
                    "needs max_trial_hours: so much is reserved for a version before it is made, and one that trains "
                    "for longer is stopped",
                    key,
                )
    if hours is not None and longest is not None and longest > hours:
        table.problem(
            f"is {longest:g}, more than max_hours, which is {hours:g}: no trial could begin", "max_trial_hours"
        )
    if "max_cost" in table.values:
        _check_prices(table, prices, flavors)
    budget = Budget(table.integer("max_trials", low=1), hours, cost, longest, prices)
    worst = budget.worst_case(flavors, nodes).cost
    if cost is not None and worst > cost:
        table.problem(
            f"is {cost:g}, and one trial may cost {worst:g}, in max_trial_hours on the dearest flavour: no trial could "
            "begin",
            "max_cost",
        )
    return budget


def _prices(table: TableReader) -> dict[str, float]:
    """Prices per hour by flavour."""
    inner = table.inside("prices")
    if "prices" in table.values and not isinstance(table.values["prices"], dict):
        table.problem(f"is {kind_of(table.values['prices'])}, and has to be a table: [budget.prices]", "prices")
    return {
        flavor: price
        for flavor in inner.values
        if (price := inner.number(flavor, low=0.0, high=_MOST_PRICE)) is not None
    }


def _check_prices(table: TableReader, prices: dict[str, float], flavors: tuple[str, ...]) -> None:
    if not flavors:
        table.problem("needs a flavour: name it under [estimator] train_instance_type or flavors", "max_cost")
    missing = [flavor for flavor in flavors if flavor not in table.inside("prices").values]
    where = ("prices",) if "prices" in table.values else ("max_cost",)
    for flavor in missing:
        hint = f"; {nearest(flavor, prices)}" if prices else ""
        table.problem(
            f"has no price for {shown(flavor)}: add it under [budget.prices], per hour and node{hint}", *where
        )
