"""The session a command works with, and the options that choose it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer
from attrs import frozen

from ..errors import ConfigurationError
from ..session import AsyncSession
from ..sweep.files import FolderFiles
from .render import Output

LOCAL_ROOT = Path(".aiomodelarts/local")

LocalOption = Annotated[
    bool, typer.Option("--local", help=f"Use a platform on this machine, kept in {LOCAL_ROOT}, instead of ModelArts.")
]
JobArgument = Annotated[str, typer.Argument(metavar="JOB_ID", help="The training job.", show_default=False)]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION_ID", help="Its version.", show_default=False)]
LimitOption = Annotated[int, typer.Option("--limit", metavar="N", help="Show at most N.", min=1)]
AllOption = Annotated[bool, typer.Option("--all", help="Show every one, however many.")]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Print a table, or one JSON value.")]

PROFILE: ContextVar[str | None] = ContextVar("PROFILE", default=None)
"""The profile that the command line named before its command."""


@frozen
class Place:
    """An open session; ``root`` is the folder that holds its buckets, when that is on this machine."""

    session: AsyncSession
    root: Path | None = None

    @property
    def files(self) -> FolderFiles | None:
        """Reads the buckets, or None when they are not on this machine."""
        return None if self.root is None else FolderFiles(self.root)


@asynccontextmanager
async def open_session(local: bool) -> AsyncIterator[Place]:
    """A session as the environment says, or with a local platform of its own, for as long as the block lasts."""
    if local:
        async with AsyncSession.local(LOCAL_ROOT) as session:
            yield Place(session, LOCAL_ROOT / "obs")
    else:
        async with AsyncExitStack() as stack:
            try:
                session = await stack.enter_async_context(AsyncSession(profile=PROFILE.get()))
            except ConfigurationError as error:
                raise ConfigurationError(f"{error}; or take a platform on this machine, with --local") from error
            yield Place(session)
