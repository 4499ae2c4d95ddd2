"""What never reaches a repr, a log or an error."""

import re

_KEYS = r"password|secret(?:[_-]?key)?|(?:security[_-]?|x-(?:auth|subject|security)-)?token|authorization|signature"
_SECRET = re.compile(rf"""(?ix) (["']? (?:{_KEYS}) ["']? \s* [:=] \s*) ("[^"]*"|'[^']*'|[^\s,;&}}"']+)""")


def hidden(value: object) -> str:
    """The repr of a secret: only whether there is one."""
    return "None" if value is None else "'***'"


def scrub(text: str) -> str:
    """The text with the values of secret-looking members blotted out."""
    return _SECRET.sub(r"\1***", text)
