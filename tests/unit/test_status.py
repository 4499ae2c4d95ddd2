"""Statuses: the classes of the contract's table, and numbers that it does not list."""

import copy
import pickle

import pytest

from aiomodelarts import JobStatus, Outcome

GOING_ON = {0, 1, 2, 4, 7, 8, 9, 15, 18, 19, 20}
FAILED = {3, 5, 6, 11, 14, 16, 17, 21, 22}
CANCELLED = {12, 13}
SUCCEEDED = {10}


@pytest.mark.parametrize("number", range(23))
def test_every_listed_number_has_the_class_of_the_table(number: int) -> None:
    status = JobStatus(number)
    classes = {
        Outcome.GOING_ON: GOING_ON,
        Outcome.FAILED: FAILED,
        Outcome.CANCELLED: CANCELLED,
        Outcome.SUCCEEDED: SUCCEEDED,
    }
    assert number in classes[status.outcome]
    assert status.is_final is (number not in GOING_ON)
    assert status.is_listed


@pytest.mark.parametrize("number", [0, 14, 20, 23, 99, -1])
def test_doubtful_statuses_are_the_ones_that_may_last_for_ever(number: int) -> None:
    assert JobStatus(number).is_doubtful


@pytest.mark.parametrize("number", [1, 7, 8, 9, 10, 11, 12, 13, 22])
def test_other_statuses_are_not_doubtful(number: int) -> None:
    assert not JobStatus(number).is_doubtful


@pytest.mark.parametrize("number", [23, 1000, -4, 10**30])
def test_an_unlisted_number_is_kept_and_never_final(number: int) -> None:
    status = JobStatus(number)
    assert status == number
    assert not status.is_final
    assert not status.is_listed
    assert status.outcome is Outcome.GOING_ON
    assert str(abs(number)) in status.name
    assert str(abs(number)) in repr(status)


@pytest.mark.parametrize("number", [8, 10, 99])
def test_a_status_survives_pickling_and_copying(number: int) -> None:
    status = JobStatus(number)
    for again in (pickle.loads(pickle.dumps(status)), copy.copy(status), copy.deepcopy(status)):
        assert again == status
        assert again.name == status.name
        assert isinstance(again, JobStatus)


@pytest.mark.parametrize("value", ["10", 1.5, None, [10]])
def test_what_is_not_a_number_is_no_status(value: object) -> None:
    with pytest.raises(ValueError, match="JobStatus"):
        JobStatus(value)
