"""Brings code into a bucket, once: whoever comes second finds it there, or waits for the first."""

import asyncio
import hashlib
import logging

from attrs import frozen

from ..._clock import Clock
from ..._net.singleflight import SingleFlight
from .._transfer import bulk as _bulk
from ..errors import ObsChanged, ObsNotFound, SourceChanged
from ..obs import Obs
from ..path import ObsPath
from ..selection import LocalFile
from .local import CodeFile, LocalCode, read_manifest
from .turn import Turn

_log = logging.getLogger("aiomodelarts.code")
_AT_ONCE = 16
# A file up to this size is looked through once more on its way; of a larger one only size and date are.
_SMALL = 1 << 20


@frozen
class UploadedCode:
    """Code that is in a bucket, whole.

    Args:
        folder: where it is; its last name follows from the content.
        sent: how many files this upload sent; 0 when all were there.
        files: how many there are.
        bytes: of all files together.
        left_out: what stays at home.
    """

    folder: ObsPath
    sent: int
    files: int
    bytes: int
    left_out: tuple[str, ...]


class CodeUploads:
    """All uploads of a session: what it brought up once, it does not look for again.

    Args:
        obs: the store.
        clock: how long others are waited for.
    """

    def __init__(self, obs: Obs, clock: Clock) -> None:
        self._obs = obs
        self._clock = clock
        self._done: dict[tuple[str, str], UploadedCode] = {}
        self._under_way: dict[tuple[str, str], SingleFlight[UploadedCode]] = {}

    async def __call__(self, code: LocalCode, target: str) -> UploadedCode:
        """Where the code is, once it is there.

        Args:
            code: as it was read.
            target: the folder that is to hold it, as ``/bucket/dir/``.

        Raises:
            SourceChanged: a file is not what it was when the folder was read; nothing of it is left in the bucket.
            ObsError: the bucket cannot be read or written.
        """
        key = (target, code.manifest.name)
        if key not in self._done:
            work = self._under_way.get(key)
            if work is None:
                upload = _Upload(self._obs, code, ObsPath.parse(target, "code_bucket"), self._clock)
                work = self._under_way[key] = SingleFlight(upload.run)
            try:
                self._done[key] = await work()
            except Exception:
                # Another folder with the same content may fare better.
                self._under_way.pop(key, None)
                raise
        return self._done[key]

    async def close(self) -> None:
        """Give up what is under way."""
        for work in self._under_way.values():
            await work.close()


class _Upload:
    """One upload of one folder.

    The files lie in ``<target>/<name>/``, and ``<target>/<name>.json``, which lists them, is written when all of them
    are there. Who finds files missing queues up in ``<target>/<name>.queue/``; the first one sends them.

    Args:
        obs: the store.
        code: what goes up.
        target: the folder that is to hold it, with a slash at its end.
        clock: how long others are waited for.
    """

    def __init__(self, obs: Obs, code: LocalCode, target: ObsPath, clock: Clock) -> None:
        name = code.manifest.name
        self._obs = obs
        self._code = code
        self._clock = clock
        self._folder = (target / name).folder()
        self._marker, self._queue = target / f"{name}.json", target / f"{name}.queue"

    async def run(self) -> UploadedCode:
        """Send what is missing, if anything is, and say where the code is.

        Raises:
            SourceChanged: a file is not what it was when the folder was read; nothing of it is left in the bucket.
            ObsError: the bucket cannot be read or written.
        """
        sent = 0
        if not await self._is_there():
            turn = Turn(self._obs, self._queue, self._clock)
            try:
                # Whoever had the turn before may have been done with it.
                if await turn.come(self._is_there) and not await self._is_there():
                    sent = await self._send()
            finally:
                await turn.leave()
        manifest = self._code.manifest
        left_out = self._code.left_out
        return UploadedCode(self._folder, sent, len(manifest.files), manifest.size, left_out)

    async def _is_there(self) -> bool:
        try:
            marked = read_manifest(await self._obs.read(self._marker))
        except (ObsNotFound, ObsChanged):
            # Where it is being written at this moment, the next look finds it.
            return False
        return marked == self._code.manifest and not await self._missing()

    async def _missing(self) -> list[tuple[CodeFile, LocalFile]]:
        """Files that are not there, or not whole."""
        there = {entry.path.key: entry.size async for entry in self._obs.list(self._folder, recursive=True)}
        pairs = zip(self._code.manifest.files, self._code.files, strict=True)
        return [(one, local) for one, local in pairs if there.get((self._folder / one.path).key) != one.size]

    async def _send(self) -> int:
        missing = await self._missing()

        async def send(pair: tuple[CodeFile, LocalFile]) -> None:
            await self._send_file(*pair)

        failures = await _bulk.each(_AT_ONCE, missing, send)
        if failures:
            raise failures[0]
        await self._obs.write(self._marker, self._code.manifest.as_bytes())
        files, folder = len(self._code.files), self._code.folder
        _log.info("%d of %d files of %s went up to %s", len(missing), files, folder, self._folder)
        return len(missing)

    async def _send_file(self, one: CodeFile, local: LocalFile) -> None:
        path = self._folder / one.path
        if one.size > _SMALL:
            await self._obs.put_file(local.place, path)
            if await asyncio.to_thread(_has_changed, local):
                await self._obs.delete(path)
                raise _changed(local)
            return
        content = await asyncio.to_thread(_same_content, one, local)
        if content is None:
            raise _changed(local)
        await self._obs.write(path, content)


def _has_changed(local: LocalFile) -> bool:
    try:
        now = local.place.stat()
    except OSError:
        return True
    return (now.st_size, now.st_mtime_ns) != (local.size, local.mtime_ns)


def _same_content(one: CodeFile, local: LocalFile) -> bytes | None:
    """The file's content if it is still what it was when the folder was read."""
    try:
        content = local.place.read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == one.sha256 else None


def _changed(local: LocalFile) -> SourceChanged:
    return SourceChanged("it changed after the folder of the code was read; make a new estimator", path=local.place)
