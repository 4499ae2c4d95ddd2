"""Who asks whom: settings from arguments, then the environment, then files, then the instance's metadata service."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from attrs import asdict, field, frozen

from ._redact import hidden
from .credentials import AccessKey, AccountLogin, Credentials, InstanceKeys, Token
from .errors import ConfigurationError, InvalidArgument, nearest

_OTC_REGIONS = ("eu-de", "eu-nl", "eu-ch2")
_SERVICES = ("modelarts", "iam", "obs")
ENDPOINT_VARIABLES = {
    "modelarts": "AIOMODELARTS_MODELARTS_ENDPOINT",
    "iam": "AIOMODELARTS_IAM_ENDPOINT",
    "obs": "AIOMODELARTS_OBS_ENDPOINT",
}
_KEY_VARIABLES = (
    ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
    ("OS_ACCESS_KEY", "OS_SECRET_KEY", "OS_SECURITY_TOKEN"),
)
# What goes into a header or a path as it is.
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_IDENTIFIER = re.compile(r"[A-Za-z0-9._~-]+")
_HOST = re.compile(
    r"(?=.{1,253}(?::|$))[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?"
)
_HOW = (
    "pass access_key, secret_key, project_id and region_name to AsyncSession, or set HUAWEICLOUD_SDK_AK, "
    "HUAWEICLOUD_SDK_SK, HUAWEICLOUD_SDK_PROJECT_ID and AIOMODELARTS_REGION, or write a profile to "
    "~/.huaweicloud/credentials, as aiomodelarts login does, or a cloud to clouds.yaml"
)
# Buckets that are folders of this machine, as those of a local platform.
_FOLDER = "file:///"
BASIC_PROFILE = "basic"
PROFILE_MEMBERS = frozenset(
    {"ak", "sk", "security_token", "account", "username", "password", "token", "project_id", "region_name"}
) | {f"{service}_endpoint" for service in _SERVICES}
_METADATA_VARIABLE = "AIOMODELARTS_METADATA_ENDPOINT"
_METADATA_ENDPOINT = "http://169.254.169.254"


@frozen(kw_only=True)
class Endpoints:
    """Addresses of the three services; what is None follows from the region.

    Args:
        modelarts: for instance ``https://modelarts.cn-north-4.myhuaweicloud.com``; the scheme may be left out.
        iam: of the identity service.
        obs: of the object store; ``file:///dir`` takes the folders in ``dir`` for buckets, as a local platform does.
    """

    modelarts: str | None = None
    iam: str | None = None
    obs: str | None = None

    @classmethod
    def of(cls, given: "Endpoints | Mapping[str, str] | None") -> "Endpoints":
        """Endpoints from themselves, from a mapping of service to address, or from None."""
        if given is None:
            return cls()
        if isinstance(given, Endpoints):
            return given
        for name in given:
            if name not in _SERVICES:
                allowed = f"the services are {', '.join(_SERVICES)}"
                raise InvalidArgument("endpoints", name, allowed, nearest=nearest(name, _SERVICES))
        return cls(**given)


@frozen(kw_only=True)
class Given:
    """What the caller of ``AsyncSession`` said, unchecked."""

    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=hidden)
    security_token: str | None = field(default=None, repr=hidden)
    project_id: str | None = None
    region_name: str | None = None
    account: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=hidden)
    token: str | None = field(default=None, repr=hidden)
    profile: str | None = None
    endpoints: Endpoints = Endpoints()


@frozen(kw_only=True)
class Settings:
    """Everything a session needs to ask its first question."""

    credentials: Credentials
    project_id: str
    region_name: str | None
    modelarts_endpoint: str
    iam_endpoint: str | None
    obs_endpoint: str | None


def given_credentials(given: Given) -> Credentials | None:
    """The credentials among the arguments, or None.

    Raises:
        InvalidArgument: for half of a pair, or two kinds at once.
    """
    pair = _all_or_none(access_key=given.access_key, secret_key=given.secret_key)
    login = _all_or_none(account=given.account, username=given.username, password=given.password)
    kinds = [name for name, there in (("access_key", pair), ("account", login), ("token", given.token)) if there]
    if len(kinds) > 1:
        allowed = "a session has one kind of credentials: a key pair, an account with a password, or a token"
        raise InvalidArgument(kinds[1], "***", allowed)
    if given.security_token is not None and not pair:
        raise InvalidArgument("security_token", "***", "it goes with access_key and secret_key")
    if given.access_key and given.secret_key:
        return AccessKey(given.access_key, given.secret_key, given.security_token)
    if given.account and given.username and given.password:
        return AccountLogin(given.account, given.username, given.password)
    return Token(given.token) if given.token else None


def environment_credentials(environ: Mapping[str, str]) -> Credentials | None:
    """The credentials in the environment, or None: the vendor's variables first, then OpenStack's.

    Raises:
        ConfigurationError: for half of a key pair.
    """
    for names in _KEY_VARIABLES:
        access_key, secret_key, security_token = (environ.get(name) for name in names)
        if access_key and secret_key:
            return AccessKey(access_key, secret_key, security_token or None)
        if access_key or secret_key:
            there, missing = (names[0], names[1]) if access_key else (names[1], names[0])
            raise ConfigurationError(f"{there} is set, but {missing} is not; they go together")
    account = _first(environ, "OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME")
    username, password = environ.get("OS_USERNAME"), environ.get("OS_PASSWORD")
    if account and username and password:
        return AccountLogin(account, username, password)
    token = _first(environ, "OS_TOKEN", "OS_AUTH_TOKEN")
    return Token(token) if token else None


def settings(
    given: Given,
    environ: Mapping[str, str],
    defaults: Endpoints | None = None,
    default_region: str | None = None,
    profile: Mapping[str, str] | None = None,
    instance: Mapping[str, str] | None = None,
) -> Settings:
    """The settings that all sources together give.

    Args:
        given: the arguments; they win.
        environ: the environment.
        defaults: endpoints set for the whole process.
        default_region: region set for the whole process.
        profile: members of the profile file or of a cloud.
        instance: ``metadata_endpoint``, ``project_id`` and ``region_name`` of the server that this runs on, where that
            has keys; they come last.

    Raises:
        InvalidArgument: for arguments that do not go together.
        ConfigurationError: where something is missing, with the ways to give it.
    """
    profile, instance = profile or {}, instance or {}
    # A profile that was asked for is an argument, so it comes before the environment.
    named: Mapping[str, str] = profile if given.profile else {}
    credentials = given_credentials(given) or _profile_credentials(named)
    if credentials is None and given.profile:
        raise ConfigurationError(f"profile {given.profile!r} has no credentials: neither ak and sk nor a password")
    credentials = credentials or environment_credentials(environ) or _profile_credentials(profile)
    if credentials is None and instance:
        credentials = InstanceKeys(instance["metadata_endpoint"])
    if credentials is None:
        raise ConfigurationError(f"no credentials were found; {_HOW}")
    _check_sendable(credentials)
    project_id = (
        given.project_id
        or named.get("project_id")
        or _first(environ, "HUAWEICLOUD_SDK_PROJECT_ID", "OS_PROJECT_ID")
        or profile.get("project_id")
        or instance.get("project_id")
    )
    if not project_id:
        raise ConfigurationError(f"no project is known; {_HOW}")
    region = (
        given.region_name
        or default_region
        or named.get("region_name")
        or _first(environ, "AIOMODELARTS_REGION", "OS_REGION_NAME")
        or profile.get("region_name")
        or instance.get("region_name")
    )
    for name, value in (("project_id", project_id), ("region_name", region)):
        if value is not None and not _fits(_IDENTIFIER, value):
            # Not shown: what was pasted into the wrong place may well be a key.
            raise InvalidArgument(name, "***", "it has letters, digits and hyphens only")
    addresses = {service: _endpoint(service, given, environ, defaults, region, profile) for service in _SERVICES}
    modelarts = addresses["modelarts"]
    if modelarts is None:
        raise ConfigurationError(f"neither a region nor a ModelArts endpoint is known; {_HOW}")
    if addresses["iam"] is None and isinstance(credentials, AccountLogin):
        raise ConfigurationError(f"a password needs the identity service, but its endpoint is not known; {_HOW}")
    return Settings(
        credentials=credentials,
        project_id=project_id,
        region_name=region,
        modelarts_endpoint=modelarts,
        iam_endpoint=addresses["iam"],
        obs_endpoint=addresses["obs"],
    )


def has_credentials(given: Given, environ: Mapping[str, str], profile: Mapping[str, str]) -> bool:
    """Whether any source but the metadata service knows credentials."""
    known = given_credentials(given) or environment_credentials(environ) or _profile_credentials(profile)
    return known is not None


def metadata_endpoint(environ: Mapping[str, str]) -> str | None:
    """Where an instance in the cloud asks about itself; None when AIOMODELARTS_METADATA_ENDPOINT says ``none``."""
    named = environ.get(_METADATA_VARIABLE)
    if named and named.lower() == "none":
        return None
    return with_scheme(named, _METADATA_VARIABLE) if named else _METADATA_ENDPOINT


def profile_path(environ: Mapping[str, str]) -> Path:
    """Where profiles are kept."""
    return Path(environ.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE") or Path.home() / ".huaweicloud" / "credentials")


def read_profile(environ: Mapping[str, str], name: str | None) -> dict[str, str]:
    """The members of one section of the vendor's profile file; empty when there is none. This reads a file.

    Args:
        environ: HUAWEICLOUD_SDK_CREDENTIALS_FILE names another file than ``~/.huaweicloud/credentials``.
        name: the section, ``basic`` when None.

    Raises:
        ConfigurationError: for a file that cannot be read, or a named section that is not there.
    """
    import configparser

    path = profile_path(environ)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8"))
    except FileNotFoundError:
        if name is None:
            return {}
        raise ConfigurationError(f"profile {name!r} was asked for, but there is no file {path}") from None
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        # The parser's own message quotes the line, which can hold a key.
        raise ConfigurationError(f"{path} cannot be read as a profile file ({type(error).__name__})") from None
    section = name or BASIC_PROFILE
    if not parser.has_section(section):
        if name is None:
            return {}
        raise ConfigurationError(f"{path} has no profile {name!r}; it has {', '.join(parser.sections()) or 'none'}")
    return dict(parser.items(section))


def with_scheme(endpoint: str, argument: str) -> str:
    """The endpoint with ``https://`` where no scheme was said, and without its last slash.

    Raises:
        InvalidArgument: for anything but a host, with or without scheme, port and path.
    """
    given: object = endpoint
    text = given if isinstance(given, str) else ""
    whole = text if "://" in text else f"https://{text}"
    parts = urlsplit(whole) if is_address(whole) else None
    if parts is None or any(sign in whole for sign in "?#@"):
        shown = "***" if "@" in str(endpoint) else endpoint
        raise InvalidArgument(argument, shown, "an endpoint is a host, with or without https:// before it")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def is_address(url: str) -> bool:
    """Whether this is a whole address of the web: a scheme, a host that can be one, and nothing that cannot be sent."""
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        return False
    whole = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.netloc.rpartition("@")[2]) is not None
    return usable and whole and _fits(_PRINTABLE, url)


def _endpoint(
    service: str,
    given: Given,
    environ: Mapping[str, str],
    defaults: Endpoints | None,
    region: str | None,
    profile: Mapping[str, str],
) -> str | None:
    variable = ENDPOINT_VARIABLES[service]
    explicit = getattr(given.endpoints, service) or (getattr(defaults, service) if defaults else None)
    told = (
        (explicit, f"{service}_endpoint"),
        (environ.get(variable), variable),
        (profile.get(f"{service}_endpoint"), f"{service}_endpoint"),
    )
    for address, argument in told:
        if address and service == "obs" and address.startswith(_FOLDER):
            return address
        if address:
            return with_scheme(address, argument)
    if region is None:
        return None
    domain = "otc.t-systems.com" if region in _OTC_REGIONS else "myhuaweicloud.com"
    return f"https://{service}.{region}.{domain}"


def _profile_credentials(profile: Mapping[str, str]) -> Credentials | None:
    access_key, secret_key = profile.get("ak"), profile.get("sk")
    if access_key and secret_key:
        return AccessKey(access_key, secret_key, profile.get("security_token"))
    account, username, password = (profile.get(name) for name in ("account", "username", "password"))
    if account and username and password:
        return AccountLogin(account, username, password)
    return Token(profile["token"]) if profile.get("token") else None


def _check_sendable(credentials: Credentials) -> None:
    if isinstance(credentials, AccountLogin | InstanceKeys):
        return
    for name, value in asdict(credentials).items():
        if value is not None and not _fits(_PRINTABLE, value):
            raise InvalidArgument(name, "***", "it has printable ASCII characters only, and no blank or line end")


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _all_or_none(**members: str | None) -> bool:
    missing = [name for name, value in members.items() if not value]
    if missing and len(missing) < len(members):
        together = ", ".join(members)
        raise InvalidArgument(missing[0], None, f"{together} are given together")
    return not missing


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)
