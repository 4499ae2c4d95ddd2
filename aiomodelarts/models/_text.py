"""Names for members whose JSON type is not stable between pages."""

from typing import Any, NewType

ScalarText = NewType("ScalarText", str)
"""Text that may arrive as a number or a boolean."""

Marker = NewType("Marker", str)
"""A log marker: 19 digits that arrive as text or as a number, and are never passed through a float."""

JsonText = NewType("JsonText", object)
"""A structure that may arrive as JSON inside a text. Text that does not parse is kept as it came."""

Raw = dict[str, Any]
