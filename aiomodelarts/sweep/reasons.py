"""Why a trial has no value, in one line that cannot steer a terminal. Pure."""

from ..errors import TrainingFailed

_LINES = 2
_LONGEST = 300


def one_line(error: Exception) -> str:
    """The first line of what an error says."""
    return str(error).partition("\n")[0]


def why_failed(error: TrainingFailed) -> str:
    """What happened, with the end of the log: the error of a script, and a remark of the platform after it."""
    said = [line.strip() for line in error.log_tail if line.strip()][-_LINES:]
    return f"{error.message}; its log ends: {_printable(' / '.join(said))}" if said else error.message


def log_end(error: Exception) -> str | None:
    """The end of the log, or None where it is not known; what it holds cannot steer a terminal."""
    lines = [_printable(line) for line in getattr(error, "log_tail", ())]
    return "\n".join(lines) or None


def _printable(text: str) -> str:
    """A text of a bearable length without control characters, whatever the script wrote."""
    safe = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return safe if len(safe) <= _LONGEST else safe[:_LONGEST] + "..."
