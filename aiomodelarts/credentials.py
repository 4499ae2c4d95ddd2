"""Who asks: a key pair, an account with a password, a ready token, or the instance itself. None shows its secret."""

from attrs import field, frozen

from ._redact import hidden


@frozen
class AccessKey:
    """A key pair; every request is signed with it.

    Args:
        access_key: the public half.
        secret_key: the secret half.
        security_token: for temporary keys, else None.
    """

    access_key: str
    secret_key: str = field(repr=hidden)
    security_token: str | None = field(default=None, repr=hidden)


@frozen
class AccountLogin:
    """A user of an account; a token is fetched, and renewed before it expires.

    Args:
        account: name of the tenant (domain).
        username: name of the user in it.
        password: the user's password.
    """

    account: str
    username: str
    password: str = field(repr=hidden)


@frozen
class Token:
    """A token that somebody else fetched; it cannot be renewed here."""

    token: str = field(repr=hidden)


@frozen
class InstanceKeys:
    """The temporary keys of the server that this program runs on; they are fetched, and renewed before they expire.

    Args:
        metadata_endpoint: of the metadata service.
    """

    metadata_endpoint: str


Credentials = AccessKey | AccountLogin | Token | InstanceKeys
