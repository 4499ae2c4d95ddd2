"""What never reaches a repr, a log or an error."""

import re

_KEYS = r"password|secret(?:[_-]?key)?|(?:security[_-]?|x-(?:auth|subject|security)-)?token|signature"
# Quoted values end at their quote or, in a text that was cut off, at its end; JSON inside JSON has escaped quotes.
_QUOTED = r"""(\\+["']).*?(?:\3|\Z) | "(?:[^"\\]|\\.)*(?:"|\\?\Z) | '(?:[^'\\]|\\.)*(?:'|\\?\Z)"""
_SECRET = re.compile(
    rf"""(?isx) (\\*["']? (?:{_KEYS}) \\*["']? \s* [:=] \s*) ({_QUOTED} | [^\s,;&}}"']+)""",
)
_AUTHORIZATION = re.compile(rf"""(?isx) (\\*["']? authorization \\*["']? \s* [:=] \s*) ({_QUOTED} | [^\r\n"'}}]+)""")

_URL_PASSWORD = re.compile(r"(?<=://)([^:/@]*):[^/]*@")


def hidden(value: object) -> str:
    """The repr of a secret: only whether there is one."""
    return "None" if value is None else "'***'"


def scrub(text: str) -> str:
    """The text with the values of secret-looking members blotted out."""
    return _SECRET.sub(r"\1***", _AUTHORIZATION.sub(r"\1***", text))


def without_password(url: str) -> str:
    """The URL as it may be shown and kept."""
    return _URL_PASSWORD.sub(r"\1@", url)
