"""The folder of a platform: its keys, its lock, its journal, its buckets. All of this blocks."""

import errno
import fcntl
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import IO

import orjson
from attrs import asdict, define

from aiomodelarts.local.gatekeeper import Keys
from aiomodelarts.local.leftovers import Leftovers

REGION = "local"
_PREFIX = "aiomodelarts-"
_TEMPORARY = "temporary"


class RootError(RuntimeError):
    """A folder that cannot be a platform's root."""


class RootInUseError(RootError):
    """Another platform works in this folder."""


class DamagedRootError(RootError):
    """A file of the platform cannot be read."""


@define
class Root:
    """An opened folder; the lock is held until :meth:`close`."""

    path: Path
    temporary: bool
    keys: Keys
    lock: IO[bytes]

    @property
    def buckets(self) -> Path:
        return self.path / "obs"

    @property
    def journal(self) -> Path:
        return self.path / "board.sqlite3"

    def close(self) -> None:
        """Give the folder back; a temporary one is removed."""
        if self.temporary:
            rmtree(self.path, ignore_errors=True)
        self.lock.close()


def open_root(path: Path | None) -> Root:
    """Open a folder, made if it is missing; None means a temporary one, and takes away those of the dead.

    Raises:
        RootError: another platform has it, or its keys cannot be read.
        OSError: it cannot be made or written.
    """
    temporary = path is None
    if path is None:
        _remove_those_of_the_dead(Path(tempfile.gettempdir()))
    place = Path(tempfile.mkdtemp(prefix=_PREFIX)) if path is None else path
    if place.exists() and not place.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(place))
    place.mkdir(parents=True, exist_ok=True)
    place = place.resolve()
    (place / "obs").mkdir(exist_ok=True)
    lock = (place / "lock").open("a+b")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sign(lock)
        if temporary:
            (place / _TEMPORARY).touch()
        else:
            # Whoever names the folder keeps it.
            (place / _TEMPORARY).unlink(missing_ok=True)
        # The board holds the settings of every version, so it is nobody else's business.
        os.close(os.open(place / "board.sqlite3", os.O_CREAT | os.O_RDWR, 0o600))
        return Root(place, temporary, _keys(place / "keys.json"), lock)
    except BlockingIOError:
        told = f"another local platform is using {place}{_signed(lock)}; stop it or choose another root"
        lock.close()
        raise RootInUseError(told) from None
    except BaseException:
        lock.close()
        raise


def _remove_those_of_the_dead(parent: Path) -> None:
    """Remove our temporary folders of platforms that were killed, and end what they ran."""
    leftovers = Leftovers()
    for mark in parent.glob(f"{_PREFIX}*/{_TEMPORARY}"):
        place = mark.parent
        with suppress(OSError, DamagedRootError):
            if place.lstat().st_uid != os.getuid():
                continue
            with (place / "lock").open("r+b") as lock:
                # Held by whoever is alive.
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftovers.end(_keys(place / "keys.json").access_key)
                rmtree(place, ignore_errors=True)


def _sign(lock: IO[bytes]) -> None:
    """Say in the lock whose it is; a full disk is no reason not to begin."""
    with suppress(OSError):
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
        lock.flush()


def _signed(lock: IO[bytes]) -> str:
    with suppress(OSError, ValueError):
        lock.seek(0)
        return f" (process {int(lock.read(20))})"
    return ""


def write_private(path: Path, content: bytes) -> None:
    """Put a file that only its owner can read in its place in one step."""
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "There is no folder for the file", str(path))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _keys(path: Path) -> Keys:
    if path.exists():
        try:
            return Keys(**orjson.loads(path.read_bytes()))
        except (ValueError, TypeError) as error:
            raise DamagedRootError(f"the keys in {path} cannot be read: {error}") from None
    keys = Keys(
        region_name=REGION,
        project_id=secrets.token_hex(16),
        access_key=f"LOCAL{secrets.token_hex(8).upper()}",
        secret_key=secrets.token_hex(20),
        account="local-account",
        username="local-user",
        password=secrets.token_urlsafe(18),
        token_secret=secrets.token_hex(32),
        admin_token=secrets.token_urlsafe(24),
    )
    write_private(path, orjson.dumps(asdict(keys)))
    return keys
