"""Tokens and temporary keys: a password becomes a token of one project, and a token a pair of keys, for a time."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from attrs import field, frozen

from .._redact import hidden
from ..credentials import AccessKey, AccountLogin
from ..errors import DecodeError, Where
from .call import Call, Kind, split_endpoint
from .envelope import read_object, request_id
from .message import Request, Response, json_headers


@frozen
class IssuedToken:
    """A token, its time of expiry in seconds since the epoch, and the project it is for where the answer says so."""

    value: str = field(repr=hidden)
    expires_at: float
    project_id: str | None = None


def create_token(
    endpoint: str, login: AccountLogin, *, project_id: str | None, region_name: str | None
) -> Call[IssuedToken]:
    """createToken: scoped by the project's id where it is known, else by its name, which is the region's.

    Args:
        endpoint: of the identity service.
        login: whose token.
        project_id: the project, or None.
        region_name: the region; used without a project id.
    """
    where = Where("createToken")
    user = {"name": login.username, "password": login.password, "domain": {"name": login.account}}
    project = {"id": project_id} if project_id else {"name": region_name}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": project},
        }
    }
    origin, base = split_endpoint(endpoint)
    request = Request("POST", origin, f"{base}/v3/auth/tokens", (), json_headers(), orjson.dumps(body))
    # A second token does no harm, so a lost answer is simply asked for again.
    return Call(where, Kind.READ, request, partial(_read_token, where=where))


@frozen
class TemporaryKeys:
    """A key pair with its security token, and the time of its expiry in seconds since the epoch."""

    keys: AccessKey
    expires_at: float


# Of the 15 minutes to 24 hours that can be asked for.
KEYS_LAST_S = 6 * 3600


def create_temporary_keys(endpoint: str) -> Call[TemporaryKeys]:
    """A pair of temporary keys for whoever the request's token belongs to (POST /v3.0/OS-CREDENTIAL/securitytokens).

    Args:
        endpoint: of the identity service.
    """
    where = Where("createTemporaryAccessKeyByToken")
    body = {"auth": {"identity": {"methods": ["token"], "token": {"duration_seconds": KEYS_LAST_S}}}}
    origin, base = split_endpoint(endpoint)
    path = f"{base}/v3.0/OS-CREDENTIAL/securitytokens"
    request = Request("POST", origin, path, (), json_headers(), orjson.dumps(body))
    # A second pair does no harm.
    return Call(where, Kind.READ, request, partial(read_temporary_keys, where=where))


def read_temporary_keys(response: Response, where: Where) -> TemporaryKeys:
    """The keys of an answer; the identity service and the metadata service of an instance write it alike."""
    try:
        data = read_object(response, where)
    except DecodeError as error:
        # Told without an excerpt.
        raise _wrong(error.message, error.path, response, where) from None
    credential = data.get("credential")
    members = credential if isinstance(credential, dict) else {}
    texts = [members.get(name) for name in ("access", "secret", "securitytoken")]
    access_key, secret_key, security_token = (text if isinstance(text, str) and text else None for text in texts)
    if access_key is None or secret_key is None or security_token is None:
        told = "no keys in the answer: access, secret and securitytoken are expected"
        raise _wrong(told, "credential", response, where)
    expires_at = _seconds(members.get("expires_at"))
    if expires_at is None:
        raise _wrong("expected a time like 2020-01-08T02:56:19.587000Z", "credential.expires_at", response, where)
    return TemporaryKeys(AccessKey(access_key, secret_key, security_token), expires_at)


def _read_token(response: Response, where: Where) -> IssuedToken:
    data = read_object(response, where)
    value = response.header("x-subject-token")
    token = data.get("token")
    if not value or not isinstance(token, dict):
        raise _wrong("no token in the answer: X-Subject-Token and token are expected", "token", response, where)
    expires_at = _seconds(token.get("expires_at"))
    if expires_at is None:
        raise _wrong("expected a time like 2019-02-13T06:52:13.855000Z", "token.expires_at", response, where)
    project = token.get("project")
    project_id = project.get("id") if isinstance(project, dict) else None
    return IssuedToken(value, expires_at, project_id if isinstance(project_id, str) else None)


def _seconds(value: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _wrong(reason: str, path: str, response: Response, where: Where) -> DecodeError:
    # No excerpt: this answer is about a secret.
    return DecodeError(reason, path=path, where=where, status=response.status, request_id=request_id(response))
