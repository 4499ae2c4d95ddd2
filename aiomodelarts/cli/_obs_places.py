"""Which side a path on the command line is on."""

from pathlib import Path

from ..errors import InvalidArgument
from ..obs import ObsPath

SCHEME = "obs://"
STREAM = "-"
Place = ObsPath | Path


def place_of(text: str) -> Place:
    """A path in a bucket where it begins with ``obs://``, else one of this machine.

    Raises:
        InvalidArgument: for another scheme, or a path that no bucket has.
    """
    if text.startswith(SCHEME):
        return ObsPath.parse(text, "PATH")
    scheme, colon, _ = text.partition("://")
    if colon and scheme.isalnum():
        raise InvalidArgument("PATH", text, "a path in a bucket begins with obs://")
    return Path(text)


def ends_as_folder(text: str) -> bool:
    """Whether the text itself says that it names a folder."""
    return text.endswith("/") or text in (".", "..")
