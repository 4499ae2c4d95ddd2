"""What a sweep may spend, and what it has: hours and money, reserved before a version is made. Pure.

Amounts are whole milliseconds and whole millionths of the user's currency, always rounded up, so that sums are exact.
"""

import math
from collections.abc import Iterable, Mapping

from attrs import field, frozen

_MS_PER_H = 3_600_000
_MICROS = 1_000_000
# A stop takes a moment, so it is asked for a little before the time is over.
_STOP_SHARE, _STOP_MOST_S = 0.05, 60.0


@frozen
class Amount:
    """Time on the platform and what it costs.

    Args:
        ms: milliseconds.
        micros: millionths of the currency of the price table.
    """

    ms: int = 0
    micros: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.ms + other.ms, self.micros + other.micros)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.ms - other.ms, self.micros - other.micros)

    @property
    def hours(self) -> float:
        """The time in hours."""
        return self.ms / _MS_PER_H

    @property
    def cost(self) -> float:
        """The money in the currency of the price table."""
        return self.micros / _MICROS


@frozen
class Limit:
    """How much there is; None has no end."""

    ms: int | None = None
    micros: int | None = None

    def allows(self, amount: Amount) -> bool:
        """Whether so much in all stays within."""
        return (self.ms is None or amount.ms <= self.ms) and (self.micros is None or amount.micros <= self.micros)


@frozen
class Spending:
    """A sweep's accounts.

    Args:
        held: reserved for versions that are being made or run.
        spent: by versions that have ended.
    """

    held: Amount = Amount()
    spent: Amount = Amount()

    @property
    def total(self) -> Amount:
        """What may be gone when all that runs has ended."""
        return self.held + self.spent

    def changed(self, before: "Spending", after: "Spending") -> "Spending":
        """The accounts after one trial's own have changed."""
        return Spending(self.held - before.held + after.held, self.spent - before.spent + after.spent)


@frozen
class Budget:
    """What a sweep may spend.

    Args:
        max_trials: how many trials may be begun.
        max_hours: hours of training of all versions together.
        max_cost: in the currency of the prices.
        max_trial_hours: hours of training after which a version is stopped.
        prices: per hour and node, by flavour.
    """

    max_trials: int | None = None
    max_hours: float | None = None
    max_cost: float | None = None
    max_trial_hours: float | None = None
    prices: Mapping[str, float] = field(factory=dict)

    @property
    def limit(self) -> Limit | None:
        """The end of the accounts, or None where none are kept."""
        if self.max_trial_hours is None and self.max_hours is None and self.max_cost is None and not self.prices:
            return None
        # The limits are rounded down, and all amounts up.
        return Limit(
            None if self.max_hours is None else math.floor(self.max_hours * _MS_PER_H),
            None if self.max_cost is None else math.floor(self.max_cost * _MICROS),
        )

    @property
    def stop_after_s(self) -> float | None:
        """Seconds of training after which a version is asked to stop, so that it is down when its time is over."""
        if self.max_trial_hours is None:
            return None
        longest_s = self.max_trial_hours * 3600
        return longest_s - min(_STOP_MOST_S, longest_s * _STOP_SHARE)

    def worst_case(self, flavors: Iterable[str], nodes: int = 1) -> Amount:
        """What one version may take: its longest time, on the dearest of the flavours that it may get.

        Args:
            flavors: what it may run on.
            nodes: of one version.
        """
        if self.max_trial_hours is None:
            return Amount()
        flavors = tuple(flavors)
        ms = math.ceil(self.max_trial_hours * _MS_PER_H)
        return Amount(ms, max((self._micros(ms, flavor, nodes) for flavor in flavors), default=0))

    def charge(self, seconds: float, flavor: str | None, nodes: int = 1) -> Amount:
        """What a version has taken that ran for so long."""
        ms = math.ceil(max(0.0, seconds) * 1000)
        return Amount(ms, self._micros(ms, flavor, nodes))

    def _micros(self, ms: int, flavor: str | None, nodes: int) -> int:
        price = 0.0 if flavor is None else self.prices.get(flavor, 0.0)
        return math.ceil(ms * math.ceil(price * nodes * _MICROS) / _MS_PER_H)
