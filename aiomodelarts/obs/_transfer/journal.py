"""Which parts of a file are there, kept beside it while it comes in. All of this blocks."""

import hashlib
import os
import re
from pathlib import Path

_LINE = re.compile(rb"[0-9]{1,9} [0-9a-f]{8}")


class Journal:
    """Lines of a part's number and its check sum, after one that says what the file is a copy of.

    Args:
        place: of the journal.
        identity: of the content; a journal of another one is begun anew.
    """

    def __init__(self, place: Path, identity: str) -> None:
        self._place = place
        self._head = hashlib.sha256(identity.encode()).hexdigest()
        self.checks = self._read()
        fresh = not self.checks
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | (os.O_TRUNC if fresh else 0)
        self._handle: int | None = os.open(place, flags, 0o666)
        # An empty line ends what a killed process left of a line.
        os.write(self._handle, f"{self._head}\n".encode() if fresh else b"\n")

    def note(self, index: int, check: int) -> None:
        """A part is there."""
        assert self._handle is not None
        os.write(self._handle, f"{index} {check:08x}\n".encode())

    def remove(self) -> None:
        """The file is whole, or given up."""
        self.close()
        self._place.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _read(self) -> dict[int, int]:
        try:
            head, *lines = self._place.read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}
        if head != self._head.encode():
            return {}
        found = {}
        # What follows the last line's end was cut off.
        for line in lines[:-1]:
            index, _, check = line.partition(b" ")
            if _LINE.fullmatch(line):
                found[int(index)] = int(check, 16)
        return found
