"""One transaction of a controller: reservations and moves, each carried out if it is still allowed."""

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from attrs import define, field, frozen
from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..budget import Amount, Limit, Spending
from ..trial import Trial, TrialState
from . import schema
from .errors import Fenced, LedgerError, NoRoom, NumberTaken
from .records import Held, Measure, Move
from .rows import account_of, account_values, measure_values, text_of, trial_values


@frozen
class Reserve:
    """Begins the next trial, if there is one.

    Args:
        total: how many there may be.
        trial: makes the trial of this number, with what is reserved for it, or refuses with a ``LedgerError``.
        limit: keeps the sweep's accounts, and refuses a reservation beyond; None where there are none.
        number: the only one that it is made for; None takes any.
        why: for the record.
    """

    total: int
    trial: Callable[[int], Trial]
    limit: Limit | None = None
    number: int | None = None
    why: str = "reserved"


@frozen
class Beat:
    """Says that the controller is alive."""


@frozen
class Note:
    """Keeps values that logs have told."""

    measures: Sequence[Measure]


Write = Reserve | Move | Beat | Note

_trials, _sweeps, _leases, _events = schema.trials, schema.sweeps, schema.leases, schema.events


@frozen
class _Standing:
    """What a row says of a trial before a move."""

    state: str = "missing"
    holder: int | None = None
    account: Spending = field(factory=Spending)


@define
class Transaction:
    """Carries out writes for one controller.

    Args:
        connection: inside a transaction.
        sweep_id: the sweep.
        token: of the controller's lease.
        at: seconds since the Unix epoch.
    """

    connection: AsyncConnection
    sweep_id: int
    token: int
    at: float
    _new: list[dict[str, Any]] = field(factory=list)
    _changed: list[dict[str, Any]] = field(factory=list)
    _intents: list[dict[str, Any]] = field(factory=list)
    _said: list[dict[str, Any]] = field(factory=list)
    _measured: list[dict[str, Any]] = field(factory=list)
    _account: Spending = field(factory=Spending)

    async def carry_out(self, writes: Sequence[Write]) -> list[Any]:
        """A result for each write, or the error that refuses it.

        Raises:
            Fenced: the lease is over; nothing was changed.
        """
        await self._hold_lease(any(isinstance(write, Beat) for write in writes))
        sweep = await self._sweep() if _needs_sweep(writes) else None
        states = await self._states({write.trial.number for write in writes if isinstance(write, Move)})
        results: list[Any] = []
        reserved = 0
        if sweep is not None:
            reserved, self._account = sweep.reserved, account_of(sweep)
        for write in writes:
            if isinstance(write, Reserve):
                result = None if reserved >= write.total else self._reserve(write, reserved + 1)
                reserved += isinstance(result, Held)
                results.append(result)
            elif isinstance(write, Move):
                results.append(self._move(write, states))
            else:
                if isinstance(write, Note):
                    self._note(write.measures)
                results.append(None)
        if sweep is not None:
            await self._note_sweep(sweep, reserved, writes)
        await self._flush()
        return results

    async def _hold_lease(self, beat: bool) -> None:
        mine = (_leases.c.sweep_id == self.sweep_id, _leases.c.token == self.token)
        row = (await self.connection.execute(select(_leases.c.ended).where(*mine).with_for_update())).first()
        if row is None or row.ended is not None:
            why = row.ended if row else "it is gone"
            raise Fenced(
                f"this controller may not go on: its lease {self.token} was ended ({why}), and its trials belong to "
                "another one; it has changed nothing since"
            )
        if beat:
            await self.connection.execute(update(_leases).where(*mine).values(beats=_leases.c.beats + 1))

    async def _sweep(self) -> Any:
        columns = (_sweeps.c.reserved, _sweeps.c.job_id, *(_sweeps.c[name] for name in schema.ACCOUNT))
        asked = select(*columns).where(_sweeps.c.id == self.sweep_id).with_for_update()
        return (await self.connection.execute(asked)).one()

    async def _states(self, numbers: set[int]) -> dict[int, _Standing]:
        if not numbers:
            return {}
        asked = (
            select(_trials.c.number, _trials.c.state, _trials.c.holder, *(_trials.c[name] for name in schema.ACCOUNT))
            .where(_trials.c.sweep_id == self.sweep_id, _trials.c.number.in_(sorted(numbers)))
            .order_by(_trials.c.number)
            .with_for_update()
        )
        rows = await self.connection.execute(asked)
        return {row.number: _Standing(row.state, row.holder, account_of(row)) for row in rows}

    def _reserve(self, write: Reserve, number: int) -> Held | LedgerError:
        if write.number not in {None, number}:
            return NumberTaken(f"the next trial is {number}, not {write.number}")
        try:
            trial = write.trial(number)
        except LedgerError as not_now:
            return not_now
        refusal = self._book(Spending(), trial.account, write.limit)
        if refusal is not None:
            return refusal
        self._new.append(
            {
                "sweep_id": self.sweep_id,
                "number": trial.number,
                "point": json.dumps(trial.point, ensure_ascii=False),
                "holder": self.token,
                **trial_values(trial),
            }
        )
        self._say(trial, write.why)
        return Held(trial)

    def _move(self, move: Move, states: dict[int, _Standing]) -> LedgerError | None:
        trial = move.trial
        there = states.get(trial.number, _Standing())
        if there.holder != self.token:
            return Fenced(f"trial {trial.number} is held by another controller now")
        if there.state != move.before.value:
            expected = move.before.value
            return LedgerError(f"trial {trial.number} is {there.state}, not {expected}; the ledger was changed")
        refusal = self._book(there.account, trial.account, move.limit)
        if refusal is not None:
            return refusal
        keys = {"its_sweep": self.sweep_id, "its_number": trial.number}
        self._changed.append(keys | trial_values(trial))
        if move.intent is not None:
            self._intents.append(keys | {"intent": text_of(move.intent)})
        states[trial.number] = _Standing(trial.state.value, there.holder, trial.account)
        self._say(trial, move.why, move.detail)
        return None

    def _book(self, before: Spending, after: Spending, limit: Limit | None) -> NoRoom | None:
        """Carry a change of one trial's account into the sweep's, unless it reserves beyond the limit."""
        if limit is None:
            return None
        account = self._account.changed(before, after)
        if before.held != after.held != Amount() and not limit.allows(account.total):
            return NoRoom("the budget has no room for another version")
        self._account = account
        return None

    def _note(self, measures: Sequence[Measure]) -> None:
        self._measured += [{"sweep_id": self.sweep_id} | measure_values(one) for one in measures]

    def _say(self, trial: Trial, why: str, detail: str | None = None) -> None:
        state = trial.state.value
        said = event_values(self.sweep_id, trial.number, trial.attempt, self.at, state, why, self.token)
        self._said.append(said | {"detail": detail})

    async def _note_sweep(self, sweep: Any, reserved: int, writes: Sequence[Write]) -> None:
        changes: dict[str, Any] = {} if reserved == sweep.reserved else {"reserved": reserved}
        made = next((write.trial for write in writes if isinstance(write, Move) and _makes_the_job(write)), None)
        if made is not None and sweep.job_id is None:
            changes |= {"job_id": made.job_id, "first_version_id": made.version_id}
        if self._account != account_of(sweep):
            changes |= account_values(self._account)
        if changes:
            await self.connection.execute(update(_sweeps).where(_sweeps.c.id == self.sweep_id).values(**changes))

    async def _flush(self) -> None:
        this = (_trials.c.sweep_id == bindparam("its_sweep"), _trials.c.number == bindparam("its_number"))
        for statement, rows in (
            (insert(_trials), self._new),
            (update(_trials).where(*this), self._changed),
            (update(_trials).where(*this), self._intents),
            (insert(_events), self._said),
            (insert(schema.measures), self._measured),
        ):
            if rows:
                await self.connection.execute(statement, rows)


async def lock_leases(connection: AsyncConnection, sweep_id: int, tokens: Collection[int]) -> None:
    """Keep these leases as they are until the transaction ends.

    Rows are locked in one order everywhere, leases by token, then the sweep, then trials by number: two controllers
    that take each other for dead would wait for each other otherwise.
    """
    if tokens:
        these = (_leases.c.sweep_id == sweep_id, _leases.c.token.in_(sorted(tokens)))
        await connection.execute(select(_leases.c.token).where(*these).order_by(_leases.c.token).with_for_update())


async def take_up(
    connection: AsyncConnection, sweep_id: int, token: int, states: Sequence[str], at: float
) -> list[Row[Any]]:
    """Give this controller the trials in these states that nobody alive holds, and return their rows."""
    over = select(_leases.c.token).where(_leases.c.sweep_id == sweep_id, _leases.c.ended.is_not(None))
    free = (
        _trials.c.sweep_id == sweep_id,
        _trials.c.state.in_(states),
        _trials.c.holder.is_(None) | _trials.c.holder.in_(over),
    )
    asked = select(_trials).where(*free).order_by(_trials.c.number).with_for_update()
    rows = [*(await connection.execute(asked))]
    if not rows:
        return []
    taken = update(_trials).where(_trials.c.sweep_id == sweep_id, _trials.c.number == bindparam("its_number"))
    await connection.execute(taken.values(holder=token), [{"its_number": row.number} for row in rows])
    said = [event_values(sweep_id, row.number, row.attempt, at, row.state, "taken up", token) for row in rows]
    await connection.execute(insert(_events), said)
    return rows


async def reopen(connection: AsyncConnection, sweep_id: int, trials: Sequence[Trial], at: float) -> None:
    """Make these trials what they are given as, held by nobody."""
    if not trials:
        return
    this = (_trials.c.sweep_id == sweep_id, _trials.c.number == bindparam("its_number"))
    rows = [{"its_number": trial.number, "holder": None, "intent": None} | trial_values(trial) for trial in trials]
    await connection.execute(update(_trials).where(*this), rows)
    why = "to be tried again, as asked"
    said = [event_values(sweep_id, one.number, one.attempt, at, one.state.value, why, 0) for one in trials]
    await connection.execute(insert(_events), said)


def event_values(
    sweep_id: int, number: int, attempt: int, at: float, state: str, why: str, token: int
) -> dict[str, Any]:
    """A line of a trial's history by its columns."""
    return {
        "sweep_id": sweep_id,
        "number": number,
        "attempt": attempt,
        "at": at,
        "state": state,
        "why": why,
        "token": token,
    }


def _needs_sweep(writes: Sequence[Write]) -> bool:
    return any(
        isinstance(write, Reserve) or (isinstance(write, Move) and (write.limit is not None or _makes_the_job(write)))
        for write in writes
    )


def _makes_the_job(move: Move) -> bool:
    return move.trial.number == 1 and move.trial.attempt == 1 and move.trial.state is TrialState.RUNNING
