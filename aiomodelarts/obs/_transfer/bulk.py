"""Many files at once: each succeeds or fails by itself."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from .._aside import together
from ..errors import BucketNotFound, ClockSkewed, DiskFull, KeysExpired, ObsError, TransferIncomplete
from ..values import Transferred
from .flow import Tally

T = TypeVar("T")

# What would meet every other file as well.
_HOPELESS = (BucketNotFound, ClockSkewed, DiskFull, KeysExpired)


async def each(workers: int, things: Iterable[T], work: Callable[[T], Awaitable[None]]) -> list[ObsError]:
    """Do the work on each thing; what comes back are the failures of single ones.

    Raises:
        ModelArtsError: one that the others would meet as well; it ends all of them.
    """
    left = iter(things)
    failures: list[ObsError] = []

    async def worker() -> None:
        for thing in left:
            try:
                await work(thing)
            except _HOPELESS:
                raise
            except ObsError as error:
                failures.append(error)

    await together(workers, worker)
    return failures


def outcome(tally: Tally, failures: list[ObsError], deleted: int = 0, left_out: tuple[str, ...] = ()) -> Transferred:
    """What was done.

    Raises:
        TransferIncomplete: something failed.
    """
    done = Transferred(tally.files, tally.bytes, tally.skipped, deleted, left_out)
    if failures:
        first = "; ".join(str(error) for error in failures[:3])
        more = f" and {len(failures) - 3} more" if len(failures) > 3 else ""
        moved = f"{done.files} files were moved, {done.skipped} were there already"
        raise TransferIncomplete(f"{len(failures)} could not be moved: {first}{more} ({moved})", failures, done)
    return done
