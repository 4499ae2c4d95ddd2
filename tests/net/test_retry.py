"""What is tried again, how often, and until when."""

import random

import pytest

from aiomodelarts import AnswerTimeout, InvalidRequest, NotSent, RetryPolicy
from aiomodelarts._clock import Clock
from aiomodelarts._net.retry import Retry
from tests.support.clocks import HandClock

_QUICK = 1e-6


class Script:
    """An attempt that fails as written, then succeeds."""

    def __init__(self, *failures: Exception, clock: HandClock | None = None, takes_s: float = 0.0) -> None:
        self._failures = list(failures)
        self._clock = clock
        self._takes_s = takes_s
        self.tries = 0

    async def __call__(self) -> str:
        self.tries += 1
        if self._clock is not None:
            self._clock.at += self._takes_s
        if self._failures:
            raise self._failures.pop(0)
        return "done"


def _retry(clock: Clock | None = None, **policy: float) -> Retry:
    settings = {"base_s": _QUICK, "cap_s": _QUICK, **policy}
    return Retry(RetryPolicy(**settings), clock or HandClock(), random.Random(1))


async def test_a_success_is_asked_for_once() -> None:
    attempt = Script()
    assert await _retry().read(attempt) == "done"
    assert attempt.tries == 1


@pytest.mark.parametrize("max_tries", [1, 2, 5])
async def test_the_first_try_counts(max_tries: int) -> None:
    attempt = Script(*[NotSent(f"refused {number}") for number in range(10)])
    with pytest.raises(NotSent, match=f"refused {max_tries - 1}"):
        await _retry(max_tries=max_tries).read(attempt)
    assert attempt.tries == max_tries


async def test_what_fails_twice_and_then_works_is_done() -> None:
    attempt = Script(NotSent("one"), AnswerTimeout("two"))
    assert await _retry().read(attempt) == "done"
    assert attempt.tries == 3


async def test_a_create_is_not_repeated_once_its_bytes_may_have_arrived() -> None:
    attempt = Script(NotSent("one"), AnswerTimeout("two"))
    with pytest.raises(AnswerTimeout):
        await _retry().create(attempt)
    assert attempt.tries == 2


async def test_a_refusal_is_final() -> None:
    attempt = Script(InvalidRequest("no", status=400))
    with pytest.raises(InvalidRequest):
        await _retry().read(attempt)
    assert attempt.tries == 1


async def test_the_time_limit_runs_from_the_first_failure() -> None:
    clock = HandClock()
    attempt = Script(*[NotSent("refused")] * 9, clock=clock, takes_s=4.0)
    with pytest.raises(NotSent):
        await _retry(clock, max_time_s=10.0, max_tries=9).read(attempt)
    # Tries begin at 0, 4, 8 and 12 s; the first failed at 4 s, and the fifth would begin at 16 s.
    assert attempt.tries == 4
