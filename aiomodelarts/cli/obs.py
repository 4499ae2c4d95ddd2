"""``aiomodelarts obs``: files to and from buckets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import typer
from attrs import asdict
from rich.text import Text

from ..errors import InvalidArgument
from ..obs import Obs, ObsEntry, ObsPath, Transferred
from ..obs.errors import ObsNotFound
from ..obs.selection import Selection
from ..obs.values import Step
from ._obs_copy import Copy, together
from ._obs_places import Place, place_of
from ._obs_progress import progress_bar
from ._obs_streams import to_stdout
from ._run import DONE, run
from ._session import LocalOption, OutputOption, open_session
from .render import Output, print_json, size, writer

app = typer.Typer(help="Move files to and from buckets. A path in a bucket begins with obs://.", no_args_is_help=True)

# Others may have written keys that would do things to a terminal.
_CONTROL = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160))}

RecursiveOption = Annotated[bool, typer.Option("--recursive", "-r", "-R", help="A folder, with all that is in it.")]
DryRunOption = Annotated[bool, typer.Option("--dryrun", "--dry-run", "-n", help="Only say what would be done.")]
IncludeOption = Annotated[
    list[str] | None, typer.Option("--include", help="Only what this pattern matches; may be given several times.")
]
ExcludeOption = Annotated[
    list[str] | None, typer.Option("--exclude", help="Not what this pattern matches; may be given several times.")
]
PathArgument = Annotated[str, typer.Argument(metavar="PATH", help="obs://bucket/key", show_default=False)]


@app.command("ls")
def ls_command(
    path: PathArgument,
    recursive: RecursiveOption = False,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List what lies in a folder."""
    run(_ls(path, recursive, local, output))


@app.command("cp")
def cp_command(
    paths: Annotated[list[str], typer.Argument(metavar="SRC... DST", help="Files, obs:// paths, or - for a stream.")],
    recursive: RecursiveOption = False,
    dryrun: DryRunOption = False,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Copy files into a bucket, out of it, or inside.

    The content of a folder comes directly below DST; what is there already is left alone. DST is a folder when it ends
    with a slash or is one on this machine.
    """
    if len(paths) < 2:
        raise typer.BadParameter("give what is copied, and where to")
    wanted = partial(Copy.of, paths[:-1], paths[-1], recursive=recursive, include=include or (), exclude=exclude or ())
    run(_copy(wanted, dryrun, local, output))


@app.command("sync")
def sync_command(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A folder here or in a bucket.", show_default=False)],
    target: Annotated[str, typer.Argument(metavar="DST", help="A folder on the other side.", show_default=False)],
    delete: Annotated[bool, typer.Option("--delete", help="Remove from DST what SRC does not have.")] = False,
    dryrun: DryRunOption = False,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make DST hold what SRC holds; only what differs is sent."""
    patterns = {"include": include or (), "exclude": exclude or ()}
    run(_copy(partial(Copy.of, [source], target, recursive=True, delete=delete, **patterns), dryrun, local, output))


@app.command("rm")
def rm_command(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="obs://bucket/key", show_default=False)],
    recursive: RecursiveOption = False,
    dryrun: DryRunOption = False,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Empty a whole bucket, too.")] = False,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Remove objects; with -r all that lies below a folder."""
    run(_rm(paths, (recursive, dryrun, yes), Selection(include or (), exclude or ()), local, output))


@app.command("cat")
def cat_command(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="obs://bucket/key", show_default=False)],
    local: LocalOption = False,
) -> None:
    """Write objects to the standard output, one after the other."""
    run(_cat(paths, local))


@app.command("presign")
def presign_command(
    path: PathArgument,
    expires: Annotated[float, typer.Option("--expires", help="Seconds until it ends.", min=1, max=604800)] = 3600,
    method: Annotated[str, typer.Option("--method", help="GET, PUT, HEAD or DELETE.")] = "GET",
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print an address that needs no keys for a while."""
    run(_presign(path, expires, method.upper(), local, output))


async def _ls(path: str, recursive: bool, local: bool, output: Output) -> int:
    wanted = _in_bucket(path)
    async with open_session(local) as place:
        entries = _entries(place.session.obs, wanted, recursive)
        if output is Output.JSON:
            print_json([_as_json(entry) async for entry in entries])
            return DONE
        async for entry in entries:
            # One line each, however long, so that other tools can read it, and as it comes: there may be millions.
            held = "" if entry.is_folder else size(entry.size)
            typer.echo(f"{_when(entry.modified):19}  {held:>9}  {str(entry.path).translate(_CONTROL)}")
    return DONE


async def _entries(obs: Obs, path: ObsPath, recursive: bool) -> AsyncIterator[ObsEntry]:
    found = False
    async for entry in obs.list(path, recursive=recursive):
        found = True
        yield entry
    if found or not path.key:
        return
    # Not a folder that holds anything: an object, an empty folder, or nothing, which is told.
    entry = await obs.stat(path)
    if not entry.is_folder:
        yield entry


async def _copy(wanted: Callable[[], Copy], dryrun: bool, local: bool, output: Output) -> int:
    copy = await asyncio.to_thread(wanted)
    async with open_session(local) as place:
        if dryrun:
            return _print_steps(await copy.steps(place.session.obs), output)
        with progress_bar() as progress:
            done = await copy.carry_out(place.session.obs, progress)
    if done is not None:
        _print_done(done, output)
    return DONE


async def _rm(paths: list[str], how: tuple[bool, bool, bool], chosen: Selection, local: bool, output: Output) -> int:
    recursive, dryrun, yes = how
    places = [_in_bucket(path) for path in paths]
    for path in places:
        if path.is_folder and not recursive:
            raise InvalidArgument("PATH", str(path), "it is a folder; say -r to remove all that is in it")
        if not path.key and not (yes or dryrun):
            raise InvalidArgument("PATH", str(path), "it is a whole bucket; say --yes to empty it")
    async with open_session(local) as place:
        obs = place.session.obs
        found = [entry for path in places for entry in await _doomed(obs, path, recursive, chosen)]
        if dryrun:
            return _print_steps([Step("remove", str(entry.path)) for entry in found], output)

        async def remove(entry: ObsEntry) -> None:
            await obs.delete(entry.path)

        await together([entry for entry in found if not entry.is_folder], remove)
        for entry in found:
            if entry.is_folder:
                await obs.delete(entry.path)
    removed = sum(not entry.is_folder for entry in found) or len(found)
    if output is Output.JSON:
        print_json({"deleted": removed})
    else:
        writer().print(f"{removed} removed")
    return DONE


async def _doomed(obs: Obs, path: ObsPath, recursive: bool, chosen: Selection) -> list[ObsEntry]:
    if not recursive:
        return [await obs.stat(path)]
    folder = path.folder()
    below = [entry async for entry in obs.list(folder, recursive=True)]
    kept = [entry for entry in below if chosen.has(entry.path.key.removeprefix(folder.key))]
    if not below:
        if not await obs.exists(path):
            raise ObsNotFound("there is no such folder, and no object below it", path=path)
        return [await obs.stat(path)]
    # A folder's own marker goes last, and only with everything in it.
    if folder.key and len(kept) == len(below):
        kept.append(ObsEntry(folder, is_folder=True))
    return sorted(kept, key=lambda entry: entry.is_folder)


async def _cat(paths: list[str], local: bool) -> int:
    places = [_in_bucket(path) for path in paths]
    async with open_session(local) as place:
        for path in places:
            await to_stdout(place.session.obs, path)
    return DONE


async def _presign(path: str, expires: float, method: str, local: bool, output: Output) -> int:
    wanted = _in_bucket(path)
    async with open_session(local) as place:
        address = await place.session.obs.presign(wanted, method=method, expires_s=expires)
    if output is Output.JSON:
        print_json({"url": address, "method": method, "expires_s": expires})
    else:
        typer.echo(address)
    return DONE


def _in_bucket(text: str) -> ObsPath:
    place: Place = place_of(text)
    if not isinstance(place, ObsPath):
        raise InvalidArgument("PATH", text, "it is in a bucket, as in obs://bucket/key")
    return place


def _print_steps(steps: list[Step], output: Output) -> int:
    if output is Output.JSON:
        print_json([asdict(step) for step in steps])
        return DONE
    console = writer()
    for step in steps:
        console.print(Text(f"would {step}"), soft_wrap=True)
    console.print(f"{len(steps)} to do; nothing was done")
    return DONE


def _print_done(done: Transferred, output: Output) -> None:
    if output is Output.JSON:
        print_json(asdict(done))
        return
    more = [
        f"{number} {what}" for number, what in ((done.skipped, "there already"), (done.deleted, "removed")) if number
    ]
    if done.left_out:
        more.append(f"{len(done.left_out)} left out")
    told = f"{done.files} {'file' if done.files == 1 else 'files'}, {size(done.bytes)}"
    told += f"; {', '.join(more)}" if more else ""
    writer().print(Text(told))


def _as_json(entry: ObsEntry) -> dict[str, Any]:
    return {
        "path": str(entry.path),
        "size": entry.size,
        "modified": None if entry.modified is None else entry.modified.isoformat(),
        "etag": entry.etag,
        "folder": entry.is_folder,
    }


def _when(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
