"""Writes down what trials become, keeps their accounts, and tells of it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from ..._clock import Clock
from ..budget import Amount, Limit, Spending
from ..description.config import SweepConfig
from ..ledger.records import Move
from ..trial import Trial, TrialState

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger


class Scribe:
    """Every move of a trial goes through here: first into the ledger, then to whoever listens.

    Args:
        config: of the sweep.
        ledger: is told of every step.
        clock: dates them.
        tell: is told what a trial has become.
        passed: is told the name of every step just before and just after it is taken.
    """

    def __init__(
        self,
        config: SweepConfig,
        ledger: "Ledger",
        clock: Clock,
        tell: Callable[[Trial], Awaitable[None]],
        passed: Callable[[str], None],
    ) -> None:
        self._config = config
        self._tell = tell
        self.ledger = ledger
        self.clock = clock
        self.passed = passed

    async def move(
        self,
        trial: Trial,
        why: str,
        *,
        intent: Mapping[str, Any] | None = None,
        detail: str | None = None,
        **changes: Any,
    ) -> Trial:
        """The trial with these changes.

        Args:
            trial: as it is.
            why: for the record.
            intent: what is about to be sent; None leaves what is there.
            detail: more for the record, in several lines.
            changes: by the names of ``Trial``.

        Raises:
            NoRoom: more is reserved than the budget has.
            LedgerError: it is not written.
        """
        return await self.become(trial, evolve(trial, **changes), why, intent=intent, detail=detail)

    async def become(
        self,
        trial: Trial,
        after: Trial,
        why: str,
        *,
        intent: Mapping[str, Any] | None = None,
        detail: str | None = None,
    ) -> Trial:
        """The trial as it is afterwards; as ``move``."""
        limit = self._config.limit
        if limit is None and trial.account != Spending():
            # The budget was taken out of the file; what an earlier run has reserved is given back all the same.
            limit = Limit()
        await self.ledger.move(Move(trial.state, after, why, intent, limit, detail))
        await self._tell(after)
        return after

    async def end(self, trial: Trial, state: TrialState, reason: str | None, **more: Any) -> Trial:
        """The trial, over.

        Args:
            trial: as it is.
            state: what became of it.
            reason: why there is no value, or None.
            more: changes, by the names of ``Trial``, and ``detail`` as in ``move``.
        """
        why = reason or f"value {more.get('value')}"
        told = {"duration_s": self.since_began(trial)} | more
        ended = await self.move(trial, why, state=state, reason=reason, **told)
        self.passed("over")
        return ended

    def since_began(self, trial: Trial) -> float | None:
        """Seconds since the trial's creation was accepted, or None when it was not."""
        return None if trial.began_at is None else max(0.0, self.clock.now() - trial.began_at)

    def settled(self, trial: Trial, snapshot: object) -> Spending:
        """The trial's account after its version has ended.

        Args:
            trial: as it was.
            snapshot: the last one of its version, or None where there is none.
        """
        if self._config.limit is None:
            return self.released(trial)
        held, told_ms = trial.account.held, getattr(snapshot, "duration", None)
        if told_ms is not None:
            took = self._charge(trial, told_ms / 1000)
        else:
            # The time in the platform's queue is in this one, so it is too long rather than too short.
            took = self._charge(trial, self.since_began(trial) or 0.0)
            took = Amount(min(took.ms, held.ms), min(took.micros, held.micros)) if held != Amount() else took
        return Spending(spent=trial.account.spent + took)

    def released(self, trial: Trial) -> Spending:
        """The trial's account when no version was made."""
        return Spending(spent=trial.account.spent)

    def _charge(self, trial: Trial, seconds: float) -> Amount:
        default = self._config.flavors[0] if self._config.flavors else None
        return self._config.budget.charge(seconds, trial.flavor or default, self._config.nodes)
