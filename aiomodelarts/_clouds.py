"""OpenStack's ``clouds.yaml``: one cloud of it, as the members that a profile has. This reads files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import ConfigurationError

_AUTH = {
    "username": "username",
    "password": "password",
    "user_domain_name": "account",
    "domain_name": "account",
    "project_id": "project_id",
    "token": "token",
}
# Open Telekom Cloud's tools put the keys beside auth, under either name.
_BESIDE = {
    "ak": "ak",
    "access_key": "ak",
    "sk": "sk",
    "secret_key": "sk",
    "security_token": "security_token",
    "region_name": "region_name",
}


def read_cloud(environ: Mapping[str, str], name: str | None) -> dict[str, str]:
    """The members of one cloud, under the names that a profile has; empty when there is no file.

    The first file found wins: the one of OS_CLIENT_CONFIG_FILE, then ``clouds.yaml`` in the current folder, in
    ``~/.config/openstack`` and in ``/etc/openstack``. ``secure.yaml`` beside it adds what it leaves out.

    Args:
        environ: OS_CLOUD names the cloud where ``name`` does not.
        name: the cloud; None means that of OS_CLOUD, or the only one that there is.

    Raises:
        ConfigurationError: for a file that cannot be read, or a named cloud that is not there.
    """
    asked = name or environ.get("OS_CLOUD")
    path = _found(environ)
    if path is None:
        if asked:
            raise ConfigurationError(f"cloud {asked!r} was asked for, but there is no clouds.yaml")
        return {}
    clouds = _merged(_clouds_of(path), _clouds_of(path.with_name("secure.yaml")))
    if asked is None and len(clouds) != 1:
        return {}
    chosen = asked or next(iter(clouds))
    if chosen not in clouds:
        raise ConfigurationError(f"{path} has no cloud {chosen!r}; it has {', '.join(map(str, clouds)) or 'none'}")
    return _members(clouds[chosen])


def _found(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("OS_CLIENT_CONFIG_FILE")
    if named:
        return Path(named)
    folders = (Path.cwd(), Path.home() / ".config" / "openstack", Path("/etc/openstack"))
    return next((folder / "clouds.yaml" for folder in folders if (folder / "clouds.yaml").is_file()), None)


def _clouds_of(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        if path.name == "secure.yaml":
            return {}
        raise ConfigurationError(f"OS_CLIENT_CONFIG_FILE names {path}, which is not there") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__})") from None
    try:
        import yaml
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"PyYAML is not installed, so {path} cannot be read; run: pip install PyYAML"
        ) from None
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        # The parser's own message quotes the line, which can hold a password.
        raise ConfigurationError(f"{path} is not YAML") from None
    clouds = content.get("clouds") if isinstance(content, dict) else None
    if content is None or clouds is None:
        return {}
    if not isinstance(clouds, dict):
        raise ConfigurationError(f"{path} is not as expected: clouds is a mapping of names")
    return clouds


def _merged(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    together = dict(base)
    for name, value in more.items():
        before = together.get(name)
        together[name] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return together


def _members(cloud: Any) -> dict[str, str]:
    plain = cloud if isinstance(cloud, dict) else {}
    auth = plain.get("auth")
    found: dict[str, str] = {}
    for source, names in ((plain, _BESIDE), (auth if isinstance(auth, dict) else {}, _AUTH)):
        for theirs, ours in names.items():
            value = source.get(theirs)
            if isinstance(value, str | int) and ours not in found:
                found[ours] = str(value)
    address = auth.get("auth_url") if isinstance(auth, dict) else None
    if isinstance(address, str):
        found["iam_endpoint"] = address.rstrip("/").removesuffix("/v3")
    return found
