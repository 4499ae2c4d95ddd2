"""``aiomodelarts watch``: wait for versions to end, or tell of everything that happens to a job."""

import os
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import frozen
from rich.text import Text

from .._cursor import decode
from .._delivery import CursorFile, DeadLetters, Delivery, Webhook, as_cloudevent, check_extra
from .._watch.streaming import job_ids_of
from ..errors import InvalidArgument
from ..events import BEGINNING, Event, LogStalled, StateChanged, VersionEvent
from ..job import TrainingJob
from ..models.job import JobDetail
from ..status import Outcome
from ._run import DONE, FAILED, run
from ._session import LocalOption, OutputOption, open_session
from .render import Output, duration, print_json, tell, tell_error, writer

app = typer.Typer()

_DEAD_LETTERS = Path("dead-letters.jsonl")
IdsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="JOB_ID VERSION_ID...", help="Versions to wait for.", show_default=False),
]
JobsOption = Annotated[
    list[str] | None,
    typer.Option("--job", metavar="N", help="Tell of this job only; can be given again.", show_default=False),
]
WebhookOption = Annotated[
    str | None, typer.Option("--webhook", metavar="URL", help="Post each event there as well.", show_default=False)
]
SecretOption = Annotated[
    str | None,
    typer.Option(
        "--webhook-secret-env",
        metavar="NAME",
        help="The environment variable that holds the webhook's secret.",
        show_default=False,
    ),
]
CursorOption = Annotated[
    Path | None,
    typer.Option(
        "--cursor-file",
        metavar="F",
        help="Go on where F says, and keep it up to date.",
        dir_okay=False,
        show_default=False,
    ),
]
BeginningOption = Annotated[
    bool, typer.Option("--from-beginning", help="Without a cursor, tell of all that is there already.")
]
DeadLettersOption = Annotated[
    Path,
    typer.Option("--dead-letters", metavar="F", help="Where events go that the webhook does not take.", dir_okay=False),
]
StalledOption = Annotated[
    float | None,
    typer.Option(
        "--log-stalled",
        metavar="MINUTES",
        help="Tell as well when the log of a running version has not grown for so long.",
        show_default=False,
    ),
]


@frozen(kw_only=True)
class _Wanted:
    """What the options for events say."""

    jobs: list[str] | None
    webhook: str | None
    secret_env: str | None
    cursor_file: Path | None
    from_beginning: bool
    dead_letters: Path
    log_stalled: float | None


@app.command("watch")
def watch_command(
    ids: IdsArgument = None,
    jobs: JobsOption = None,
    webhook: WebhookOption = None,
    webhook_secret_env: SecretOption = None,
    cursor_file: CursorOption = None,
    from_beginning: BeginningOption = False,
    dead_letters: DeadLettersOption = _DEAD_LETTERS,
    log_stalled: StalledOption = None,
    local: LocalOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Wait for versions to end, or tell of all that happens.

    Waiting ends with exit code 0 only if all succeeded. Without ids it tells of every job of the project, or of those
    that --job names, until it is interrupted.
    """
    if not ids:
        wanted = _Wanted(
            jobs=jobs,
            webhook=webhook,
            secret_env=webhook_secret_env,
            cursor_file=cursor_file,
            from_beginning=from_beginning,
            dead_letters=dead_letters,
            log_stalled=log_stalled,
        )
        run(_events(wanted, local, output))
    assert ids is not None
    if jobs:
        raise typer.BadParameter("give either JOB_ID and VERSION_ID..., or --job")
    if len(ids) < 2:
        raise typer.BadParameter("a version is named by JOB_ID and VERSION_ID; for a whole job say --job")
    if webhook or webhook_secret_env or cursor_file or from_beginning or log_stalled is not None:
        raise typer.BadParameter("webhooks, cursors and the like are for events, told where no version is named")
    run(_wait(ids[0], ids[1:], local, output))


async def _wait(job_id: str, version_ids: list[str], local: bool, output: Output) -> int:
    console = writer()
    details: list[JobDetail] = []
    async with open_session(local) as place:
        versions = [TrainingJob.attach(place.session, job_id, version_id) for version_id in version_ids]
        # Waits outlast whatever happens on the way; what is wrong from the beginning is better told at once.
        await versions[0].refresh()
        async with aclosing(place.session.as_completed(versions)) as ended:
            async for version in ended:
                detail = version.detail
                assert detail is not None
                details.append(detail)
                if output is Output.TABLE:
                    console.print(Text(_told(detail)), soft_wrap=True)
    if output is Output.JSON:
        print_json([_as_json(detail) for detail in details])
    return DONE if all(detail.status.outcome is Outcome.SUCCEEDED for detail in details) else FAILED


async def _events(wanted: _Wanted, local: bool, output: Output) -> int:
    kept = None if wanted.cursor_file is None else CursorFile(wanted.cursor_file)
    still_s = None if wanted.log_stalled is None else wanted.log_stalled * 60
    if still_s is not None and not still_s > 0:
        raise InvalidArgument("--log-stalled", wanted.log_stalled, "it is a number of minutes above 0")
    if output is Output.JSON or wanted.webhook is not None:
        check_extra()
    delivery = Delivery(
        show=_show_line if output is Output.JSON else _show_text,
        webhook=_webhook(wanted.webhook, wanted.secret_env),
        dead_letters=DeadLetters(wanted.dead_letters),
        cursor_file=kept,
        complain=tell_error,
    )
    async with AsyncExitStack() as stack:
        cursor = None
        if kept is not None:
            await stack.enter_async_context(kept.held())
            cursor = await kept.read()
            if cursor:
                decode(cursor, job_ids_of(wanted.jobs), f"--cursor-file {kept.path}")
            elif cursor is not None:
                tell(f"{kept.path} is empty, so this begins anew; what happened before is not told.")
        after = cursor or (BEGINNING if wanted.from_beginning else None)
        place = await stack.enter_async_context(open_session(local))
        events = place.session.events(wanted.jobs, after, log_stalled_s=still_s)
        await delivery.run(await stack.enter_async_context(aclosing(events)))
    return DONE


def _webhook(url: str | None, secret_env: str | None) -> Webhook | None:
    if url is None:
        if secret_env is not None:
            raise InvalidArgument("--webhook-secret-env", secret_env, "it goes with --webhook")
        return None
    if secret_env is None:
        raise InvalidArgument("--webhook-secret-env", None, "a webhook is signed: name the variable with its secret")
    secret = os.environ.get(secret_env)
    if not secret:
        raise InvalidArgument("--webhook-secret-env", secret_env, "there is no such variable, or it is empty")
    return Webhook(url, secret)


def _show_line(event: Event) -> None:
    typer.echo(as_cloudevent(event, with_cursor=True))


def _show_text(event: Event) -> None:
    when = event.time.astimezone().strftime("%H:%M:%S")
    if not isinstance(event, VersionEvent):
        typer.echo(f"{when} {event.kind}: too much came at once, so some changes are told as one")
        return
    before = f"{event.before.name} -> " if isinstance(event, StateChanged) else ""
    after = f", for {duration(event.still_s)}" if isinstance(event, LogStalled) else ""
    what = event.kind.removeprefix("version.").replace("_", " ")
    typer.echo(f"{when} job {event.job_id} version {event.version_id}: {what}, {before}{event.status.name}{after}")


def _told(detail: JobDetail) -> str:
    lasted = "" if detail.duration is None else f" after {duration(detail.duration / 1000)}"
    return f"version {detail.version_id}: {detail.status.name}{lasted}"


def _as_json(detail: JobDetail) -> dict[str, Any]:
    return {
        "job_id": detail.job_id,
        "version_id": detail.version_id,
        "status": detail.status.name,
        "succeeded": detail.status.outcome is Outcome.SUCCEEDED,
        "duration_s": None if detail.duration is None else detail.duration / 1000,
        "output_path": detail.train_url,
    }
