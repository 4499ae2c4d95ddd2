"""Names of our own temporary files."""

_PREFIX = ".obs-"
PART = ".part"
JOURNAL = ".journal"


def temporary(token: str, kind: str) -> str:
    """The name of a temporary file."""
    return f"{_PREFIX}{token}{kind}"


def is_temporary(name: str) -> bool:
    """Whether a file is a piece of one that comes in, and so nobody's content."""
    return name.startswith(_PREFIX) and name.endswith((PART, JOURNAL))
