"""Who may enter: signatures are verified and tokens issued as pure functions of request, keys and time."""

import base64
import binascii
import calendar
import hashlib
import hmac
import re
import time

from attrs import field, frozen

from aiomodelarts._wire.message import Request
from aiomodelarts._wire.signing import ALGORITHM, UNSIGNED_PAYLOAD, signature
from aiomodelarts.local import refusals

MAX_SKEW_S = 15 * 60
TOKEN_LIFETIME_S = 24 * 3600
KEYS_LIFETIME_S = (15 * 60, 24 * 3600)
_FORM = re.compile(rf"{ALGORITHM} Access=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{{64}})")
_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


@frozen
class Keys:
    """The one tenant of a platform and its secrets."""

    region_name: str
    project_id: str
    access_key: str
    secret_key: str = field(repr=False)
    account: str
    username: str
    password: str = field(repr=False)
    token_secret: str = field(repr=False)
    admin_token: str = field(repr=False)


class Gatekeeper:
    """Admits or refuses a request.

    Args:
        keys: the tenant's.
        token_lifetime_s: how long an issued token is good for.
    """

    def __init__(self, keys: Keys, token_lifetime_s: float = TOKEN_LIFETIME_S) -> None:
        self._keys = keys
        self._token_lifetime_s = token_lifetime_s
        self._issued = 0

    def admit(self, request: Request, project_id: str, now: float) -> None:
        """Return if the request is signed by, or has a token of, the project in its path.

        Args:
            request: as it arrived, header names in lower case.
            project_id: from the path.
            now: seconds since the epoch.
        """
        headers = request.headers
        token = headers.get("x-auth-token")
        if token is not None:
            self.check_token(token, now)
        elif "authorization" in headers:
            self._check_signature(request, headers["authorization"], now)
        else:
            raise refusals.not_signed()
        if project_id != self._keys.project_id or headers.get("x-project-id", project_id) != project_id:
            raise refusals.wrong_project()

    def login(self, account: str, username: str, password: str) -> bool:
        """Whether these are the tenant's."""
        given = "\n".join((account, username, password))
        wanted = "\n".join((self._keys.account, self._keys.username, self._keys.password))
        return hmac.compare_digest(given.encode(), wanted.encode())

    def owns_scope(self, project: object) -> bool:
        """Whether a token's scope names the tenant's project, by id or by name."""
        if not isinstance(project, dict):
            return False
        if "id" in project:
            return bool(project["id"] == self._keys.project_id)
        return bool(project.get("name") == self._keys.region_name)

    def issue_token(self, now: float) -> tuple[str, float]:
        """A token that was never issued before, and the time of its end in seconds since the epoch."""
        self._issued += 1
        expires = now + self._token_lifetime_s
        claim = f"{expires:.3f}:{now:.6f}:{self._issued}"
        raw = f"{claim}:{self._seal(claim)}".encode()
        return base64.urlsafe_b64encode(raw).decode(), expires

    def issue_keys(self, now: float, lifetime_s: float) -> tuple[str, str, str, float]:
        """Temporary keys: access key, secret key, security token, and their end in seconds since the epoch."""
        self._issued += 1
        expires = now + lifetime_s
        claim = f"keys:{expires:.3f}:{now:.6f}:{self._issued}"
        seal = self._seal(claim)
        security_token = base64.urlsafe_b64encode(f"{claim}:{seal}".encode()).decode()
        access_key, secret_key = self._keys_of(claim)
        return access_key, secret_key, security_token, expires

    def _keys_of(self, claim: str) -> tuple[str, str]:
        return f"TEMP{self._seal(f'access:{claim}')[:16].upper()}", self._seal(f"secret:{claim}")[:40]

    def _temporary_pair(self, security_token: str, now: float) -> tuple[str, str]:
        """The pair that goes with a security token."""
        claim = self._unsealed(security_token)
        if not claim.startswith("keys:"):
            raise refusals.token_unreadable()
        if now >= float(claim.split(":")[1]):
            raise refusals.token_expired()
        return self._keys_of(claim)

    def _seal(self, claim: str) -> str:
        return hmac.new(self._keys.token_secret.encode(), claim.encode(), hashlib.sha256).hexdigest()

    def check_token(self, token: str, now: float) -> None:
        """Return if this is one of our tokens and good now."""
        claim = self._unsealed(token)
        if claim.startswith("keys:"):
            raise refusals.token_unreadable()
        if now >= float(claim.partition(":")[0]):
            raise refusals.token_expired()

    def _unsealed(self, token: str) -> str:
        try:
            claim, _, seal = base64.urlsafe_b64decode(token.encode("ascii")).decode("ascii").rpartition(":")
        except (binascii.Error, UnicodeError):
            raise refusals.token_unreadable() from None
        if not hmac.compare_digest(seal.encode(), self._seal(claim).encode()):
            raise refusals.token_unreadable()
        return claim

    def _check_signature(self, request: Request, authorization: str, now: float) -> None:
        form = _FORM.fullmatch(authorization)
        if form is None:
            raise refusals.bad_signature_form("Authorization does not have the form of SDK-HMAC-SHA256")
        access_key, names, given = form.groups()
        signed = self._signed_headers(request, names)
        self._check_date(signed.get("x-sdk-date", ""), now)
        self._check_declared_hash(request, signed.get("x-sdk-content-sha256"))
        security_token = request.headers.get("x-security-token")
        ours = (self._keys.access_key, self._keys.secret_key)
        if security_token is not None:
            ours = self._temporary_pair(security_token, now)
        wanted = signature(request, signed, signed["x-sdk-date"], ours[1])
        same_key = hmac.compare_digest(access_key.encode(), ours[0].encode())
        if not (hmac.compare_digest(given, wanted) and same_key):
            raise refusals.wrong_signature()

    @staticmethod
    def _signed_headers(request: Request, names: str) -> dict[str, str]:
        listed = names.split(";")
        missing = [name for name in listed if name not in request.headers]
        if missing:
            raise refusals.bad_signature_form(f"the signed header {missing[0]} is missing")
        if listed != sorted(set(listed)):
            raise refusals.bad_signature_form("the signed headers are not in order")
        return {name: request.headers[name] for name in listed}

    @staticmethod
    def _check_date(date: str, now: float) -> None:
        if _DATE.fullmatch(date) is None:
            raise refusals.bad_signature_form("X-Sdk-Date is not signed, or is not a date like 20240102T030405Z")
        try:
            at = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
        except ValueError:
            raise refusals.bad_signature_form(f"X-Sdk-Date {date} is no date") from None
        if abs(now - at) > MAX_SKEW_S:
            raise refusals.bad_signature_form(f"X-Sdk-Date {date} is more than 15 minutes away from the server's time")

    @staticmethod
    def _check_declared_hash(request: Request, declared: str | None) -> None:
        if declared is None or declared == UNSIGNED_PAYLOAD:
            return
        if declared != hashlib.sha256(request.body).hexdigest():
            raise refusals.wrong_signature()
