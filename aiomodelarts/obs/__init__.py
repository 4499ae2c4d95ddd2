"""Objects in buckets: ``session.obs``. Content needs the extra ``obs``, save where buckets are folders."""

from .folder import FolderStore
from .keys import FixedKeys, KeySource, Lease
from .obs import Obs
from .path import ObsPath
from .store import Store
from .streams import ObsReader, ObsWriter
from .values import ObsEntry, Progress, TransferLimits, Transferred

__all__ = [
    "FixedKeys",
    "FolderStore",
    "KeySource",
    "Lease",
    "Obs",
    "ObsEntry",
    "ObsPath",
    "ObsReader",
    "ObsWriter",
    "Progress",
    "Store",
    "TransferLimits",
    "Transferred",
]
