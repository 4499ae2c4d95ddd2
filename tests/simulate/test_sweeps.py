"""Whole sweeps in virtual time, and the proof that the simulator would notice."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from attrs import evolve

from aiomodelarts.sweep.budget import Limit
from aiomodelarts.sweep.engine.following import Following
from aiomodelarts.sweep.engine.keeper import Keeper
from aiomodelarts.sweep.engine.making import Making
from aiomodelarts.sweep.engine.scribe import Scribe
from aiomodelarts.sweep.ledger.ledger import Ledger
from aiomodelarts.sweep.trial import TrialState
from aiomodelarts.sweep.versions import EstimatorVersions
from tests.simulate.stage import Tampering
from tests.simulate.sweeps.run import simulate


@pytest.mark.timeout(180)
@pytest.mark.parametrize("block", range(8))
def test_every_trial_is_made_once_and_the_budget_is_kept(block: int) -> None:
    for seed in range(12 * block, 12 * (block + 1)):
        assert not simulate(seed, muted=True).violations, f"python -m tests.simulate.sweeps --seed {seed} --trace"


@pytest.mark.parametrize("seed", [481, 1585, 6726])
def test_what_failed_before(seed: int) -> None:
    """481: the judge took a remark about a late version for a change of its trial.
    1585: writes that came while the ledger was written to were never answered when that was cancelled.
    6726: one held the whole budget while it waited for the job, and the other one needed it to make the job."""
    assert not simulate(seed, muted=True).violations


@pytest.mark.parametrize("seed", [3, 23, 41])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    first, second = simulate(seed), simulate(seed)
    assert [str(event) for event in first.events] == [str(event) for event in second.events]
    assert len(first.events) > 20


async def _nothing(*_: Any, **__: Any) -> None:
    return


@contextmanager
def _what_was_sent_is_not_looked_for() -> Iterator[None]:
    make = Making.make

    async def forgetful(self: Making, held: Any, job: Any) -> Any:
        return await make(self, evolve(held, intent=None), job)

    with mock.patch.object(Making, "make", forgetful):
        yield


@contextmanager
def _what_runs_is_made_anew() -> Iterator[None]:
    make = Making.make

    async def forgetful(self: Making, held: Any, job: Any) -> Any:
        if held.trial.state is TrialState.RUNNING:
            held = evolve(held, trial=evolve(held.trial, job_id=None, version_id=None))
        return await make(self, held, job)

    with mock.patch.object(Making, "make", forgetful):
        yield


@contextmanager
def _the_lease_is_not_asked_for_before_a_creation() -> Iterator[None]:
    with (
        mock.patch.object(Ledger, "check", return_value=None),
        mock.patch.object(Ledger, "hold", _nothing),
    ):
        yield


@contextmanager
def _whoever_lives_is_taken_for_dead() -> Iterator[None]:
    async def all_others(self: Keeper) -> Any:
        return [lease for lease in await self._ledger.leases() if lease.token != self._ledger.token]

    with mock.patch.object(Keeper, "gone", all_others), mock.patch.object(Ledger, "check", return_value=None):
        yield


@contextmanager
def _the_budget_allows_everything() -> Iterator[None]:
    with mock.patch.object(Limit, "allows", return_value=True):
        yield


@contextmanager
def _a_retry_is_not_reserved_for() -> Iterator[None]:
    async def at_no_cost(self: Making, trial: Any) -> Any:
        return trial

    with mock.patch.object(Making, "_funded", at_no_cost):
        yield


@contextmanager
def _what_a_version_took_is_not_noted() -> Iterator[None]:
    with mock.patch.object(Scribe, "settled", lambda self, trial, snapshot: self.released(trial)):
        yield


@contextmanager
def _what_was_reserved_for_nothing_is_kept() -> Iterator[None]:
    with mock.patch.object(Scribe, "released", lambda self, trial: trial.account):
        yield


@contextmanager
def _overtime_is_not_noticed() -> Iterator[None]:
    with mock.patch.object(Following, "_overtime", _nothing):
        yield


@contextmanager
def _the_flavour_is_noted_and_not_sent() -> Iterator[None]:
    made = EstimatorVersions.__init__

    def init(self: EstimatorVersions, *args: Any) -> None:
        made(self, *args)
        self._by_flavor = {}

    with mock.patch.object(EstimatorVersions, "__init__", init):
        yield


@pytest.mark.timeout(180)
# With the first seed that notices it, from which the search begins; other seeds do as well.
@pytest.mark.parametrize(
    ("tampering", "first"),
    [
        pytest.param(_what_was_sent_is_not_looked_for, 64, id="what was sent is not looked for"),
        pytest.param(_what_runs_is_made_anew, 1, id="what runs is made anew"),
        pytest.param(
            _the_lease_is_not_asked_for_before_a_creation, 64, id="the lease is not asked for before a creation"
        ),
        pytest.param(_whoever_lives_is_taken_for_dead, 4, id="whoever lives is taken for dead"),
        pytest.param(_the_budget_allows_everything, 2, id="the budget allows everything"),
        pytest.param(_a_retry_is_not_reserved_for, 81, id="a retry is not reserved for"),
        pytest.param(_what_a_version_took_is_not_noted, 2, id="what a version took is not noted"),
        pytest.param(_what_was_reserved_for_nothing_is_kept, 42, id="what was reserved for nothing is kept"),
        pytest.param(_overtime_is_not_noticed, 2, id="overtime is not noticed"),
        pytest.param(_the_flavour_is_noted_and_not_sent, 63, id="the flavour is noted and not sent"),
    ],
)
def test_the_simulator_bites(tampering: Tampering, first: int) -> None:
    assert any(simulate(seed, tampering, muted=True).violations for seed in range(first, first + 60))
