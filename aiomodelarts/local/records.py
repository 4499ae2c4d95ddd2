"""What is kept of the board: one record an object."""

from attrs import frozen

from aiomodelarts._wire.message import JsonObject

Key = int | str


@frozen
class Change:
    """One record to be kept (or, with no value, forgotten)."""

    table: str
    key: Key
    value: JsonObject | None


class RecordError(Exception):
    """The changes could not be made durable; none of them was."""
