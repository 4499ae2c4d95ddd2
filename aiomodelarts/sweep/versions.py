"""Makes the versions of a sweep, finds them again, and reads what they say."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Protocol

from .._create.made import Pending
from ..errors import SweepError
from ..estimator import AsyncEstimator
from ..intent import Intent
from ..job import TrainingJob
from ..models.spec import Inputs
from ..session import AsyncSession
from ..status import JobStatus
from .description.config import SweepConfig
from .trial import Trial


class Version(Protocol):
    """What a sweep asks of a version it has made."""

    @property
    def job_id(self) -> int: ...

    @property
    def version_id(self) -> int: ...

    async def wait(self) -> object:
        """Return when the training has ended well."""
        ...

    def updates(self) -> AsyncGenerator[Any, None]:
        """A snapshot for every state of it that is seen."""
        ...

    async def refresh(self) -> object:
        """A fresh snapshot, with its metrics."""
        ...

    def logs(self, *, follow: bool = False) -> AsyncGenerator[str, None]:
        """The lines of its log that are there now, or all of them as they are written."""
        ...

    async def stop(self) -> None:
        """Ask for it to be stopped; one that has ended is left as it is."""
        ...


class Versions(Protocol):
    """Makes versions: the seam between a sweep and the estimator."""

    async def intend(self, trial: Trial, job: tuple[int, int] | None) -> Mapping[str, Any]:
        """What would be sent for the trial, as JSON types.

        Args:
            trial: the trial.
            job: the job and the version that the new one derives from; None makes the job.
        """
        ...

    async def make(self, intent: Mapping[str, Any], may_leave: Callable[[], None]) -> Version:
        """Make the version.

        Args:
            intent: what ``intend`` gave.
            may_leave: is asked each time just before bytes leave; what it raises keeps them back and comes out here.
        """
        ...

    async def settle(self, intent: Mapping[str, Any]) -> Version | None:
        """The version that was made although nobody was told, or None when there is none."""
        ...

    def attach(self, job_id: int, version_id: int) -> Version:
        """A version that was made before."""
        ...

    async def going(self, job_id: int) -> Mapping[int, str]:
        """The output paths of the job's versions that wait or run, by id, whoever made them."""
        ...


class EstimatorVersions:
    """Makes versions with one estimator a flavour: every run says its own hyperparameters and output path.

    Args:
        config: of the sweep.
        session: asks the platform.
        job_name: of the job that the first trial makes.
    """

    def __init__(self, config: SweepConfig, session: AsyncSession, job_name: str) -> None:
        self._fixed = config.settings["hyperparameters"]
        self._inputs = Inputs.of(**config.inputs)
        self._session = session
        self._estimator = AsyncEstimator(session, **config.settings)
        self._by_flavor = {
            flavor: AsyncEstimator(session, **{**config.settings, "train_instance_type": flavor})
            for flavor in config.flavors[1:]
        }
        self._job_name = job_name

    async def prepare(self, *, first: bool) -> None:
        """Have the code of this machine in its bucket, and know every flavour, before the first version is made.

        Args:
            first: nothing was begun yet, so that a name which the platform does not know is better told now.

        Raises:
            InvalidArgument: the platform does not take the code, or has no such flavour or engine.
        """
        if first:
            await self._estimator.resolved()
        elif self._estimator.code is not None:
            await self._estimator.code.wire()
        for estimator in self._by_flavor.values():
            await estimator.resolved()

    async def intend(self, trial: Trial, job: tuple[int, int] | None) -> Mapping[str, Any]:
        where: dict[str, Any] = {"job_name": self._job_name}
        if job is not None:
            where = {"job_id": job[0], "pre_version_id": job[1]}
        own = {"output_path": trial.output_path, "hyperparameters": self._fixed | trial.point}
        estimator = self._by_flavor.get(trial.flavor or "", self._estimator)
        return Pending(spec=await estimator.intend(self._inputs, **own, **where)).as_plain()

    async def make(self, intent: Mapping[str, Any], may_leave: Callable[[], None]) -> Version:
        return await self._estimator.create(Pending.from_plain(intent).spec, may_leave)

    async def settle(self, intent: Mapping[str, Any]) -> Version | None:
        found = await Intent.from_plain(intent).settle(self._session)
        spec = Pending.from_plain(intent).spec
        if found is not None and spec.job_id is None:
            # A job is found by its name, which somebody else may have taken.
            wrote = (await found.refresh()).train_url or ""
            if wrote.rstrip("/") != spec.output_path.rstrip("/"):
                raise SweepError(
                    f"job {spec.job_name!r} was made by somebody else (it writes to {wrote}); "
                    "name another one under [sweep] job_name"
                )
        return found

    def attach(self, job_id: int, version_id: int) -> Version:
        return TrainingJob.attach(self._session, job_id, version_id)

    async def going(self, job_id: int) -> Mapping[int, str]:
        rows = AsyncEstimator(self._session, job_id=job_id).iter_job_versions()
        return {
            row.version_id: row.train_url
            async for row in rows
            if row.train_url and not row.status.is_final and row.status is not JobStatus.KILLING
        }
