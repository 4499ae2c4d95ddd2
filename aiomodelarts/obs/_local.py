"""Our names for what this machine's file system says."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import DiskFull, LocalRefused, ObsError, SourceVanished, TargetIsFile, TargetIsFolder, UnusableName

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_UNUSABLE = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}


def local_error(error: OSError | ValueError, path: object) -> ObsError:
    """The error that says what happened to a local file.

    Args:
        error: of the system; a ValueError is a name with characters that no file has.
        path: the file.
    """
    if isinstance(error, ValueError):
        return UnusableName("this machine cannot have a file of this name", path=path)
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return DiskFull(f"{reason}; what was complete is kept, so make room and run it again", path=path)
    if error.errno in _UNUSABLE:
        return UnusableName(f"this machine cannot have a file of this name: {reason}", path=path)
    if error.errno == errno.ENOENT:
        return SourceVanished("there is no such file or folder here", path=path)
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return TargetIsFile("a file is where a folder has to be; move it away first", path=path)
    if error.errno in (errno.EISDIR, errno.ENOTEMPTY):
        return TargetIsFolder("a folder is where a file has to be; move it away first", path=path)
    return LocalRefused(reason, path=path)


@contextmanager
def locally(path: object) -> Iterator[None]:
    """Whatever the file system says inside comes out as an ``ObsError`` about ``path``."""
    try:
        yield
    except (OSError, ValueError) as error:
        if isinstance(error, ObsError):
            raise
        raise local_error(error, path) from error
