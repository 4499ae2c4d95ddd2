"""What a version wrote."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from ..errors import InvalidArgument
from ..models.job import JobDetail
from ..models.spec import TrainingSpec
from ..session import AsyncSession

if TYPE_CHECKING:
    from ..obs import ObsEntry, Transferred
    from ..obs.values import OnProgress


class HasOutputs(Protocol):
    """A version that knows, or can ask, where it writes."""

    @property
    def session(self) -> AsyncSession: ...

    @property
    def detail(self) -> JobDetail | None: ...

    @property
    def spec(self) -> TrainingSpec | None: ...

    async def refresh(self) -> JobDetail: ...


async def output_path(self: HasOutputs) -> str:
    """Where the version writes, as ``/bucket/dir/``.

    Raises:
        InvalidArgument: the platform knows no such place.
    """
    if self.spec is not None:
        return self.spec.output_path
    if self.detail is None or self.detail.train_url is None:
        await self.refresh()
    path = None if self.detail is None else self.detail.train_url
    if not path:
        raise InvalidArgument("version", self, "it has no output path")
    return path if path.endswith("/") else f"{path}/"


async def outputs(self: HasOutputs) -> "list[ObsEntry]":
    """The objects in the version's output folder, in the order of their keys.

    Versions that share an output path share this list; give each one of its own to tell them apart.

    Raises:
        ObsError: the bucket cannot be read.
    """
    path = await output_path(self)
    return [entry async for entry in self.session.obs.list(path, recursive=True) if not entry.is_folder]


async def download_outputs(
    self: HasOutputs,
    local_dir: str | os.PathLike[str],
    *,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    progress: "OnProgress | None" = None,
) -> "Transferred":
    """Fetch the version's output folder; its content comes directly into ``local_dir``.

    Files that are here with the same content are not fetched again.

    Args:
        local_dir: the local folder; it is made where it is missing.
        include: patterns; without any, everything.
        exclude: patterns.
        progress: is called with each step.

    Raises:
        ObsNotFound: the version has written nothing.
        TransferIncomplete: some objects could not be fetched; all others were.
        ObsError: see ``obs.errors``.
    """
    path = await output_path(self)
    return await self.session.obs.sync_down(path, local_dir, include=include, exclude=exclude, progress=progress)
