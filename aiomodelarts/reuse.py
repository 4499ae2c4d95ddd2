"""From what ran to what shall run: an estimator that would repeat a version, and what tells two versions apart."""

from attrs import frozen

from .errors import InvalidArgument
from .estimator import AsyncEstimator
from .hyperparameters import Hyperparameters
from .job import TrainingJob
from .models.job import JobDetail
from .models.one_form import inputs_of, one_form
from .models.spec import Inputs
from .session import AsyncSession

_COMPARED = (
    "app_url",
    "boot_file_url",
    "user_image_url",
    "user_command",
    "model_id",
    "engine_name",
    "engine_version",
    "spec_id",
    "spec_code",
    "pool_id",
    "worker_server_num",
)


@frozen
class Difference:
    """One thing that two versions do not share.

    Args:
        name: the member, or ``hyperparameters.<label>``.
        a: what the first version has; None is nothing.
        b: what the second one has.
    """

    name: str
    a: object
    b: object

    def __str__(self) -> str:
        return f"{self.name}: {self.a} -> {self.b}"


async def estimator_from(version: TrainingJob) -> tuple[AsyncEstimator, Inputs]:
    """An estimator and inputs that would repeat a version.

    An answer tells every form of a thing where a request may tell only one, so one is chosen: of what runs an image
    comes before a built-in algorithm and that before own code; a pool comes before a flavour.

    Raises:
        InvalidArgument: when the version cannot be repeated by a request, for instance since it has no output path.
    """
    detail = one_form(await version.info())
    session = version.session
    inputs = inputs_of(detail)
    if inputs is None:
        raise InvalidArgument("version", version, "it can only be repeated if its answer names its inputs")
    estimator = AsyncEstimator(
        session,
        train_instance_count=detail.worker_server_num,
        train_instance_type=await _flavor(session, detail),
        pool_id=detail.pool_id,
        output_path=detail.train_url,
        code_dir=detail.app_url,
        boot_file=detail.boot_file_url,
        framework_type=detail.engine_name,
        framework_version=detail.engine_version,
        model_name=await _algorithm(session, detail),
        hyperparameters=detail.hyperparameters,
        log_url=detail.log_url,
        user_image_url=detail.user_image_url,
        user_command=detail.user_command,
        job_description=detail.job_desc,
    )
    return estimator, inputs


async def diff(version_a: TrainingJob, version_b: TrainingJob) -> tuple[Difference, ...]:
    """What differs in code, engine, flavour, inputs and hyperparameters; empty when nothing does.

    Values of hyperparameters that are numbers are compared as numbers. Outputs and logs are where a version writes,
    not what it is, and are left out.
    """
    a, b = one_form(await version_a.info()), one_form(await version_b.info())
    found = [Difference(name, getattr(a, name) or None, getattr(b, name) or None) for name in _COMPARED]
    found.append(Difference("inputs", inputs_of(a), inputs_of(b)))
    return tuple(one for one in found if one.a != one.b) + tuple(_parameters(a, b))


def _parameters(a: JobDetail, b: JobDetail) -> list[Difference]:
    labels = dict.fromkeys([*a.hyperparameters, *b.hyperparameters])
    ours, theirs = a.hyperparameters.as_dict(), b.hyperparameters.as_dict()
    return [
        Difference(f"hyperparameters.{label}", ours.get(label), theirs.get(label))
        for label in labels
        if label not in ours or label not in theirs or not _same(label, ours[label], theirs[label])
    ]


def _same(label: str, a: str, b: str) -> bool:
    return Hyperparameters(((label, a),)) == Hyperparameters(((label, b),))


async def _flavor(session: AsyncSession, detail: JobDetail) -> str | None:
    """The flavour's code, which not every answer tells."""
    if detail.spec_code or detail.spec_id is None:
        return detail.spec_code
    codes = [spec.spec_code for spec in await session.flavors() if spec.spec_id == detail.spec_id]
    if not codes:
        raise InvalidArgument("spec_id", detail.spec_id, "no flavour has this number now")
    return codes[0]


async def _algorithm(session: AsyncSession, detail: JobDetail) -> str | None:
    if detail.model_id is None:
        return None
    names = [row.model_name for row in await session.algorithms() if row.model_id == detail.model_id]
    if not names:
        raise InvalidArgument("model_id", detail.model_id, "no built-in algorithm has this number now")
    return names[0]
