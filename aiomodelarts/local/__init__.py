"""The local platform: a stand-in for ModelArts, IAM and OBS that really runs the training scripts."""

from aiomodelarts.local.platform import Access, LocalPlatform
from aiomodelarts.local.records import RecordError
from aiomodelarts.local.root import DamagedRootError, RootError, RootInUseError

__all__ = ["Access", "DamagedRootError", "LocalPlatform", "RecordError", "RootError", "RootInUseError"]
