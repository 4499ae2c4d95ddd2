"""Reads all objectives of a version that has ended."""

import json
from collections.abc import Mapping

from ..files import OutputFiles
from ..objective import MetricMissing, Objective
from ..trial import Trial
from ..versions import Version
from .measure import Meter


class Meters:
    """Reads one number from each version, or several.

    Args:
        objectives: what is read, by name.
        files: reads what versions wrote; None where no objective is in a file.
    """

    def __init__(self, objectives: Mapping[str, Objective], files: OutputFiles | None) -> None:
        self._meters = {name: Meter(objective, files) for name, objective in objectives.items()}

    async def stamp(self, trial: Trial) -> str | None:
        """The stamps of metric files that an earlier sweep has left in the trial's place, or None."""
        stamps = [await meter.stamp(trial) for meter in self._meters.values()]
        return stamps[0] if len(stamps) == 1 else json.dumps(stamps)

    async def read(self, trial: Trial, version: Version, stamp: str | None) -> tuple[float, ...]:
        """The objectives.

        Args:
            trial: whose version it is.
            version: has ended.
            stamp: of files that are not this version's.

        Raises:
            MetricMissing: one of them has no usable number.
        """
        several = len(self._meters) > 1
        stamps = json.loads(stamp) if several and stamp is not None else [stamp] * len(self._meters)
        values = []
        for (name, meter), own in zip(self._meters.items(), stamps, strict=True):
            try:
                values.append(await meter.read(trial, version, own))
            except MetricMissing as error:
                raise (MetricMissing(f"{name}: {error}") if several else error) from None
        return tuple(values)
