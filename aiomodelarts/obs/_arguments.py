"""What a caller says, checked."""

from ..errors import InvalidArgument
from .path import ObsPath


def as_folder(given: str | ObsPath, argument: str) -> ObsPath:
    """The path of a folder, which ends with a slash or is a bucket.

    Raises:
        InvalidArgument: it is another one.
    """
    path = ObsPath.parse(given, argument)
    if not path.is_folder:
        raise InvalidArgument(argument, str(path), "a folder ends with a slash")
    return path


def as_object(given: str | ObsPath, argument: str) -> ObsPath:
    """The path of an object, which does not end with a slash.

    Raises:
        InvalidArgument: it is another one.
    """
    path = ObsPath.parse(given, argument)
    if path.is_folder:
        raise InvalidArgument(argument, str(path), "it names a folder, and an object is asked for")
    return path
