"""The ledger keeps a sweep's accounts: reservations stay within the limit, by however many controllers."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from attrs import evolve

from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep.budget import Amount, Limit, Spending
from aiomodelarts.sweep.engine.scribe import Scribe
from aiomodelarts.sweep.ledger.errors import NoRoom
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.ledger.records import Definition, Held, Measure, Move
from aiomodelarts.sweep.trial import Ending, Trial, TrialState

from .documents import GOOD, read

WORST = Amount(1000, 50)
LIMIT = Limit(3000, None)


def trial(number: int) -> Trial:
    return Trial(number, {"x": number}, f"/b/{number}/", account=Spending(held=WORST))


async def test_controllers_together_never_reserve_beyond_the_limit(address: str, tmp_path: Path) -> None:
    definition = Definition(tmp_path.name, {})
    async with (
        Ledger.open(address, definition, SystemClock()) as one,
        Ledger.open(address, definition, SystemClock()) as two,
    ):
        await one.join("here", "1 1")
        await two.join("here", "2 2")
        told = await asyncio.gather(
            *(ledger.reserve(100, trial, LIMIT) for ledger in (one, two) for _ in range(5)), return_exceptions=True
        )
        held = [answer for answer in told if isinstance(answer, Held)]
        refused = [answer for answer in told if isinstance(answer, NoRoom)]
        assert (len(held), len(refused)) == (3, 7)
        # Refused reservations begin no trial: the numbers have no gap.
        assert sorted(one.trial.number for one in held) == [1, 2, 3]
        assert (await one.refresh()).account == Spending(held=Amount(3000, 150))


async def test_settling_gives_back_what_was_not_used_and_a_retry_reserves_again(address: str, tmp_path: Path) -> None:
    async with Ledger.open(address, Definition(tmp_path.name, {}), SystemClock()) as ledger:
        await ledger.join("here", "1 1")
        begun = [await ledger.reserve(9, trial, LIMIT) for _ in range(3)]
        first = begun[0]
        assert first is not None
        spent = Spending(spent=Amount(100, 5))
        over = evolve(first.trial, state=TrialState.FAILED, account=spent, ending=Ending.OVERTIME)
        await ledger.move(Move(TrialState.RESERVED, over, "failed", limit=LIMIT, detail="line 1\nline 2"))
        assert (await ledger.refresh()).account == Spending(Amount(2000, 100), Amount(100, 5))
        with pytest.raises(NoRoom):
            await ledger.reserve(9, trial, LIMIT)
        assert await ledger.trial(1) == over
        assert (await ledger.events(1))[-1].detail == "line 1\nline 2"


async def test_a_refused_move_leaves_trial_and_accounts_as_they_were(address: str, tmp_path: Path) -> None:
    async with Ledger.open(address, Definition(tmp_path.name, {}), SystemClock()) as ledger:
        await ledger.join("here", "1 1")
        held = await ledger.reserve(9, lambda number: evolve(trial(number), account=Spending()), LIMIT)
        assert held is not None
        asks = evolve(held.trial, account=Spending(held=Amount(3001, 0)))
        with pytest.raises(NoRoom):
            await ledger.move(Move(TrialState.RESERVED, asks, "reserved for", limit=LIMIT))
        assert not await ledger.more_may_come()
        await ledger.reserve(9, trial, LIMIT)
        assert await ledger.more_may_come()
        assert await ledger.trial(1) == held.trial


async def test_measures_come_back_in_order_and_a_later_look_goes_on(address: str, tmp_path: Path) -> None:
    async with Ledger.open(address, Definition(tmp_path.name, {}), SystemClock()) as ledger:
        await ledger.join("here", "1 1")
        first = [Measure(1, 1, step, step / 10, {"rung": step} if step == 2 else None) for step in range(3)]
        await ledger.note(first)
        mark, told = await ledger.measures()
        assert told == first
        await ledger.note([Measure(2, 1, 0, 0.5)])
        assert (await ledger.measures(mark))[1][-1] == Measure(2, 1, 0, 0.5)


async def test_asking_to_stop_is_for_those_that_drive_now(address: str, tmp_path: Path) -> None:
    async with Ledger.open(address, Definition(tmp_path.name, {}), SystemClock()) as ledger:
        await ledger.join("here", "1 1")
        assert await ledger.ask_to_stop("leave") == 1
        record = await ledger.refresh()
        assert (record.stop_upto, record.stop_how) == (ledger.token, "leave")
        await ledger.leave()
        await ledger.join("here", "2 2")
        assert ledger.token > (record.stop_upto or 0)


def test_without_a_word_of_the_platform_no_more_is_charged_than_was_reserved() -> None:
    config = read(f"{GOOD}[budget]\nmax_hours = 10\nmax_trial_hours = 1\n")

    class TwoHoursLater(SystemClock):
        def now(self) -> float:
            return 1e9 + 7200

    scribe = Scribe(config, mock.Mock(), TwoHoursLater(), mock.AsyncMock(), mock.Mock())
    began = evolve(config.begin(1, {}), began_at=1e9)
    assert scribe.settled(began, None) == Spending(spent=Amount(3_600_000))
    # What the platform tells is true, and so is the clock where nothing was reserved.
    assert scribe.settled(began, SimpleNamespace(duration=5_400_000)) == Spending(spent=Amount(5_400_000))
    assert scribe.settled(evolve(began, account=Spending()), None) == Spending(spent=Amount(7_200_000))
    before = evolve(began, account=Spending(began.account.held, Amount(1000)))
    assert scribe.settled(before, SimpleNamespace(duration=1)) == Spending(spent=Amount(1001))
