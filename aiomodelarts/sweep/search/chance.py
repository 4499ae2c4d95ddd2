"""Seeds for single suggestions. Pure."""

import hashlib


def derived(*parts: int) -> int:
    """A seed of 32 bits that is the same for the same numbers."""
    text = ":".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
