"""Laws of the accounts: nothing that may happen goes beyond what was set."""

import math

from hypothesis import given
from hypothesis import strategies as st

from aiomodelarts.sweep.budget import Amount, Budget, Limit, Spending

HOURS = st.floats(0.001, 100)
PRICES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.floats(0, 50), min_size=1)


@given(HOURS, PRICES, st.integers(1, 8), st.floats(0, 1))
def test_no_version_that_ends_in_time_takes_more_than_its_worst_case(
    hours: float, prices: dict[str, float], nodes: int, share: float
) -> None:
    budget = Budget(max_trial_hours=hours, prices=prices)
    worst = budget.worst_case(prices, nodes)
    for flavor, price in prices.items():
        charge = budget.charge(hours * share * 3600, flavor, nodes)
        # Hours and seconds are not exactly alike as binary numbers: a millisecond, and what that costs.
        assert charge.ms <= worst.ms + 1
        assert charge.micros <= worst.micros + math.ceil(price * nodes / 3.6) + 1


@given(HOURS, PRICES, st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=60), st.floats(0, 200))
def test_reserving_and_settling_in_any_order_never_crosses_the_limit(
    hours: float, prices: dict[str, float], moves: list[tuple[bool, float]], most: float
) -> None:
    budget = Budget(max_trial_hours=hours, max_cost=most, max_hours=most / 2, prices=prices)
    limit, worst = budget.limit, budget.worst_case(prices)
    assert limit is not None
    account, open_trials = Spending(), 0
    for begin, share in moves:
        if begin:
            asked = account.changed(Spending(), Spending(held=worst))
            if limit.allows(asked.total):
                account, open_trials = asked, open_trials + 1
        elif open_trials:
            took = Amount(math.floor(worst.ms * share), math.floor(worst.micros * share))
            account, open_trials = account.changed(Spending(held=worst), Spending(spent=took)), open_trials - 1
        assert limit.allows(account.total)
        assert account.held == Amount(worst.ms * open_trials, worst.micros * open_trials)


def test_a_limit_counts_time_and_money_apart() -> None:
    assert Limit(10, 5).allows(Amount(10, 5))
    assert not Limit(10, 5).allows(Amount(10, 6))
    assert not Limit(10, 5).allows(Amount(11, 5))
    assert Limit(None, 5).allows(Amount(10**12, 5))


def test_the_worst_case_is_on_the_dearest_flavour_that_a_trial_may_get() -> None:
    budget = Budget(max_trial_hours=2, max_cost=100, prices={"cpu": 0.5, "gpu": 3.25})
    assert budget.worst_case(["cpu", "gpu"], nodes=2) == Amount(7_200_000, 13_000_000)
    assert budget.charge(3600, "cpu", nodes=2).cost == 1.0


def test_a_version_is_asked_to_stop_a_little_before_its_time_is_over() -> None:
    assert Budget(max_trial_hours=10).stop_after_s == 35_940
    assert math.isclose(Budget(max_trial_hours=0.01).stop_after_s or 0, 34.2)
    assert Budget().stop_after_s is None
    assert Budget().limit is None
