"""What object storage tells, and what a transfer tells about itself."""

from collections.abc import Callable
from datetime import datetime

from attrs import field, frozen

from .._checks import at_least_one
from .path import ObsPath

MIB = 1024 * 1024


@frozen
class ObsEntry:
    """One object, or one folder.

    Args:
        path: where it lies; a folder's ends with a slash.
        size: in bytes; 0 for a folder.
        modified: when it was written, in UTC; None for a folder that is only the beginning of other keys.
        etag: changes with the content; without the quotes. None where the storage has none.
        is_folder: whether it is a folder; its marker, if it has one, is never told as an object.
    """

    path: ObsPath
    size: int = 0
    modified: datetime | None = None
    etag: str | None = None
    is_folder: bool = False


@frozen
class Progress:
    """How far a transfer is; what was found to be there already counts as done."""

    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int


OnProgress = Callable[[Progress], None]


@frozen
class Transferred:
    """What a transfer did.

    Args:
        files: that were moved.
        bytes: that they hold.
        skipped: files that were there already with this content.
        deleted: that were removed because the other side does not have them.
        left_out: local names that the ignore file or a pattern keeps back.
    """

    files: int = 0
    bytes: int = 0
    skipped: int = 0
    deleted: int = 0
    left_out: tuple[str, ...] = ()


@frozen
class Step:
    """Something that a transfer would do.

    Args:
        action: ``upload``, ``download``, ``copy`` or ``remove``.
        source: what it is done with.
        target: where it goes; empty for a removal.
    """

    action: str
    source: str
    target: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.source}" + (f" to {self.target}" if self.target else "")


@frozen(kw_only=True)
class TransferLimits:
    """Ceilings of all transfers of a session together.

    Args:
        transfers: requests that carry content at one time.
        bytes_in_flight: content held in memory at one time.
        part_bytes: larger files go in parts of this size; it grows where there would be more than 10,000. A storage may
            refuse parts of less than 5 MiB.
    """

    transfers: int = field(default=32, validator=at_least_one)
    bytes_in_flight: int = field(default=128 * MIB, validator=at_least_one)
    part_bytes: int = field(default=8 * MIB, validator=at_least_one)

    def part_of(self, size: int) -> int:
        """The size of the parts in which an object of ``size`` bytes is written."""
        part = self.part_bytes
        while part * MOST_PARTS < size:
            part *= 2
        return part


# Of OBS, as of every S3 interface: a part has 5 MiB at least, save the last one.
MOST_PARTS = 10_000
