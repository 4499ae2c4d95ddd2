"""Where tests and simulators put their own hands in."""

import asyncio
import random

from attrs import field, frozen

from ._clock import Clock, SystemClock
from ._net.caller import Aside
from ._net.transport import Transport


@frozen(kw_only=True)
class Seams:
    """Time, chance and the line out, as they are handed in.

    Args:
        clock: all dates, ages and pauses.
        rng: all drawing.
        transport: carries the requests; None opens one over aiohttp.
        aside: runs what would hold up the event loop.
    """

    clock: Clock = field(factory=SystemClock)
    rng: random.Random = field(factory=random.Random)
    transport: Transport | None = None
    aside: Aside = asyncio.to_thread
