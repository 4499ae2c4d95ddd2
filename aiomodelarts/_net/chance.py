"""Whether refusals are about the rate at all: pure.

At a lower rate a limit lets more requests through before it refuses again. Refusals that strike a share of all
requests, whatever their rate, show themselves by gaps that shrink all the same: no limit that stays what it is makes
that.
"""

from collections import deque
from collections.abc import Sequence
from itertools import combinations

from attrs import frozen

# A gap is shorter when it is less than this part of another: half as long happens to every third pair by chance.
_SHORTER = 0.5
# How far the rate has to have come down before anything is concluded, and what part of the way says nothing yet: a
# limit may have changed there.
_FALLEN = 0.6
_FALLING = 0.9
_GAPS = 8
_RATES = 16
# More refusals than this in all that was sent are taken for a limit, whatever their pattern.
_AT_MOST = 0.25
# Fewer are not worth the risk: other sessions at the same limit look like this.
_AT_LEAST = 0.0125
# Once refusals are known to come by chance: so many times their share is too much for chance, ...
_TOO_MUCH = 3.0
# ... so many times the usual gap without any says that they are over, ...
_OVER = 10.0
# ... and what is left of a gap's weight after each later one.
_FADING = 0.85


@frozen
class Gap:
    """What happened from the end of one pause to the next refusal.

    Args:
        rate: what the refusals before it had left of the rate, in requests per second.
        paused_s: how long nothing was sent before.
        accepted: requests that were dealt with.
        refused: those of the burst that ended it.
    """

    rate: float
    paused_s: float
    accepted: int
    refused: int


class Chance:
    """Tells refusals that come by chance from those of a limit."""

    def __init__(self) -> None:
        self._gaps: deque[Gap] = deque(maxlen=_GAPS)
        self._rates: deque[float] = deque(maxlen=_RATES)
        self._share: float | None = None
        self._accepted = self._refused = 0.0

    @property
    def known(self) -> bool:
        """Whether there are refusals that no rate would avoid."""
        return self._share is not None

    def explains(self, gap: Gap) -> bool:
        """Whether this gap is no shorter than those of the refusals that are known to come by chance."""
        if self._share is None:
            return False
        if gap.accepted * self._share > _OVER:
            self._share = None
            return False
        self._accepted = _FADING * self._accepted + gap.accepted
        self._refused = _FADING * self._refused + gap.refused
        return self._refused <= _TOO_MUCH * self._share * (self._accepted + self._refused)

    def shown(self, gap: Gap) -> bool:
        """Whether this gap, the last of some at ever lower rates, shows that the rate does not matter."""
        self._gaps.append(gap)
        self._rates.append(gap.rate)
        highest = max(self._rates)
        if gap.rate > _FALLEN * highest or not _contradict_a_limit(
            [one for one in self._gaps if one.rate <= _FALLING * highest]
        ):
            return False
        self._accepted = float(sum(one.accepted for one in self._gaps))
        self._refused = float(sum(one.refused for one in self._gaps))
        share = self._refused / (self._accepted + self._refused)
        self._gaps.clear()
        self._rates.clear()
        self._share = share if _AT_LEAST <= share <= _AT_MOST else None
        return self.known


def _contradict_a_limit(gaps: Sequence[Gap]) -> bool:
    """Whether fewer were accepted at a lower rate although the pause before gave a bucket no less time to fill."""
    return any(
        later.accepted < _SHORTER * one.accepted and later.paused_s >= one.paused_s and later.rate < one.rate
        for one, later in combinations(gaps, 2)
    )
