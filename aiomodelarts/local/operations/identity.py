"""Tokens."""

import time
from typing import Any

from aiomodelarts.local import bodies
from aiomodelarts.local.answers import Answer
from aiomodelarts.local.calls import Call, Platform
from aiomodelarts.local.refusals import Refusal, RefusedError


def _refused(status: int, message: str) -> RefusedError:
    return RefusedError(Refusal(status, "IAM", message))


def _iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1_000_000) % 1_000_000:06d}Z"


def _dig(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


async def create_token(platform: Platform, call: Call) -> Answer:
    """A project token for the tenant's user."""
    auth = call.body().get("auth")
    user = _dig(auth, "identity", "password", "user")
    texts = [_dig(user, "domain", "name"), _dig(user, "name"), _dig(user, "password")]
    if not all(isinstance(text, str) and text for text in texts):
        raise _refused(400, "The request lacks the account, the user or the password.")
    project = _dig(auth, "scope", "project")
    if not isinstance(project, dict):
        raise _refused(400, "The request lacks the scope of a project.")
    bodies.text(project, "name")
    if not platform.gatekeeper.login(*texts):
        raise _refused(401, "The account, the user name or the password is wrong.")
    if not platform.gatekeeper.owns_scope(project):
        raise _refused(401, "The project of the scope does not exist.")
    now = platform.ports.now()
    token, expires = platform.gatekeeper.issue_token(now)
    payload = {
        "token": {
            "expires_at": _iso(expires),
            "issued_at": _iso(now),
            "methods": ["password"],
            "project": {**project},
            "user": {"name": texts[1], "domain": {"name": texts[0]}},
            "catalog": [],
        }
    }
    return Answer(201, payload, {"x-subject-token": token})
