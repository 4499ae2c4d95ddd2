"""Tokens and temporary keys."""

import time
from typing import Any

from aiomodelarts.local import bodies
from aiomodelarts.local.answers import Answer
from aiomodelarts.local.calls import Call, Platform
from aiomodelarts.local.gatekeeper import KEYS_LIFETIME_S
from aiomodelarts.local.refusals import Refusal, RefusedError, not_signed


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


async def create_temporary_keys(platform: Platform, call: Call) -> Answer:
    """Temporary keys for whoever a token belongs to, from 15 minutes to 24 hours."""
    identity = _dig(call.body(), "auth", "identity")
    if _dig(identity, "methods") != ["token"]:
        raise _refused(400, "The method has to be token.")
    # The documents show the token in the header; clients in use put it into the body.
    token = call.request.headers.get("x-auth-token") or _dig(identity, "token", "id")
    if not isinstance(token, str) or not token:
        raise not_signed()
    now = platform.ports.now()
    platform.gatekeeper.check_token(token, now)
    shortest, longest = KEYS_LIFETIME_S
    lifetime_s = _dig(identity, "token", "duration_seconds")
    if lifetime_s is None:
        lifetime_s = shortest
    if type(lifetime_s) is not int or not shortest <= lifetime_s <= longest:
        raise _refused(400, f"duration_seconds has to lie between {shortest} and {longest}.")
    access_key, secret_key, security_token, expires = platform.gatekeeper.issue_keys(now, lifetime_s)
    credential = {
        "access": access_key,
        "secret": secret_key,
        "securitytoken": security_token,
        "expires_at": _iso(expires),
    }
    return Answer(201, {"credential": credential})
