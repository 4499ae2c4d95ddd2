"""What ``cp`` and ``sync`` were asked for, and how it is done."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar

from attrs import frozen

from ..errors import InvalidArgument
from ..obs import Obs, ObsPath, Transferred
from ..obs._transfer.bulk import each
from ..obs.errors import TransferIncomplete
from ..obs.values import OnProgress, Step
from ._obs_places import STREAM, Place, ends_as_folder, place_of
from ._obs_progress import shared
from ._obs_streams import from_stdin, to_stdout

_AT_ONCE = 32
_MOST_TOLD = 3
T = TypeVar("T")


@frozen
class Copy:
    """One command.

    Args:
        pairs: what is copied, and where to.
        recursive: folders, with all that is in them.
        delete: remove from the target what the source does not have.
        include: patterns.
        exclude: patterns.
    """

    pairs: tuple[tuple[Place, Place], ...]
    recursive: bool = False
    delete: bool = False
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        sources: Sequence[str],
        target: str,
        *,
        recursive: bool,
        delete: bool = False,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> "Copy":
        """The command that the paths of a command line mean.

        Raises:
            InvalidArgument: where they do not go together.
        """
        if STREAM in (*sources, target) and (recursive or len(sources) > 1 or include or exclude):
            raise InvalidArgument("SRC", STREAM, "a stream is one file by itself")
        if not recursive and (include or exclude):
            raise InvalidArgument("--include", [*include, *exclude], "patterns choose from a folder; say -r")
        into_folder = _is_folder(target)
        if len(sources) > 1 and not into_folder:
            raise InvalidArgument("DST", target, "several files go into a folder: end it with a slash")
        pairs = tuple(_pair(source, target, recursive=recursive, into_folder=into_folder) for source in sources)
        if len({str(there) for _, there in pairs}) < len(pairs):
            raise InvalidArgument("SRC", " ".join(sources), "several of them have one name, and one would be lost")
        return cls(pairs, recursive, delete, include, exclude)

    async def steps(self, obs: Obs) -> list[Step]:
        """What would be done."""
        found: list[Step] = []
        for source, target in self.pairs:
            if self.recursive:
                found += await self._folder_steps(obs, source, target)
            else:
                found.append(Step(_verb(source, target), str(source), str(target)))
        return found

    async def carry_out(self, obs: Obs, progress: OnProgress | None) -> Transferred | None:
        """Do it; what was done, or None where the standard output is the target.

        Raises:
            ObsError: one of several failed, and all others were copied; ``TransferIncomplete`` when more did.
        """
        moved: list[Transferred] = []

        async def one(pair: tuple[Place, Place], told: OnProgress | None) -> None:
            done = await self._one(obs, *pair, told)
            if done is not None:
                moved.append(done)

        shares = shared(progress, len(self.pairs))
        await together(list(zip(self.pairs, shares, strict=True)), lambda work: one(*work))
        if not moved:
            return None
        return Transferred(
            files=sum(one.files for one in moved),
            bytes=sum(one.bytes for one in moved),
            skipped=sum(one.skipped for one in moved),
            deleted=sum(one.deleted for one in moved),
            left_out=tuple(name for one in moved for name in one.left_out),
        )

    async def _one(self, obs: Obs, source: Place, target: Place, progress: OnProgress | None) -> Transferred | None:
        if self.recursive:
            return await self._folder(obs, source, target, progress)
        if not isinstance(source, ObsPath):
            assert isinstance(target, ObsPath)
            if str(source) == STREAM:
                return Transferred(1, await from_stdin(obs, target))
            return await obs.put_file(source, target, progress=progress)
        if isinstance(target, ObsPath):
            size = (await obs.stat(source)).size
            await obs.copy(source, target)
            return Transferred(1, size)
        if str(target) == STREAM:
            await to_stdout(obs, source)
            return None
        return await obs.get_file(source, target, progress=progress)

    async def _folder_steps(self, obs: Obs, source: Place, target: Place) -> list[Step]:
        if not isinstance(source, ObsPath):
            assert isinstance(target, ObsPath)
            return await obs.plan_up(source, target, **self._chosen())
        if not isinstance(target, ObsPath):
            return await obs.plan_down(source, target, **self._chosen())
        return await obs.plan_over(source, target, **self._chosen())

    async def _folder(self, obs: Obs, source: Place, target: Place, progress: OnProgress | None) -> Transferred:
        if not isinstance(source, ObsPath):
            assert isinstance(target, ObsPath)
            return await obs.sync_up(source, target, **self._chosen(), progress=progress)
        if not isinstance(target, ObsPath):
            return await obs.sync_down(source, target, **self._chosen(), progress=progress)
        return await obs.sync_over(source, target, **self._chosen(), progress=progress)

    def _chosen(self) -> "_Chosen":
        return {"include": self.include, "exclude": self.exclude, "delete": self.delete}


class _Chosen(TypedDict):
    include: Sequence[str]
    exclude: Sequence[str]
    delete: bool


async def together(things: Sequence[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Do things at a store, several at one time; each succeeds or fails by itself.

    Raises:
        ObsError: the one that failed, or ``TransferIncomplete`` with all that did.
    """
    failures = await each(min(_AT_ONCE, len(things)), things, work)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        told = "; ".join(str(error) for error in failures[:_MOST_TOLD])
        more = f" and {len(failures) - _MOST_TOLD} more" if len(failures) > _MOST_TOLD else ""
        raise TransferIncomplete(f"{len(failures)} of {len(things)} failed: {told}{more}", failures, Transferred())


def _is_folder(target: str) -> bool:
    place = place_of(target)
    return ends_as_folder(target) or (place.is_folder if isinstance(place, ObsPath) else place.is_dir())


def _pair(source: str, target: str, *, recursive: bool, into_folder: bool) -> tuple[Place, Place]:
    here, there = place_of(source), place_of(target)
    if not isinstance(here, ObsPath) and not isinstance(there, ObsPath):
        raise InvalidArgument("SRC", source, "one side is in a bucket, and its path begins with obs://")
    if isinstance(here, Path) and source != STREAM:
        if here.is_dir() and not recursive:
            raise InvalidArgument("SRC", source, "it is a folder; say -r to copy all that is in it")
        if recursive and here.is_file():
            raise InvalidArgument("SRC", source, "it is a file; leave out -r")
    if recursive:
        return here, there
    if isinstance(here, ObsPath) and here.is_folder:
        raise InvalidArgument("SRC", source, "it is a folder; say -r to copy all that is in it")
    if not into_folder:
        return here, there
    if source == STREAM:
        raise InvalidArgument("DST", target, "a stream has no name; give that of the object")
    return here, there / here.name


def _verb(source: Place, target: Place) -> str:
    if isinstance(source, ObsPath):
        return "copy" if isinstance(target, ObsPath) else "download"
    return "upload"
