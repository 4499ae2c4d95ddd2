"""The local platform: a stand-in for ModelArts, IAM and OBS that really runs the training scripts."""

from aiomodelarts.local.platform import Access, LocalPlatform
from aiomodelarts.local.root import RootInUseError

__all__ = ["Access", "LocalPlatform", "RootInUseError"]
