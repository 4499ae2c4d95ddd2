"""How fast one share of the requests may leave, learned from what the service refuses: pure, and told the time.

The service is taken for a token bucket of unknown rate and size. Between two refusals it gave away what its rate brings
in that time, so counting what was accepted tells the rate; what a full bucket gave on top is known from the start, when
nothing was held back. Between refusals the allowed rate comes close to the learned one, stays there, and then goes
beyond it, faster and faster, until the next refusal tells whether the service has changed.
"""

import math
from collections import Counter, deque
from enum import Enum

from .chance import Chance, Gap

# The start: so many at once, then a rate that grows with each request that had to wait. 128 are out after 0.18 s.
_FIRST_BURST = 8
_FIRST_RATE = 123.0
_FIRST_GROWTH = 15.4
# More than these do not leave before the first answer.
_TRUSTED = 128
# A rate that one process cannot reach anyway is none.
_UNLIMITED = 10_000.0
_SLOWEST = 0.02

# The search after the first refusal: from a guess upwards, twice as fast in so many seconds.
_SEARCH_FROM = 5.0
_SEARCH_DOUBLING_S = 0.7
# A search that ends after fewer requests has found little, and is begun again a little lower; but not for ever.
_SEARCH_FEWEST = 16
_CUT_SHORT = 4

# Around the learned rate: so much below it after a refusal, and back there in so many seconds. A refusal may cost a
# pause, so looking for more is spread out until pauses take about a thirtieth of the time.
_BELOW = 0.05
_APPROACH_S = 8.0
_PAUSE_SHARE = 30.0
_SETTLED = 0.1
# What a refusal leaves at least, and what one soon after a pause leaves at most.
_KEPT = 0.8
_KEPT_EARLY = 0.85

# The pause when the service names none; doubled while nothing at all is accepted.
_OWN_PAUSE_S = 0.25
_CHANCE_PAUSE_S = 0.05
# What a timer that fires late may catch up, and what may leave at once after a lull.
_LATE_S = 0.05
_LULL_S = 0.01
# A shorter stretch of requests says nothing about a rate.
_FEWEST = 5
_REMEMBERED = 2048
# Times closer together than this are the same: timers fire early by as much.
_INSTANT_S = 1e-6


class Phase(Enum):
    """What is known about the service's limit."""

    START = "start"
    FREE = "free"
    SEARCH = "search"
    AROUND = "around"


class Pace:
    """The allowance of one share.

    Args:
        ceiling_per_s: never faster than this; None leaves it to what is learned.
        pause_cap_s: the longest pause, whatever the service asks for.
    """

    def __init__(self, ceiling_per_s: float | None, pause_cap_s: float) -> None:
        self._ceiling = math.inf if ceiling_per_s is None else ceiling_per_s
        self._pause_cap_s = pause_cap_s
        self._phase = Phase.START
        self._rate = min(_FIRST_RATE, self._ceiling)
        self._slack = (_FIRST_BURST - 1) / self._rate if self._rate < self._ceiling else 0.0
        self._next = -math.inf
        self._learned: float | None = None
        self._burst = 1.0
        self._burst_took_s = 0.0
        self._guessed = _SEARCH_FROM
        self._pause_s = 0.0
        self._approach_s = _APPROACH_S
        self._used_s = 0.0
        self.epoch = 0
        self._closing = False
        self._stopped = math.nan
        self._stopped_before = math.nan
        self._heard = False
        self._trusted: float = _TRUSTED
        self._first_refused = math.inf
        self._sent: deque[float] = deque(maxlen=_REMEMBERED)
        self._gone: deque[float] = deque(maxlen=_REMEMBERED)
        self._sent_n = self._gone_n = 0
        self._until = -math.inf
        self._fruitless = 0
        self._chance = Chance()
        self._refused_n = 0
        self._paused_s = math.inf
        self._fastest = 0.0
        self._cut_short = 0

    @property
    def rate(self) -> float | None:
        """Requests per second that are allowed now, or None when nothing holds them back."""
        return None if self._rate == math.inf else self._rate

    @property
    def learned(self) -> bool:
        """Whether the service has shown a limit, or the user has set one."""
        return self._phase in {Phase.SEARCH, Phase.AROUND} or self._rate == self._ceiling < math.inf

    def paused_s(self, now: float) -> float:
        """What is left of the pause, in seconds."""
        return max(0.0, self._until - now)

    def wait_s(self, now: float) -> float:
        """Seconds until the next request may leave; infinity when an answer has to come first."""
        if self._until - now > _INSTANT_S:
            return self._until - now
        if self._closing:
            self._resume(now)
        if not self._heard and self._sent_n >= (1 if self._fruitless else self._trusted):
            return math.inf
        if self._rate == math.inf:
            return 0.0
        wait = self._next - self._slack - now
        return wait if wait > _INSTANT_S else 0.0

    def take(self, now: float, *, waited: bool) -> int:
        """Note that a request leaves; what comes back tells ``accepted`` and ``refused`` when that was.

        Args:
            now: the time.
            waited: whether it was held back for the rate.
        """
        self._sent_n += 1
        self._sent.append(now)
        rate = self._rate
        if rate != math.inf:
            # A timer's lateness is caught up, a lull is not: it would come as a burst.
            self._next = max(self._next, now - _LATE_S if waited else now) + 1 / rate
            if waited and self._phase is Phase.START:
                self._set(rate + _FIRST_GROWTH)
        return self.epoch

    def heard(self, epoch: int, *, waited: bool) -> None:
        """Note that a request was dealt with; one that had to wait for the rate is a reason to allow more."""
        if epoch != self.epoch:
            return
        self._heard = True
        self._fruitless = 0
        if waited and self._phase in {Phase.SEARCH, Phase.AROUND}:
            self._used_s += 1 / self._rate
            self._set(self._allowed())

    def lost(self, epoch: int, sent_at: float) -> None:
        """Note that nothing can be told from a request: it did not leave, or its answer says nothing about a rate."""
        if self._is_counted(epoch):
            self._discount(sent_at)
        if epoch == self.epoch and not self._heard:
            # What was to be heard from it has to come from another.
            self._sent_n -= 1
            self._gone_n -= 1

    def refused(self, epoch: int, sent_at: float, now: float, asked_s: float | None) -> bool:
        """Note a refusal for the rate; whether it began a new pause.

        Args:
            epoch: what ``take`` gave.
            sent_at: when the request left.
            now: the time.
            asked_s: the pause that the service asked for.
        """
        if self._is_counted(epoch):
            self._discount(sent_at)
            self._refused_n += 1
            self._first_refused = min(self._first_refused, sent_at)
        asked = min(asked_s, self._pause_cap_s) if asked_s is not None and asked_s > 0 else 0.0
        if epoch != self.epoch:
            # It left before the pause began, so it is one of the same burst.
            self._until = max(self._until, sent_at + asked)
            return False
        shortest = _CHANCE_PAUSE_S if self._chance.known else _OWN_PAUSE_S
        own = min(shortest * 2.0 ** min(self._fruitless, 30), self._pause_cap_s)
        self._pause_s = max(asked, own)
        # A request of an earlier burst may have been asked to wait for longer.
        self._until = max(self._until, now + self._pause_s)
        self._stopped = now
        self._closing = True
        self.epoch += 1
        return True

    def _is_counted(self, epoch: int) -> bool:
        return epoch == self.epoch or (epoch == self.epoch - 1 and self._closing)

    def _discount(self, sent_at: float) -> None:
        self._gone.append(sent_at)
        self._gone_n += 1

    def _resume(self, now: float) -> None:
        """Go on after a pause, at the rate that the time before it has taught."""
        self._closing = False
        self._trusted = math.inf
        accepted = self._sent_n - self._gone_n
        if accepted <= 0:
            # Nothing was accepted: this says that the service is shut, not how fast it is when it is open.
            self._fruitless += 1
            if self._phase in {Phase.START, Phase.FREE}:
                self._search()
            self._used_s = 0.0
        else:
            self._fruitless = 0
            self._judge(Gap(self._learned or self._rate, self._paused_s, accepted, self._refused_n))
        if self._learned is not None:
            self._phase = Phase.AROUND
        self._stopped_before = self._stopped
        self._paused_s = self._pause_s
        self._next = now
        self._forget()
        self._set(self._allowed())

    def _judge(self, gap: Gap) -> None:
        """Lower the rate, unless that does not help."""
        if self._chance.explains(gap):
            return
        self._fastest = max(_KEPT * self._fastest, self._rate)
        if self._phase in {Phase.START, Phase.FREE}:
            self._search()
        elif self._chance.shown(gap):
            self._guessed, self._learned, self._phase = self._fastest, None, Phase.SEARCH
        elif self._learned is None and gap.accepted < _SEARCH_FEWEST and self._cut_short < _CUT_SHORT:
            self._cut_short += 1
            self._guessed = max(_SLOWEST, _KEPT * self._rate)
        else:
            self._learn()
        self._used_s = 0.0

    def _search(self) -> None:
        self._guess()
        self._learned = None
        self._phase = Phase.SEARCH

    def _learn(self) -> None:
        before = self._learned
        found = max(_SLOWEST, min(self._measured(), self._rate))
        if before is not None:
            # One refusal can be another session's doing, so it takes several to bring the rate down by much; and all
            # who are refused early give way alike, or the boldest would end up with everything.
            early = self._used_s < self._approach_s / 2
            found = max(_SLOWEST, _KEPT * before, min(found, _KEPT_EARLY * before) if early else found)
        rarest = max(2 * _APPROACH_S, _PAUSE_SHARE * self._pause_s)
        if before is not None and abs(found - before) <= _SETTLED * before:
            self._approach_s = min(2 * self._approach_s, rarest)
        else:
            self._approach_s = _APPROACH_S
        self._learned = found

    def _guess(self) -> None:
        """How much a full bucket gave, and where to begin the search: from what was accepted while nothing was held."""
        first = self._first_refused
        times = [at for at in self._accepted() if first - 1.0 < at <= first]
        took = first - times[0] if times else 0.0
        self._burst = max(1.0, float(len(times)))
        self._burst_took_s = took
        self._guessed = min(max(len(times) / (1.0 + took), self._beyond(), _SEARCH_FROM), _UNLIMITED / 2)

    def _measured(self) -> float:
        """The highest rate that the time until the first refusal proves, less what a full bucket may have added."""
        end = self._first_refused
        accepted = [at for at in self._accepted() if at < end]
        rate = self._beyond()
        if self._stopped > self._stopped_before:
            rate = max(rate, (self._sent_n - self._gone_n) / (self._stopped - self._stopped_before))
        for count, at in enumerate(reversed(accepted), 1):
            lasted = end - at - self._burst_took_s
            if count >= _FEWEST and lasted > self._burst_took_s:
                rate = max(rate, (count + 1 - self._burst) / lasted)
        return rate

    def _beyond(self) -> float:
        """The rate at which more was accepted after the first refusal, when a bucket would have been empty."""
        late = sum(at > self._first_refused for at in self._accepted())
        lasted = self._sent[-1] - self._first_refused if self._sent else 0.0
        return late / lasted if late >= _FEWEST and lasted > 0 else 0.0

    def _accepted(self) -> list[float]:
        gone = Counter(self._gone)
        kept = []
        for at in self._sent:
            if gone[at]:
                gone[at] -= 1
            else:
                kept.append(at)
        return kept

    def _forget(self) -> None:
        self._sent_n = self._gone_n = self._refused_n = 0
        self._sent.clear()
        self._gone.clear()
        self._first_refused = math.inf
        self._heard = False

    def _allowed(self) -> float:
        if self._phase is Phase.FREE:
            return math.inf
        if self._learned is None:
            return self._guessed * math.pow(2.0, self._used_s / _SEARCH_DOUBLING_S)
        away = (self._used_s - self._approach_s) / self._approach_s
        return self._learned * (1.0 + _BELOW * away**3)

    def _set(self, rate: float) -> None:
        if rate >= _UNLIMITED:
            self._phase = Phase.FREE
            rate = math.inf
        self._rate = min(rate, self._ceiling)
        if self._phase is not Phase.START or self._rate == self._ceiling:
            self._slack = max(0.0, _LULL_S - 1 / self._rate)
