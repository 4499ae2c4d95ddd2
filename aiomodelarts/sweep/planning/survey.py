"""Makes the plan of a sweep: asks the ledger and the platform, with reads only."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

from attrs import frozen

from ...errors import SweepError
from ...session import AsyncSession
from ..budget import Amount, Limit, Spending
from ..description.config import SweepConfig
from ..description.definition import settings_of
from ..files import ObsFiles, OutputFiles
from ..ledger.errors import NotRunYet
from ..ledger.records import SweepRecord, differences
from ..search.points import Points
from ..search.warm_start import History
from ..trial import Trial
from .plan import Estimate, Mark, Plan, PlannedTrial, Refusal, ledger_mark, planned, points_mark, to_make
from .premises import Premises

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from ..ledger.ledger import Ledger


class Survey:
    """Everything that a plan is made of, asked once.

    Args:
        config: the sweep.
        sweep: the digest of its description.
        opened: its ledger, to be read.
        known_before: reads what was known before the sweep, with a session and from buckets.
    """

    def __init__(
        self,
        config: SweepConfig,
        sweep: str,
        opened: "Callable[[], AbstractAsyncContextManager[Ledger]]",
        known_before: Callable[[AsyncSession, OutputFiles], Awaitable[History]],
    ) -> None:
        self._config = config
        self._sweep = sweep
        self._opened = opened
        self._known_before = known_before

    async def mark(self) -> Mark:
        """What a plan would depend on now; the platform is not asked."""
        record, trials = await self._past()
        known, later = await asyncio.to_thread(self._trials, record, trials)
        return self._mark(record, trials, known, later)

    async def plan(self, session: AsyncSession, files: OutputFiles | None, file: str | None) -> Plan:
        """The plan.

        Args:
            session: asks the platform; nothing is changed there.
            files: reads buckets, where a session can.
            file: of the sweep, as it was named.
        """
        config = self._config
        record, trials = await self._past()
        known, later = await asyncio.to_thread(self._trials, record, trials)
        premises = Premises(config, session, files)
        await premises.look(record)
        unread, told = await self._warm_start(session, files)
        refused, notes = premises.refused + unread, premises.notes + told
        if record is not None and record.reserved:
            changed = differences(record.settings, settings_of(config))
            refused += [Refusal("changed since the last run", one) for one in changed]
        making = sum(trial.state == "to make" for trial in known) + later
        estimates = _Estimates.of(config, making, trials, Spending() if record is None else record.account)
        return Plan(
            sweep=config.name,
            file=file,
            mark=self._mark(record, trials, known, later),
            search=config.search.algorithm,
            concurrency=config.concurrency,
            trials=tuple(known),
            later=later,
            job=premises.job,
            refused=tuple(refused),
            notes=(*notes, *estimates.notes),
            hours=estimates.hours,
            cost=estimates.cost,
            elapsed_h=estimates.elapsed_h,
        )

    def _mark(
        self, record: SweepRecord | None, trials: Sequence[Trial], known: Sequence[PlannedTrial], later: int
    ) -> Mark:
        points = points_mark((trial.point for trial in known), later, self._config.search.algorithm)
        return Mark(self._sweep, points, None if record is None else ledger_mark(trials))

    async def _past(self) -> tuple[SweepRecord | None, list[Trial]]:
        try:
            async with self._opened() as ledger:
                return ledger.sweep, await ledger.trials()
        except NotRunYet:
            return None, []

    def _trials(self, record: SweepRecord | None, trials: Sequence[Trial]) -> tuple[list[PlannedTrial], int]:
        """The trials that are there with those that are known beforehand, and how many come later."""
        config = self._config
        earlier = trials[: record.base] if record is not None else []
        points = Points(config.search, config.space, (trial.point for trial in earlier))
        count, most = points.count(), config.budget.max_trials
        total = max(count if most is None else min(count, most), len(trials))
        known = [planned(trial) for trial in trials]
        if config.warm_start is not None:
            # What is known from before may change the very first point.
            return known, total - len(known)
        begun = len(trials) - len(earlier)
        coming = islice(points.known(), begun, begun + total - len(trials))
        for number, point in enumerate(coming, start=len(trials) + 1):
            known.append(to_make(number, point, config.output_path(number)))
        return known, total - len(known)

    async def _warm_start(self, session: AsyncSession, files: OutputFiles | None) -> tuple[list[Refusal], list[str]]:
        """What the warm start comes to, and why it cannot be had."""
        if self._config.warm_start is None:
            return [], []
        try:
            history = await self._known_before(session, files or ObsFiles(session.obs))
        except SweepError as error:
            return [Refusal("warm_start", str(error))], []
        return [], history.lines()


def _left(limit: Limit | None, account: Spending) -> Limit:
    """What is left of a budget."""
    if limit is None:
        return Limit()
    gone = account.total
    return Limit(
        None if limit.ms is None else max(0, limit.ms - gone.ms),
        None if limit.micros is None else max(0, limit.micros - gone.micros),
    )


@frozen
class _Estimates:
    """What the trials that are to be made may take."""

    hours: Estimate
    cost: Estimate | None
    elapsed_h: Estimate
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: SweepConfig, count: int, trials: Sequence[Trial], account: Spending) -> "_Estimates":
        """The estimates.

        Args:
            config: of the sweep.
            count: how many trials are to be made.
            trials: those that are there.
            account: what they have spent, and hold.
        """
        budget, rounds = config.budget, math.ceil(count / config.concurrency)
        took_s = [trial.duration_s for trial in trials if trial.duration_s is not None]
        about_s = median(took_s) if took_s else None
        worst, left = config.worst_case, _left(config.limit, account)
        longest_ms = _least(_least(worst.ms * count, left.ms), _bought_ms(config, left))
        most = Amount(longest_ms, _least(worst.micros * count, left.micros))
        is_known = worst != Amount() or count == 0
        hours = Estimate(None if about_s is None else about_s * count / 3600, most.hours if is_known else None)
        longest_h = budget.max_trial_hours
        elapsed_h = Estimate(
            None if about_s is None else about_s * rounds / 3600, None if longest_h is None else longest_h * rounds
        )
        cost = None
        if budget.prices:
            first = config.flavors[0] if config.flavors else None
            each = None if about_s is None else budget.charge(about_s, first, config.nodes)
            cost = Estimate(None if each is None else each.cost * count, most.cost if is_known else None)
        return cls(hours, cost, elapsed_h, _on_the_budget(worst, left, count))


def _bought_ms(config: SweepConfig, left: Limit) -> int | None:
    """The longest time that what is left of the money can buy; None where that has no end."""
    hourly = [config.budget.charge(3600, flavor, config.nodes).micros for flavor in config.flavors]
    cheapest = min(hourly, default=0)
    return None if left.micros is None or not cheapest else left.micros * 3_600_000 // cheapest


def _least(amount: int, limit: int | None) -> int:
    return amount if limit is None else min(amount, limit)


def _on_the_budget(worst: Amount, left: Limit, count: int) -> tuple[str, ...]:
    """That the budget may be used up before the last trial, where it may."""
    pairs = ((worst.ms, left.ms), (worst.micros, left.micros))
    sure = min((room // each for each, room in pairs if each and room is not None), default=count)
    if sure >= count:
        return ()
    return (f"what is left of the budget is surely enough for {sure} of the {count} trials, if each takes its longest",)
