"""The session a command works with, and the options that choose it."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer
from attrs import frozen

from .. import config
from ..errors import ConfigurationError, NotAllowed, TokenExpired
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

# What a session takes before it looks for a profile.
_FIRST = ("HUAWEICLOUD_SDK_AK", "OS_ACCESS_KEY", "OS_USERNAME", "OS_TOKEN", "OS_AUTH_TOKEN", "OS_CLOUD")

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


def taken_first() -> str | None:
    """The variable that comes before every profile, or None where none does."""
    if PROFILE.get() is not None:
        return None
    return next((variable for variable in _FIRST if os.environ.get(variable)), None)


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
            try:
                yield Place(session)
            except (NotAllowed, TokenExpired) as error:
                if error.status in (401, 403):
                    error.add_note(f"The credentials are those of {_source()}; aiomodelarts login tries others.")
                raise


def _source() -> str:
    variable = taken_first()
    if variable == "OS_CLOUD" or (variable and config.environment_credentials(os.environ)):
        return f"the environment, where {variable} is set"
    if PROFILE.get() is not None:
        return f"profile {PROFILE.get()}"
    return f"profile {config.BASIC_PROFILE}, or where there is none, those of clouds.yaml or of this server"
