"""What of a local folder stays at home: the rules of ``.aiomodelartsignore``, in the syntax of ``.gitignore``. Pure."""

from typing import TYPE_CHECKING

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".aiomodelartsignore"

# What tools leave behind; a rule of the file that begins with ! brings it back.
_ALWAYS = (
    IGNORE_FILE,
    ".git/",
    ".DS_Store",
    ".aiomodelarts/",
    ".ipynb_checkpoints/",
    "__pycache__/",
    "*.py[co]",
)


class Ignored:
    """Rules that say what is left out.

    Args:
        rules: lines of an ignore file; the last one that fits decides.
    """

    def __init__(self, rules: tuple[str, ...] = ()) -> None:
        self._spec = _spec((*_ALWAYS, *rules))

    @classmethod
    def of(cls, text: str) -> "Ignored":
        """The rules of an ignore file's text.

        Raises:
            ValueError: a line is no pattern.
        """
        return cls(tuple(text.splitlines()))

    def leaves_out(self, path: str, *, folder: bool = False) -> bool:
        """Whether a file or folder stays at home; of a folder that does, nothing is looked at.

        Args:
            path: relative to the folder of the rules, with slashes.
            folder: whether it is a folder.
        """
        return bool(self._spec.match_file(f"{path}/" if folder else path))


def _spec(lines: tuple[str, ...]) -> "GitIgnoreSpec":
    try:
        from pathspec import GitIgnoreSpec
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{error.name} is not installed; run: pip install 'aiomodelarts[obs]'") from error
    return GitIgnoreSpec.from_lines(lines)
