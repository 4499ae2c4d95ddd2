"""What has to be true after a run; the platform's board is the judge."""

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from attrs import define, field

from aiomodelarts.local.board import Version
from aiomodelarts.models.spec import TrainingSpec
from aiomodelarts.status import JobStatus
from tests.simulate.plan import Wish

if TYPE_CHECKING:
    from tests.simulate.run import Run

_STOPPED = (JobStatus.KILLING, JobStatus.KILLED)
Group = tuple[object, ...]


@define
class Account:
    """All that belongs to one identity on the wire: equal intents share it."""

    board: dict[int, Version] = field(factory=dict)
    held: dict[int, Wish] = field(factory=dict)
    twins: set[int] = field(factory=set)
    left_made: set[int] = field(factory=set)
    unknown: int = 0
    unseen: int = 0


def judge(run: "Run") -> None:
    """Add what is wrong to the run's violations."""
    accounts: defaultdict[Group, Account] = defaultdict(Account)
    base = {caller.version_id for caller in run.callers}
    for version in run.world.versions():
        if version.version_id not in base:
            accounts[_group_on_board(run, version)].board[version.version_id] = version
    for wish in run.plan.wishes:
        _enter(run, accounts, wish)
    for caller in run.callers:
        for twin in caller.session.twins:
            accounts[_group(twin.spec)].twins.add(twin.version_id)
        for left in caller.session.left_behind:
            account = accounts[_group(left.pending.spec)]
            if left.made is None:
                account.unknown += 1
            else:
                account.left_made.add(left.made.version_id)
        for spec in caller.unseen:
            accounts[_group(spec)].unseen += 1
    run.twins = sum(len(account.twins) for account in accounts.values())
    for group, account in accounts.items():
        run.violations += [f"{group}: {problem}" for problem in _problems(account)]
    run.violations += _promises_of_the_weather(run, accounts)


def _enter(run: "Run", accounts: dict[Group, Account], wish: Wish) -> None:
    account = accounts[_group_wished(run, wish)]
    if wish.ended is None:
        run.violations.append(f"{wish.element} never ended")
    if wish.ended == "unknown":
        account.unknown += 1
    if wish.version_id is None:
        return
    other = account.held.get(wish.version_id)
    if other is not None and (wish.key is None or other.key != wish.key):
        run.violations.append(f"version {wish.version_id} was given to {other.element} and to {wish.element}")
    same = [held for held, by in account.held.items() if wish.key is not None and by.key == wish.key]
    if same and same != [wish.version_id]:
        run.violations.append(f"{wish.key} is version {same[0]} and version {wish.version_id}")
    account.held[wish.version_id] = wish


def _problems(account: Account) -> list[str]:
    problems = []
    for version_id, wish in account.held.items():
        if version_id not in account.board:
            problems.append(f"version {version_id} of {wish.element} is not on the board with this content")
        elif account.board[version_id].status in _STOPPED:
            problems.append(f"version {version_id} of {wish.element} was stopped")
        # A batch that was cancelled holds on to what its creates left.
        if version_id in account.twins or (version_id in account.left_made and not wish.given_up):
            problems.append(f"version {version_id} is held, and told to be a twin or left behind")
    for version_id in account.twins:
        version = account.board.get(version_id)
        if version is None or not (version.status.is_final or version.status in _STOPPED):
            problems.append(f"twin {version_id} was not stopped")
    rest = sorted(account.board.keys() - account.held.keys() - account.twins - account.left_made)
    if len(rest) > account.unknown + account.unseen:
        problems.append(
            f"versions {rest} are on the board, but nobody was told; {account.unknown} intents are unknown, "
            f"and {account.unseen} twins were not waited for"
        )
    return problems


def _promises_of_the_weather(run: "Run", accounts: dict[Group, Account]) -> list[str]:
    problems = []
    # Of equal intents, the version of one whose caller is gone cannot be told from the twin of another.
    twins = sum(len(account.twins) for account in accounts.values() if not account.unknown)
    if run.plan.late_by_s < run.plan.quiet_s and twins:
        problems.append(f"{twins} twins, although everything shows up within {run.plan.late_by_s:.2f} s")
    if run.plan.weather != "calm":
        return problems
    for caller in run.callers:
        undisturbed = not any(order.cancelled_s for order in run.plan.orders)
        if caller.line.lists > 1 and undisturbed:
            problems.append(f"s{caller.number} looked for versions, although no answer was lost")
    for wishes in (order.wishes for order in run.plan.orders if not order.cancelled_s):
        for wish in wishes:
            closed_early = run.plan.closes_s[wish.session] is not None
            if wish.job_name is None and not closed_early and wish.ended != "made":
                problems.append(f"{wish.element} {wish.ended} without a reason: {wish.error!r}")
            if wish.ended == "made" and wish.origin != "created" and wish.key is None:
                problems.append(f"{wish.element} was settled without a reason")
    return problems


def _group(spec: TrainingSpec) -> Group:
    if spec.job_id is None:
        return ("fit", spec.job_name)
    parameters = tuple(sorted((one["label"], one["value"]) for one in spec.hyperparameters.as_parameters()))
    return (spec.job_id, spec.output_path, parameters)


def _group_on_board(run: "Run", version: Version) -> Group:
    job = run.world.board.jobs[version.job_id]
    if version.job_id not in {caller.job_id for caller in run.callers}:
        return ("fit", job.name)
    return (version.job_id, version.settings.train_url, tuple(sorted(version.settings.parameters)))


def _group_wished(run: "Run", wish: Wish) -> Group:
    if wish.job_name is not None:
        return ("fit", wish.job_name)
    given = wish.element.get("hyperparameters", {})
    parameters = tuple(sorted((label, str(value)) for label, value in given.items()))
    return (run.callers[wish.session].job_id, wish.element["output_path"], parameters)


def add(counts: Counter[str], run: "Run") -> None:
    """Count one more run."""
    counts["seeds"] += 1
    counts["intents"] += len(run.plan.wishes)
    counts["violations"] += len(run.violations)
    for wish in run.plan.wishes:
        counts[f"intents {wish.ended}"] += 1
        counts["adopted"] += wish.origin == "adopted"
    counts["unknown at first, settled later"] += run.unknown
    counts["twins stopped"] += run.twins
    if run.world is not None:
        counts["versions on the boards"] += sum(1 for _ in run.world.versions())
        counts["requests"] += sum(run.world.exchange.requests.values())
        for kind, number in run.world.faults.counts.items():
            counts[f"fault {kind}"] += number
            counts["faults"] += number
