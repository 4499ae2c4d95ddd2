"""Trying again: the only module that knows backoff."""

import random
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

import backoff
from attrs import field, frozen

from .._checks import above_zero, at_least_one, not_negative
from .._clock import Clock
from ..errors import ModelArtsError, NotSent, StateChanged, Throttled
from .budget import RetryBudget

T = TypeVar("T")


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

    max_tries: int = field(default=6, validator=at_least_one)
    max_time_s: float = field(default=120.0, validator=above_zero)
    base_s: float = field(default=0.25, validator=above_zero)
    cap_s: float = field(default=30.0, validator=above_zero)
    budget_share: float = field(default=0.5, validator=not_negative)
    budget_per_s: float = field(default=10.0, validator=above_zero)


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

    def read(self, attempt: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        """The attempt's result; whatever can succeed later is tried again."""
        return self._tried(attempt, _can_succeed_later)

    def create(self, attempt: Callable[[], Awaitable[T]]) -> Awaitable[T]:
        """The attempt's result; it is tried again only where the service certainly did nothing."""
        return self._tried(attempt, _was_not_sent)

    async def _tried(self, attempt: Callable[[], Awaitable[T]], again: Callable[[Any], bool]) -> T:
        try:
            result = await attempt()
        except ModelArtsError as error:
            if not again(error):
                raise
            result = await self._repeated(attempt, again, error)
        self._budget.earn()
        return result

    async def _repeated(
        self, attempt: Callable[[], Awaitable[T]], again: Callable[[Any], bool], first: ModelArtsError
    ) -> T:
        # Nearly every call succeeds at once and should not pay for repeating, so backoff joins after the first
        # failure, which it is shown as its own first try.
        failed = [first]
        unclear = _may_be_done(first)

        async def resumed() -> T:
            nonlocal unclear
            if failed:
                raise failed.pop()
            try:
                return await attempt()
            except ModelArtsError as error:
                error.after_unclear = unclear
                unclear = unclear or _may_be_done(error)
                raise

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
        result: T = await repeat(resumed)()
        return result

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


def _can_succeed_later(error: ModelArtsError) -> bool:
    # A refusal for the rate has been sent again already, for as long as the governor's patience lasts.
    return error.retryable and not isinstance(error, Throttled)


def _was_not_sent(error: ModelArtsError) -> bool:
    return isinstance(error, NotSent)


def _may_be_done(error: ModelArtsError) -> bool:
    return error.retryable and not isinstance(error, NotSent | StateChanged | Throttled)
