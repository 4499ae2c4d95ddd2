"""Trying again: the only module that knows backoff."""

import random
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

import backoff
from attrs import field, frozen, validators

from .._clock import Clock
from ..errors import ModelArtsError, Throttled
from .budget import RetryBudget

T = TypeVar("T")
Attempt = Callable[[], Awaitable[Any]]


@frozen(kw_only=True)
class RetryPolicy:
    """How often and how long a call is tried again. Only what cannot do harm twice is ever repeated.

    Args:
        max_tries: tries in all, the first one included.
        max_time_s: no try begins later than this after the first failure.
        base_s: the first pause; each further one is twice as long, and all are drawn between half and whole.
        cap_s: the longest pause, also where the service asks for a longer one.
        budget_share: repetitions that each success of the session earns; beyond them they are delayed.
        budget_per_s: repetitions per second that are always allowed.
    """

    max_tries: int = field(default=6, validator=[validators.instance_of(int), validators.ge(1)])
    max_time_s: float = field(default=120.0, validator=validators.gt(0))
    base_s: float = field(default=0.25, validator=validators.gt(0))
    cap_s: float = field(default=30.0, validator=validators.gt(0))
    budget_share: float = field(default=0.5, validator=validators.ge(0))
    budget_per_s: float = field(default=10.0, validator=validators.gt(0))


class Retry:
    """Repeats a failed attempt as the policy says. Refusals for the rate are not its business but the governor's.

    Args:
        policy: the bounds.
        clock: measures the time since the first try.
        rng: spreads the pauses, so that many callers do not come back together.
    """

    def __init__(self, policy: RetryPolicy, clock: Clock, rng: random.Random) -> None:
        self._policy = policy
        self._clock = clock
        self._rng = rng
        self._budget = RetryBudget(policy.budget_share, policy.budget_per_s)
        self._read = self._repeating(_can_succeed_later)
        self._create = self._repeating(_was_certainly_not_done)

    async def read(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The attempt's result; whatever can succeed later is tried again."""
        result: T = await self._read(attempt)
        self._budget.earn()
        return result

    async def create(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The attempt's result; it is tried again only where the service certainly did nothing."""
        result: T = await self._create(attempt)
        self._budget.earn()
        return result

    def _repeating(self, again: Callable[[Any], bool]) -> Callable[[Attempt], Awaitable[Any]]:
        # backoff counts and sleeps; which error is repeated, and after what pause, is told to it here. Its own
        # defaults have no limit, and its own jitter would shorten a pause that the service asked for.
        repeat = backoff.on_exception(
            self._pauses,
            ModelArtsError,
            max_tries=self._policy.max_tries,
            giveup=lambda error: not again(error),
            jitter=None,
            logger=None,
        )
        repeated: Callable[[Attempt], Awaitable[Any]] = repeat(_once)
        return repeated

    def _pauses(self) -> Generator[float, Any, None]:
        """Pause after pause, told each time which error it is for; it ends when the time is used up."""
        policy = self._policy
        doubled = policy.base_s
        error = yield 0.0
        # Before its first try a call may have waited for its turn for as long as a bulk run lasts.
        deadline = self._clock.monotonic() + policy.max_time_s
        while True:
            drawn = min(doubled, policy.cap_s) * self._rng.uniform(0.5, 1.0)
            asked = min(error.retry_after_s or 0.0, policy.cap_s)
            now = self._clock.monotonic()
            pause = max(drawn, asked, self._budget.wait_s(now))
            if now + pause > deadline:
                return
            self._budget.spend(now)
            doubled *= 2
            error = yield pause


async def _once(attempt: Attempt) -> Any:
    return await attempt()


def _can_succeed_later(error: ModelArtsError) -> bool:
    return error.retryable and not isinstance(error, Throttled)


def _was_certainly_not_done(error: ModelArtsError) -> bool:
    return _can_succeed_later(error) and not error.may_have_happened
