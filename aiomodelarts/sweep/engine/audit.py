"""Looks for versions that no trial knows: one may land after the controller that asked for it has died."""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..._clock import Clock
from ...errors import ModelArtsError, SweepError
from ..description.config import SweepConfig
from ..reasons import one_line
from ..trial import Trial, TrialState
from ..versions import Versions

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

_log = logging.getLogger("aiomodelarts.sweep")
# What was sent by somebody who died since is taken for landed, or lost, after so long; so a session takes it, too.
_LATE_S = 300.0
_SOON_S, _JUST_NOW_S = 10.0, 5.0
# Their versions may be there, and are looked for by whoever has the trial.
_UNSETTLED = frozenset({TrialState.CREATING, TrialState.UNCLEAR})


class Audit:
    """Compares the job with the ledger, and stops what goes on at a trial's place and is not its version.

    A session looks for late versions of its own creations. Nobody does after its process is gone, so whoever comes
    next has the job compared: at once, when nothing can land any more, and when the sweep is over.

    Args:
        config: of the sweep.
        versions: lists and stops versions.
        ledger: of the sweep.
        clock: measures the time between two looks.
    """

    def __init__(self, config: SweepConfig, versions: Versions, ledger: "Ledger", clock: Clock) -> None:
        self._config = config
        self._versions = versions
        self._ledger = ledger
        self._clock = clock
        self._doubt = asyncio.Event()
        self._doubted = False
        self._stopped: set[int] = set()
        self._turn = asyncio.Lock()
        self._looked_at = -math.inf

    def doubt(self) -> None:
        """Another controller drove this sweep, and is gone."""
        self._doubted = True
        self._doubt.set()

    async def keep(self) -> None:
        """Look whenever there is a reason; goes on until it is cancelled."""
        while True:
            await self._doubt.wait()
            self._doubt.clear()
            # A controller that takes up a large sweep has other questions first.
            await self._clock.sleep(_SOON_S)
            await self._look(_JUST_NOW_S)
            await self._clock.sleep(_LATE_S)
            await self._look()

    async def last_look(self) -> None:
        """Look once more if there ever was a reason."""
        if self._doubted:
            await self._look(_JUST_NOW_S)

    async def _look(self, enough_s: float = 0.0) -> None:
        """Look, unless somebody has done so within so many seconds."""
        try:
            async with self._turn:
                began = self._clock.monotonic()
                if began - self._looked_at > enough_s:
                    await self._compare()
                    self._looked_at = began
        except SweepError:
            raise
        except ModelArtsError as error:
            _log.warning("sweep %s: its versions could not be compared with its trials: %s", self._config.name, error)

    async def _compare(self) -> None:
        job_id = self._ledger.sweep.job_id
        if job_id is None:
            return
        # Read on both sides of the list: what is known before or after it is no stranger.
        before = await self._ledger.trials()
        going = await self._versions.going(job_id)
        after = await self._ledger.trials()
        for version_id, number in await asyncio.to_thread(_strangers, self._config, before, going, after):
            if version_id not in self._stopped:
                await self._stop(job_id, version_id, number)

    async def _stop(self, job_id: int, version_id: int, number: int) -> None:
        try:
            await self._versions.attach(job_id, version_id).stop()
        except ModelArtsError as error:
            _log.warning(
                "version %s of job %s is one too many, and not stopped: %s", version_id, job_id, one_line(error)
            )
            return
        self._stopped.add(version_id)
        why = f"version {version_id} went on beside this trial, made by a creation that landed late; stopped"
        _log.warning("trial %s of sweep %s: %s", number, self._config.name, why)
        await self._ledger.remark(number, why)


def _strangers(
    config: SweepConfig, before: Sequence[Trial], going: Mapping[int, str], after: Sequence[Trial]
) -> list[tuple[int, int]]:
    """The versions that no trial knows, each with the trial whose place it writes to."""
    known = {trial.version_id for trial in (*before, *after)}
    unsettled = {_place(trial.output_path) for trial in after if trial.state in _UNSETTLED and trial.version_id is None}
    strange = {version_id: _place(path) for version_id, path in going.items() if version_id not in known}
    if not strange:
        return []
    owners = {
        _place(path): trial.number
        for trial in after
        for path in (trial.output_path, *(config.output_path(trial.number, one + 1) for one in range(trial.attempt)))
    }
    return [
        (version_id, owners[place])
        for version_id, place in strange.items()
        if place in owners and place not in unsettled
    ]


def _place(path: str) -> str:
    return path.removeprefix("obs:/").strip("/")
