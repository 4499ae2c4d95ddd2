"""Another sweep that writes to this one's place at this moment, driven with another ledger."""

from ..._operations.jobs import iter_jobs
from ...errors import SweepError
from ...estimator import AsyncEstimator
from ...models.spec import obs_path
from ...session import AsyncSession
from ..description.config import SweepConfig

# Those of a sweep are named after it unless its file names one; older ones are no longer looked through.
_MOST_JOBS = 20
_MOST_VERSIONS = 1000


class PlaceTaken(SweepError):
    """Versions of another job write to the place of this sweep's outputs."""


async def check_alone(config: SweepConfig, session: AsyncSession) -> None:
    """Return when no version that goes on writes to where this sweep is about to write; to be asked before its job.

    Args:
        config: of the sweep.
        session: asks the platform: once, and once more for each job that is named after the sweep.

    Raises:
        PlaceTaken: one does.
    """
    place = obs_path(f"{config.settings['output_path'].rstrip('/')}/{config.name}", "output_path", directory=True)
    jobs = iter_jobs(
        session, sort_by="create_time", order="desc", search_content=config.job_name or config.name, limit=_MOST_JOBS
    )
    async for job in jobs:
        rows = AsyncEstimator(session, job_id=job.job_id).iter_job_versions(limit=_MOST_VERSIONS)
        async for row in rows:
            if not row.status.is_final and (row.train_url or "").startswith(place):
                raise PlaceTaken(
                    f"version {row.version_id} of job {job.job_id} ({job.job_name}) is going on and writes to "
                    f"{row.train_url}, where this sweep would write as well: another sweep of this name runs with "
                    "another ledger. Go on with that ledger, wait for it, or stop its versions; or give this sweep "
                    "another name or output_path"
                )
