"""``aiomodelarts login``: check credentials, and keep them as a profile."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Annotated

import typer
from attrs import asdict, frozen

from .. import config
from .._profiles import check_profile_name, write_profile
from ..errors import ConfigurationError, InvalidArgument
from ..estimator import AsyncEstimator
from ..session import AsyncSession
from ._run import DONE, reporting, run
from ._session import PROFILE, OutputOption, taken_first
from .render import Output, print_json, tell

app = typer.Typer()

AccessKeyOption = Annotated[
    str | None, typer.Option("--access-key", metavar="AK", help="The public half of a key pair.", show_default=False)
]
AccountOption = Annotated[
    str | None,
    typer.Option("--account", metavar="NAME", help="Log in with a password: the account.", show_default=False),
]
UserOption = Annotated[
    str | None,
    typer.Option("--username", metavar="NAME", help="Log in with a password: the user.", show_default=False),
]
ProjectOption = Annotated[
    str | None, typer.Option("--project-id", metavar="ID", help="The project.", show_default=False)
]
RegionOption = Annotated[
    str | None, typer.Option("--region-name", metavar="NAME", help="As cn-north-4 or eu-de.", show_default=False)
]
EndpointOption = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint",
        metavar="SERVICE=ADDRESS",
        help="Where the address of modelarts, iam or obs does not follow from the region; can be given again.",
        show_default=False,
    ),
]
StdinOption = Annotated[
    bool, typer.Option("--secret-stdin", help="Read the secret key, or the password, from the standard input.")
]


@frozen
class _Member:
    """A member of a profile: what it is called, and the variables that may hold it."""

    name: str
    asked_as: str
    variables: tuple[str, ...] = ()
    secret: bool = False


_KEY = (
    _Member("ak", "Access key", ("HUAWEICLOUD_SDK_AK", "OS_ACCESS_KEY")),
    _Member("sk", "Secret key", ("HUAWEICLOUD_SDK_SK", "OS_SECRET_KEY"), secret=True),
)
_LOGIN = (
    _Member("account", "Account", ("OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME")),
    _Member("username", "User", ("OS_USERNAME",)),
    _Member("password", "Password", ("OS_PASSWORD",), secret=True),
)
_PLACE = (
    _Member("project_id", "Project id", ("HUAWEICLOUD_SDK_PROJECT_ID", "OS_PROJECT_ID")),
    _Member("region_name", "Region", ("AIOMODELARTS_REGION", "OS_REGION_NAME")),
)
_TEMPORARY = "HUAWEICLOUD_SDK_SECURITY_TOKEN"
_SECRETS = ("sk", "password", "security_token")


@app.command("login")
def login_command(
    access_key: AccessKeyOption = None,
    account: AccountOption = None,
    username: UserOption = None,
    project_id: ProjectOption = None,
    region_name: RegionOption = None,
    endpoint: EndpointOption = None,
    secret_stdin: StdinOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Check credentials, and keep them as a profile.

    On a terminal it asks for what is missing, without showing secrets; elsewhere it takes them from the environment.
    They are tried with one reading question, and kept in ~/.huaweicloud/credentials only if that is answered.
    """
    if access_key and (account or username):
        raise typer.BadParameter("give either --access-key, or --account and --username")
    given = {
        "ak": access_key,
        "account": account,
        "username": username,
        "project_id": project_id,
        "region_name": region_name,
    }
    kind = _LOGIN if account or username else _KEY
    with reporting():
        name = PROFILE.get() or config.BASIC_PROFILE
        check_profile_name(name)
        endpoints = _addresses(endpoint or [])
        # Asked before anything is begun, so that Ctrl-C ends the asking.
        members = _members({key: value for key, value in given.items() if value}, kind, _before(name), secret_stdin)
    run(_login(name, members, endpoints, output))


async def _login(name: str, members: dict[str, str], endpoints: config.Endpoints, output: Output) -> int:
    async with AsyncSession(
        access_key=members.get("ak"),
        secret_key=members.get("sk"),
        security_token=members.get("security_token"),
        account=members.get("account"),
        username=members.get("username"),
        password=members.get("password"),
        project_id=members.get("project_id"),
        region_name=members.get("region_name"),
        endpoints=endpoints,
    ) as session:
        await AsyncEstimator.get_job_list(session, per_page=1)
    addresses = {f"{service}_endpoint": address for service, address in asdict(endpoints).items() if address}
    path = await asyncio.to_thread(write_profile, os.environ, name, {**members, **addresses})
    if output is Output.JSON:
        shown = {key: value for key, value in members.items() if key not in _SECRETS}
        print_json({"profile": name, "file": str(path), **shown, **addresses})
    else:
        typer.echo(f"The service answered. Profile {name} is kept in {path}.")
    first = taken_first()
    if first is not None:
        tell(f"{first} is set here, and comes before the profile.")
    return DONE


def _before(name: str) -> dict[str, str]:
    """What the profile holds already, to be offered again."""
    config.read_profile(os.environ, None)
    try:
        return config.read_profile(os.environ, name)
    except ConfigurationError:
        return {}


def _addresses(given: list[str]) -> config.Endpoints:
    """The endpoints that were named, here or in the environment."""
    addresses = {
        service: os.environ[variable]
        for service, variable in config.ENDPOINT_VARIABLES.items()
        if os.environ.get(variable)
    }
    for text in given:
        service, equals, address = text.partition("=")
        if not equals or not address:
            raise InvalidArgument("--endpoint", text, "it is a service and its address, as modelarts=https://...")
        addresses[service] = address
    return config.Endpoints.of(addresses)


def _members(
    given: Mapping[str, str], kind: tuple[_Member, ...], before: Mapping[str, str], secret_stdin: bool
) -> dict[str, str]:
    """The members of the profile: as given, asked for, or found in the environment."""
    asking = sys.stdin.isatty() and not secret_stdin
    members: dict[str, str] = {}
    for member in (*kind, *_PLACE):
        value: str | None
        if member.secret and secret_stdin:
            value = _from_stdin()
        else:
            value = given.get(member.name) or _found(member, before, asking)
        if value:
            members[member.name] = value
    missing = next((member for member in kind if member.name not in members), None)
    if missing:
        how = "pipe it in with --secret-stdin" if missing.secret else "give it as an option"
        raise ConfigurationError(
            f"there is no {missing.asked_as.lower()}: run this in a terminal, {how}, or set {missing.variables[0]}"
        )
    if members.get("ak") == os.environ.get("HUAWEICLOUD_SDK_AK") and os.environ.get(_TEMPORARY):
        members["security_token"] = os.environ[_TEMPORARY]
    return members


def _from_stdin() -> str:
    try:
        return sys.stdin.buffer.readline().decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        # What could not be read is not shown, since it is a secret.
        raise InvalidArgument("--secret-stdin", "***", "it is a line of text in UTF-8") from None


def _found(member: _Member, before: Mapping[str, str], asking: bool) -> str | None:
    variable = next((name for name in member.variables if os.environ.get(name)), None)
    known = os.environ[variable] if variable else None
    if not asking:
        return known
    if not member.secret:
        offered = known or before.get(member.name) or ""
        answer = typer.prompt(member.asked_as, default=offered, show_default=bool(offered), err=True)
    else:
        hint = f"; Enter takes that of {variable}" if variable else ""
        answer = typer.prompt(
            f"{member.asked_as} (not shown{hint})", default=known or "", show_default=False, hide_input=True, err=True
        )
    return str(answer).strip() or None
