"""When each attempt at a trial ran, and beside which others: read from a sweep's events. Pure."""

import heapq
from collections.abc import Iterable

from attrs import evolve, frozen

from ..ledger.records import Event
from ..trial import TrialState

_GOES = frozenset({TrialState.CREATING, TrialState.RUNNING})
AGAIN = "tried again"


@frozen
class Span:
    """One attempt at a trial, from just before its creation to its end.

    Args:
        trial: its number.
        attempt: counts from 1.
        begins: seconds since the Unix epoch.
        ends: the same; of an attempt that goes on, the moment of the report.
        outcome: the state it came to, in words.
        why: the reason that the ledger gives for it.
        slot: counts from 0; spans that overlap are in different ones.
    """

    trial: int
    attempt: int
    begins: float
    ends: float
    outcome: str
    why: str
    slot: int = 0


def spans(events: Iterable[Event], now: float) -> list[Span]:
    """All attempts, in the order of their beginning, each in the first slot that was free.

    Args:
        events: of the whole sweep, oldest first.
        now: the end of what goes on still.
    """
    open_: dict[int, Event] = {}
    found: list[Span] = []
    for event in events:
        began = open_.get(event.number)
        if event.state in _GOES:
            if began is None:
                open_[event.number] = event
            continue
        if began is not None:
            del open_[event.number]
            outcome = event.state.value if event.state.is_final else AGAIN
            ends = max(began.at, event.at)
            found.append(Span(event.number, began.attempt, began.at, ends, outcome, event.why))
    for number, began in open_.items():
        found.append(Span(number, began.attempt, began.at, max(began.at, now), "running", "goes on"))
    return _slotted(found)


def _slotted(found: list[Span]) -> list[Span]:
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    placed: list[Span] = []
    for span in sorted(found, key=lambda span: (span.begins, span.trial)):
        while busy and busy[0][0] <= span.begins:
            heapq.heappush(free, heapq.heappop(busy)[1])
        slot = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (span.ends, slot))
        placed.append(evolve(span, slot=slot))
    return placed
