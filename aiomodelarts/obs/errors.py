"""What can go wrong between a local folder and object storage.

::

    ModelArtsError
    └── ObsError                 has the path
        ├── ObsNotFound          also FileNotFoundError
        │   └── BucketNotFound   there is none of this name, or it is not ours
        ├── ObsNotAllowed        also PermissionError: keys, policy or signature
        │   ├── ClockSkewed      this machine's clock is off
        │   └── KeysExpired      temporary keys are over; they are renewed once by themselves
        ├── ObsTrouble           the storage failed inside; tried again as long as that makes sense
        ├── NotFromStorage       what answers there is no object storage
        ├── ObsRefused           any other refusal
        ├── ObsExists            also FileExistsError: there is one already, and it was not to be replaced
        ├── ObsChanged           the object changed while it was read
        ├── ContentDamaged       what arrived is not what left
        ├── SourceChanged        a local file changed while it was read
        ├── SourceVanished       also FileNotFoundError: a local file or folder is not there
        ├── LinkOutside          a link that leads out of the folder
        ├── UnusableName         a name that one of the two sides cannot have
        │   └── NamesCollide     two keys that are one file on this machine
        ├── TargetIsFile         also NotADirectoryError: a file is where a folder has to be
        ├── TargetIsFolder       also IsADirectoryError: a folder is where a file has to be
        ├── DiskFull             no room on this machine
        ├── LocalRefused         also OSError: this machine does not let a file be read or written
        └── TransferIncomplete   some files of many failed; holds each with its reason
"""

from collections.abc import Sequence

from ..errors import ModelArtsError
from .values import Transferred


class ObsError(ModelArtsError):
    """Root of what object storage and its transfers raise.

    Attributes:
        path: the object or local file it is about.
        code: what the storage calls it, for instance ``NoSuchKey``; empty when it did not say.
        request_id: what the storage calls the exchange, or None.
    """

    def __init__(self, message: str, *, path: object = "", code: str = "", request_id: str | None = None) -> None:
        super().__init__(message)
        self.path = str(path)
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        request = f", request {self.request_id}" if self.request_id else ""
        code = f" ({self.code}{request})" if self.code else ""
        return f"{self.path}: {self.message}{code}" if self.path else f"{self.message}{code}"


class ObsNotFound(ObsError, FileNotFoundError):
    """There is no such object or folder."""


class BucketNotFound(ObsNotFound):
    """There is no bucket of this name, or it belongs to somebody else."""


class ObsNotAllowed(ObsError, PermissionError):
    """The keys do not suffice."""


class ClockSkewed(ObsNotAllowed):
    """This machine's clock is too far from the service's."""


class KeysExpired(ObsNotAllowed):
    """The keys were temporary, and their time is over.

    Attributes:
        renewed: whether there are others by now, so that the same can be done again.
    """

    renewed = False


class ObsTrouble(ObsError):
    """The storage failed, or asks for a slower pace."""

    retryable = True


class NotFromStorage(ObsError):
    """An answer that no object storage gives: the address is another server's, or a proxy answers in its place."""

    def __init__(self, *, path: object) -> None:
        super().__init__(
            "what answers there is no object storage; look at its endpoint, and at a proxy that may be in between",
            path=path,
        )


class ObsRefused(ObsError):
    """The storage refused for another reason."""


class ObsExists(ObsError, FileExistsError):
    """There is an object of this name already, and it was not to be replaced."""


class ObsChanged(ObsError):
    """The object was written anew while it was read."""


class ContentDamaged(ObsError):
    """The content that arrived is not the one that left."""


class SourceChanged(ObsError):
    """A local file changed while it was read."""


class SourceVanished(ObsError, FileNotFoundError):
    """A local file or folder is not there, or is no more."""


class LinkOutside(ObsError):
    """A symbolic link leads out of the folder that is moved."""


class UnusableName(ObsError):
    """A name that the other side cannot have."""


class NamesCollide(UnusableName):
    """Two keys that are the same file on this machine."""


class TargetIsFile(ObsError, NotADirectoryError):
    """There is a file where a folder has to be."""


class TargetIsFolder(ObsError, IsADirectoryError):
    """There is a folder where a file has to be."""


class DiskFull(ObsError):
    """There is no room left on this machine."""


class LocalRefused(ObsError, OSError):
    """This machine does not let a file be read or written."""


class TransferIncomplete(ObsError):
    """Some of many files could not be moved; all others were.

    Attributes:
        failures: each error, with the path it is about.
        done: what was moved.
    """

    def __init__(self, message: str, failures: Sequence[ObsError], done: Transferred) -> None:
        super().__init__(message)
        self.failures = tuple(failures)
        self.done = done
