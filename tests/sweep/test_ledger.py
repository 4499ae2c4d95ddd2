"""What every ledger holds to, on SQLite and on PostgreSQL."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from attrs import evolve

from aiomodelarts._clock import SystemClock
from aiomodelarts.sweep.ledger import Definition, Fenced, Held, LedgerError, Move, SweepChanged
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.trial import Trial, TrialState

SETTINGS = {"[space] lr": {"kind": "choice", "values": [0.1, 0.2]}, "[search] algorithm": "grid"}


def trial(number: int) -> Trial:
    return Trial(number, {"lr": number / 10, "name": "naïve [x]", "flag": True}, f"/b/o/{number:04d}/")


class TestLedger:
    """The contract."""

    @pytest.fixture
    def opened(self, address: str, name: str) -> Any:
        def open_it(settings: Any = SETTINGS, **options: bool) -> AbstractAsyncContextManager[Ledger]:
            return Ledger.open(address, Definition(name, settings), SystemClock(), **options)

        return open_it

    @pytest.fixture
    async def ledger(self, opened: Any) -> AsyncIterator[Ledger]:
        async with opened() as ledger:
            await ledger.join("here", "1 1")
            yield ledger

    async def test_what_was_written_is_there_for_the_next_process(self, opened: Any) -> None:
        intent = {"create": {"spec": [1, "ü", None]}, "stamp": None}
        async with opened() as ledger:
            assert await ledger.join("here", "1 1") == []
            held = await ledger.reserve(2, trial)
            assert held == Held(trial(1))
            creating = evolve(held.trial, state=TrialState.CREATING)
            await ledger.move(Move(TrialState.RESERVED, creating, "about to", intent))
            await ledger.leave()
        async with opened() as ledger:
            assert await ledger.join("here", "2 2") == [Held(creating, intent)]
            ids = {"job_id": 2**40, "version_id": 2**41, "began_at": 1.5}
            running = evolve(creating, state=TrialState.RUNNING, **ids)
            await ledger.move(Move(TrialState.CREATING, running, "made"))
            done = evolve(running, state=TrialState.SUCCEEDED, value=0.1 + 0.2, duration_s=1e-9)
            await ledger.move(Move(TrialState.RUNNING, done, "value"))
            await ledger.leave()
        async with opened() as ledger:
            assert await ledger.join("here", "3 3") == []
            assert await ledger.trials() == [done]
            assert (ledger.sweep.job_id, ledger.sweep.first_version_id) == (2**40, 2**41)
            told = [(event.state, event.why, event.token) for event in await ledger.events(1)]
        assert told == [
            (TrialState.RESERVED, "reserved", 1),
            (TrialState.CREATING, "about to", 1),
            (TrialState.CREATING, "taken up", 2),
            (TrialState.RUNNING, "made", 2),
            (TrialState.SUCCEEDED, "value", 2),
        ]

    async def test_numbers_are_given_once_and_up_to_the_total(self, ledger: Ledger) -> None:
        held = await asyncio.gather(*(ledger.reserve(20, trial) for _ in range(30)))
        assert sorted(one.trial.number for one in held if one is not None) == list(range(1, 21))
        assert [one.point for one in await ledger.trials()] == [trial(number).point for number in range(1, 21)]

    async def test_two_controllers_share_the_numbers(self, opened: Any, ledger: Ledger) -> None:
        async with opened() as other:
            await other.join("there", "2 2")
            held = await asyncio.gather(*(one.reserve(20, trial) for _ in range(15) for one in (ledger, other)))
        assert sorted(one.trial.number for one in held if one is not None) == list(range(1, 21))

    async def test_moves_that_arrive_together_share_a_commit(self, ledger: Ledger) -> None:
        held = [held for held in await asyncio.gather(*(ledger.reserve(100, trial) for _ in range(100))) if held]
        before = ledger.commits
        moved = [evolve(one.trial, state=TrialState.CREATING) for one in held]
        await asyncio.gather(*(ledger.move(Move(TrialState.RESERVED, one, "x")) for one in moved))
        assert ledger.commits - before <= 3
        assert {one.state for one in await ledger.trials()} == {TrialState.CREATING}

    async def test_a_step_from_another_state_is_refused_and_its_neighbours_are_taken(self, ledger: Ledger) -> None:
        one, two = [held.trial for held in await asyncio.gather(*(ledger.reserve(2, trial) for _ in range(2))) if held]
        moves = [
            Move(TrialState.RUNNING, evolve(one, state=TrialState.SUCCEEDED), "wrong"),
            Move(TrialState.RESERVED, evolve(two, state=TrialState.CREATING), "right"),
        ]
        wrong, right = await asyncio.gather(*(ledger.move(move) for move in moves), return_exceptions=True)
        assert isinstance(wrong, LedgerError)
        assert right is None
        assert [one.state for one in await ledger.trials()] == [TrialState.RESERVED, TrialState.CREATING]

    async def test_whoever_was_taken_for_dead_can_change_nothing_more(self, opened: Any, ledger: Ledger) -> None:
        held = await ledger.reserve(2, trial)
        assert held is not None
        async with opened() as other:
            await other.join("there", "2 2")
            silent = [lease for lease in await other.leases() if lease.token == ledger.token]
            assert await other.take_over(silent) == [held]
            with pytest.raises(Fenced, match="lease 1"):
                await ledger.move(Move(TrialState.RESERVED, evolve(held.trial, state=TrialState.CREATING), "harm"))
            for ask in (ledger.beat, lambda: ledger.reserve(2, trial), lambda: ledger.take_over([])):
                with pytest.raises(Fenced):
                    await ask()
            assert await other.trials() == [held.trial]

    async def test_two_that_take_each_other_for_dead_do_not_block_each_other(self, opened: Any) -> None:
        for turn in range(5):
            async with opened() as one, opened() as other:
                await asyncio.gather(one.join("here", f"{turn} 1"), other.join("there", f"{turn} 2"))
                leases = {lease.token: lease for lease in await one.leases()}
                told = await asyncio.gather(
                    one.take_over([leases[other.token]]),
                    other.take_over([leases[one.token]]),
                    return_exceptions=True,
                )
                assert sorted(type(answer).__name__ for answer in told) in (["Fenced", "list"], ["list", "list"])
                for ledger in (one, other):
                    await ledger.leave()

    async def test_whoever_beats_meanwhile_is_not_dead(self, opened: Any, ledger: Ledger) -> None:
        assert await ledger.reserve(2, trial) is not None
        async with opened() as other:
            await other.join("there", "2 2")
            silent = await other.leases()
            await ledger.beat()
            assert await other.take_over(silent[:1]) == []
            await ledger.beat()

    async def test_other_settings_are_refused_with_the_difference(self, opened: Any, ledger: Ledger) -> None:
        await ledger.reserve(2, trial)
        changed = {**SETTINGS, "[search] algorithm": "random", "[search] seed": 3}
        with pytest.raises(SweepChanged) as caught:
            async with opened(changed):
                pass
        assert caught.value.differences == ('[search] algorithm: "grid" -> "random"', "[search] seed: nothing -> 3")
        async with opened(changed, allow_change=True) as later:
            assert (later.sweep.settings, later.sweep.base, later.sweep.reserved) == (changed, 1, 1)
            # It would go on with points of the settings before.
            with pytest.raises(Fenced, match="the sweep was changed"):
                await ledger.reserve(2, trial)
            assert [held.trial for held in await later.join("here", "1 2")] == [trial(1)]
        async with opened(changed):
            pass

    async def test_before_anything_was_begun_other_settings_are_no_change(self, opened: Any, ledger: Ledger) -> None:
        changed = {**SETTINGS, "[search] algorithm": "random"}
        async with opened(changed) as later:
            assert (later.sweep.settings, later.sweep.base) == (changed, 0)

    async def test_beginning_anew_keeps_the_old_trials_aside_and_fences_who_drives_them(
        self, opened: Any, ledger: Ledger
    ) -> None:
        await ledger.reserve(2, trial)
        async with opened(fresh=True) as anew:
            assert await anew.trials() == []
            with pytest.raises(Fenced, match="begun anew"):
                await ledger.beat()
            assert len(await ledger.trials()) == 1

    async def test_reading_needs_a_sweep_that_was_run(self, address: str, ledger: Ledger, name: str) -> None:
        async with Ledger.read(address, name, SystemClock()) as there:
            assert await there.trials() == []
        with pytest.raises(LedgerError, match="has no sweep other"):
            async with Ledger.read(address, "other", SystemClock()):
                pass

    async def test_a_write_whose_caller_is_cancelled_is_written_all_the_same(self, ledger: Ledger) -> None:
        asking = asyncio.create_task(ledger.reserve(1, trial))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert await ledger.reserve(1, trial) is None
        assert await ledger.trials() == [trial(1)]

    async def test_a_cancellation_waits_for_the_transaction_that_is_under_way(self, ledger: Ledger) -> None:
        """A connection that is cut off in the middle of one may keep the database locked, for everybody."""
        for beats in range(1, 4):
            taking = asyncio.create_task(ledger.take_over([]))
            for _ in range(beats):
                await asyncio.sleep(0)
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await taking
            assert [lease.beats for lease in await ledger.leases()] == [beats]

    async def test_whoever_leaves_waits_for_what_was_asked_for(self, ledger: Ledger) -> None:
        asked = []
        for _ in range(20):
            asked.append(asyncio.create_task(ledger.reserve(20, trial)))
            await asyncio.sleep(0)
        await ledger.leave()
        assert [held.trial.number for held in await asyncio.gather(*asked) if held is not None] == list(range(1, 21))


async def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(LedgerError, match="SQLite or PostgreSQL, not in mysql"):
        async with Ledger.open("mysql://u:secret@h/d", Definition("x", {}), SystemClock()):
            pass


async def test_a_password_is_not_told() -> None:
    with pytest.raises(LedgerError) as caught:
        async with Ledger.open("postgresql://u:secret@127.0.0.1:1/d", Definition("x", {}), SystemClock()):
            pass
    assert "secret" not in str(caught.value)


def test_the_package_can_be_imported_without_the_extra() -> None:
    script = "import sys; sys.modules['sqlalchemy'] = None\nimport aiomodelarts.sweep, aiomodelarts.sweep.ledger"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


async def test_a_database_that_goes_away_is_told_and_nothing_is_lost(postgres: str, name: str) -> None:
    async with Ledger.open(postgres, Definition(name, SETTINGS), SystemClock()) as ledger:
        await ledger.join("here", "1 1")
        assert await ledger.reserve(2, trial) == Held(trial(1))
        connection = await asyncpg.connect(postgres)
        try:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            await connection.execute(f"SELECT pg_terminate_backend(pid) {others}")
            # They are told to end, and may answer once more before they do.
            while await connection.fetchval(f"SELECT count(*) {others}"):
                await asyncio.sleep(0.01)
        finally:
            await connection.close()
        with pytest.raises(LedgerError, match=r"the database is not there any more; .* same command again"):
            await ledger.reserve(2, trial)
        assert await ledger.reserve(2, trial) == Held(trial(2))
        assert [one.number for one in await ledger.trials()] == [1, 2]
