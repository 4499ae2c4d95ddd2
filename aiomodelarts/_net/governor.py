"""The governor: how many requests of a session are out at once, and how fast they leave."""

import asyncio
import heapq
import logging
import math
from collections.abc import Callable

from attrs import frozen

from .._clock import Clock
from .._wire.call import Share
from ..errors import SessionClosed
from .limits import Limits
from .rate import Pace

_log = logging.getLogger("aiomodelarts.governor")
# Who waits longer than this is told why, but not more often than this.
_NOTICEABLE_S = 1.0
_SILENCE_S = 30.0


@frozen(kw_only=True)
class ShareSnapshot:
    """One share of a session's requests at one moment.

    Args:
        waiting: calls that wait for a place or for the rate.
        in_flight: requests that are out.
        rate_per_s: requests per second that are allowed now; None when nothing holds them back.
        paused_s: seconds that are left of the pause that the service asked for; 0 when there is none.
        sent: requests that left so far.
        answered: those that were answered, refusals for the rate aside.
        throttled: those that were refused for the rate.
    """

    waiting: int
    in_flight: int
    rate_per_s: float | None
    paused_s: float
    sent: int
    answered: int
    throttled: int


@frozen(kw_only=True)
class GovernorSnapshot:
    """All shares at one moment."""

    creates: ShareSnapshot
    reads: ShareSnapshot
    logs: ShareSnapshot


def headroom(share: ShareSnapshot) -> float:
    """How much room a share has left: 1 when nothing holds it back, 0 while it pauses."""
    if share.paused_s > 0:
        return 0.0
    if share.rate_per_s is None:
        return 1.0
    return share.rate_per_s / (share.rate_per_s + share.waiting) if share.rate_per_s > 0 else 0.0


class Place:
    """The right to have one request out. Whoever has it says once how it ended."""

    __slots__ = ("_epoch", "_lane", "_waited", "sent_at", "turn")

    def __init__(self, lane: "_Lane", turn: int, sent_at: float, epoch: int, waited: bool) -> None:
        self._lane = lane
        self.turn = turn
        self.sent_at = sent_at
        self._epoch = epoch
        self._waited = waited

    def answered(self) -> None:
        """The service dealt with the request, well or not."""
        self._lane.answered += 1
        self._lane.pace.heard(self._epoch, waited=self._waited)
        self._lane.leave()

    def throttled(self, asked_s: float | None) -> None:
        """The service refused it for the rate, and asked for a pause of so many seconds."""
        self._lane.refused(self.sent_at, self._epoch, asked_s)

    def lost(self) -> None:
        """Nothing can be told about the rate: no answer, trouble in the service, or cancelled."""
        self._lane.pace.lost(self._epoch, self.sent_at)
        self._lane.leave()


class Governor:
    """Shared by all calls of a session.

    Args:
        limits: ceilings.
        clock: measures time; waiting is done on the running loop's own time.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        now = clock.monotonic
        self._lanes = {
            Share.CREATE: _Lane("creations", limits, limits.creates_per_s, now),
            Share.READ: _Lane("reads", limits, limits.reads_per_s, now),
            Share.LOG: _Lane("log reads", limits, limits.reads_per_s, now),
        }
        self.patience_s = limits.throttle_patience_s

    async def enter(self, share: Share, turn: int | None = None) -> Place:
        """A place, as soon as one is free and the rate allows; first come, first served within a share.

        Args:
            share: which share the request belongs to.
            turn: of an earlier place, for a request that has to be sent again and keeps its turn.

        Raises:
            SessionClosed: after ``close``.
        """
        lane = self._lanes[share]
        return lane.at_once() or await lane.wait(turn)

    def paused_s(self, share: Share) -> float:
        """Seconds that are left of a share's pause."""
        lane = self._lanes[share]
        return lane.pace.paused_s(lane.now())

    def snapshot(self) -> GovernorSnapshot:
        """What is out, what waits, and for what."""
        lanes = self._lanes
        return GovernorSnapshot(
            creates=lanes[Share.CREATE].snapshot(),
            reads=lanes[Share.READ].snapshot(),
            logs=lanes[Share.LOG].snapshot(),
        )

    def close(self) -> None:
        """End all waits with ``SessionClosed``."""
        for lane in self._lanes.values():
            lane.close()


_Waiter = tuple[int, float, "asyncio.Future[Place]"]


class _Lane:
    """One share: its places, its pace and its queue."""

    def __init__(self, name: str, limits: Limits, ceiling_per_s: float | None, now: Callable[[], float]) -> None:
        self._name = name
        self._places = limits.in_flight
        self.pace = Pace(ceiling_per_s, limits.pause_cap_s)
        self.now = now
        self._queue: list[_Waiter] = []
        self._waiting = 0
        self._turns = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._quiet_until = -math.inf
        self.in_flight = self.sent = self.answered = self.throttled = 0

    def at_once(self) -> Place | None:
        """A place, if nobody has to wait for one."""
        if self._waiting or self._closed or self.in_flight >= self._places:
            return None
        now = self.now()
        if self.pace.wait_s(now) > 0:
            return None
        self._turns += 1
        return self._place(self._turns, now, waited=False)

    async def wait(self, turn: int | None) -> Place:
        """A place, in turn."""
        if self._closed:
            raise _closed()
        if turn is None:
            self._turns += 1
            turn = self._turns
        future: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (turn, self.now(), future))
        self._waiting += 1
        self._serve()
        try:
            return await future
        except asyncio.CancelledError:
            if future.cancelled():
                self._waiting -= 1
                self._serve()
            elif future.exception() is None:
                future.result().lost()
            raise

    def leave(self) -> None:
        """Give a place back, and pass it on."""
        self.in_flight -= 1
        if self._waiting:
            self._serve()

    def refused(self, sent_at: float, epoch: int, asked_s: float | None) -> None:
        self.throttled += 1
        now = self.now()
        if self.pace.refused(epoch, sent_at, now, asked_s):
            self._stop_timer()
            if self.pace.paused_s(now) >= _NOTICEABLE_S:
                self._tell(now)
        self.leave()

    def snapshot(self) -> ShareSnapshot:
        return ShareSnapshot(
            waiting=self._waiting,
            in_flight=self.in_flight,
            rate_per_s=self.pace.rate if self.pace.learned else None,
            paused_s=self.pace.paused_s(self.now()),
            sent=self.sent,
            answered=self.answered,
            throttled=self.throttled,
        )

    def close(self) -> None:
        self._closed = True
        self._stop_timer()
        for _, _, future in self._queue:
            if not future.done():
                future.set_exception(_closed())
                self._waiting -= 1
        self._queue.clear()

    def _place(self, turn: int, now: float, *, waited: bool) -> Place:
        self.in_flight += 1
        self.sent += 1
        return Place(self, turn, now, self.pace.take(now, waited=waited), waited)

    def _serve(self, *, held: bool = False) -> None:
        """Hand out what may be handed out now, and see to it that the rest is not forgotten.

        Args:
            held: whether the first in the queue was held back for the rate until now.
        """
        if self._timer is not None:
            return
        queue = self._queue
        now = self.now()
        while queue:
            turn, since, future = queue[0]
            if future.done():
                heapq.heappop(queue)
                continue
            # A place that comes free, or an answer that tells something, comes back here by itself.
            pause = self.pace.wait_s(now) if self.in_flight < self._places else math.inf
            if now - since >= _NOTICEABLE_S and (pause > 0 or not held):
                self._tell(now)
            if pause == math.inf:
                return
            if pause > 0:
                self._timer = asyncio.get_running_loop().call_later(pause, self._wake)
                return
            heapq.heappop(queue)
            self._waiting -= 1
            future.set_result(self._place(turn, now, waited=held))

    def _wake(self) -> None:
        self._timer = None
        self._serve(held=True)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self, now: float) -> None:
        if now < self._quiet_until or not _log.isEnabledFor(logging.INFO):
            return
        self._quiet_until = now + _SILENCE_S
        paused_s, rate = self.pace.paused_s(now), self.pace.rate
        if paused_s > 0:
            why = f"the service refused some for their rate, so none leaves for {paused_s:.1f} s"
        elif self.pace.wait_s(now) == math.inf:
            why = "nothing more leaves before the service has answered"
        elif self.pace.learned and rate is not None:
            why = f"{rate:.3g} leave in a second, so the last one waits for about {self._waiting / rate:.0f} s"
        else:
            why = f"{self._places} places for requests in flight (Limits.in_flight) are too few to keep up"
        _log.info("%s: %d waiting, %d out: %s", self._name, self._waiting, self.in_flight, why)


def _closed() -> SessionClosed:
    return SessionClosed("the session was closed while this call waited for its turn; open a new one")
