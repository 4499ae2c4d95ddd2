"""Names for members whose JSON type is not stable between pages."""

import math
from typing import Any, NewType

ScalarText = NewType("ScalarText", str)
"""Text that may arrive as a number or a boolean."""

Marker = NewType("Marker", str)
"""A log marker: 19 digits that arrive as text or as a number, and are never passed through a float."""

JsonText = NewType("JsonText", object)
"""A structure that may arrive as JSON inside a text. Text that does not parse is kept as it came."""

Raw = dict[str, Any]


class Measured:
    """What has cores and memory, whose members come as text here and as numbers there."""

    __slots__ = ()
    core: ScalarText | None
    cpu: ScalarText | None

    @property
    def cores(self) -> float | None:
        """``core`` as a number, or None where it is none."""
        return _number(self.core)

    @property
    def memory(self) -> float | None:
        """``cpu``, which is an amount of memory, as a number, or None where it is none; no document tells its unit."""
        return _number(self.cpu)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
