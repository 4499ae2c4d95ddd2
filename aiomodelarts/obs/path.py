"""Where an object lies: one value for ``obs://bucket/key`` and ``/bucket/key``."""

import re
from typing import Self

from attrs import frozen

from ..errors import InvalidArgument

SCHEME = "obs://"
LONGEST_KEY_BYTES = 1024
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What Python makes of bytes in a file's name that are no UTF-8.
_NO_TEXT = re.compile(r"[\ud800-\udfff]")
_FORMS = "a path is obs://bucket/key or /bucket/key"


@frozen(order=True)
class ObsPath:
    """A bucket and a key in it; the empty key is the bucket itself.

    What a listing tells is taken as it is, since a bucket may hold keys that nobody should write; what a person says
    goes through ``parse``.
    """

    bucket: str
    key: str = ""

    @classmethod
    def parse(cls, given: "str | ObsPath", argument: str = "path") -> Self:
        """The path that a text names.

        Args:
            given: ``obs://bucket/key`` or ``/bucket/key``; a folder ends with a slash.
            argument: whose value it is, for the error.

        Raises:
            InvalidArgument: for another form, an empty name, ``.`` or ``..``, control characters, or too long a key.
        """
        text: object = str(given) if isinstance(given, ObsPath) else given
        if not isinstance(text, str) or not text.startswith((SCHEME, "/")):
            raise InvalidArgument(argument, given, _FORMS)
        bucket, _, key = text.removeprefix(SCHEME if text.startswith(SCHEME) else "/").partition("/")
        if _BUCKET.fullmatch(bucket) is None:
            raise InvalidArgument(argument, given, f"{_FORMS}, and this names no bucket")
        problem = key_problem(key)
        if problem is not None:
            raise InvalidArgument(argument, given, problem)
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> "ObsPath":
        return ObsPath(self.bucket, f"{self.folder().key}{name}")

    @property
    def is_folder(self) -> bool:
        """Whether it names a folder: the bucket itself, or a key that ends with a slash."""
        return not self.key or self.key.endswith("/")

    @property
    def name(self) -> str:
        """The last name of the key, or of the bucket where there is none; without the slash."""
        return self.key.rstrip("/").rpartition("/")[2] or self.bucket

    def folder(self) -> "ObsPath":
        """The same place as a folder."""
        return self if self.is_folder else ObsPath(self.bucket, f"{self.key}/")


def key_problem(key: str) -> str | None:
    """Why a key should not be written, or None when it may; the empty key may."""
    names = key.removesuffix("/").split("/") if key else []
    if {".", ".."} & set(names):
        return "a key has no '.' or '..' among its names, since no two tools agree on what they mean"
    if "" in names:
        return "a key has no empty name: no slash at its beginning, and no two in a row"
    if _CONTROL.search(key):
        return "a key has no control characters"
    if _NO_TEXT.search(key):
        return "a key is text, and this name has bytes that are no UTF-8"
    if len(key.encode()) > LONGEST_KEY_BYTES:
        return f"a key has at most {LONGEST_KEY_BYTES} bytes in UTF-8, and this has {len(key.encode())}"
    return None
