"""What a sweep takes for granted: that the platform has its flavour, its engine, its paths and room for its job."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from attrs import define, field

from ..._catalogue import the_algorithm, the_engine, the_spec
from ..._code import check_boot_file
from ..._operations.jobs import get_job_list, iter_jobs
from ...errors import InvalidArgument, ModelArtsError
from ...models.catalog import ResourceSpec
from ...obs.code.local import LocalCode
from ...obs.errors import BucketNotFound, ObsNotFound
from ...session import AsyncSession
from ..description.config import SweepConfig
from ..files import FolderFiles, ObsFiles, OutputFiles
from ..ledger.records import SweepRecord
from .neighbours import PlaceTaken, check_alone
from .plan import Refusal

T = TypeVar("T")

_SOLD_OUT = "the platform has none free at the moment; creations wait for it, or are refused"


@define
class Premises:
    """What would be refused, and what else is to be known.

    Args:
        config: of the sweep.
        session: asks the platform.
        files: reads the buckets of this machine, where a session cannot.
    """

    config: SweepConfig
    session: AsyncSession
    files: OutputFiles | None
    refused: list[Refusal] = field(factory=list)
    notes: list[str] = field(factory=list)
    job: str = ""

    async def look(self, record: SweepRecord | None) -> None:
        """Look at everything once.

        Args:
            record: of the sweep, where its ledger has one.

        Raises:
            ModelArtsError: the platform does not say what it offers.
        """
        await self._look_at_the_catalogue()
        await self._look_at_paths()
        await self._look_at_the_job(record)

    async def _look_at_the_catalogue(self) -> None:
        settings, session = self.config.settings, self.session
        what = "flavors" if len(self.config.flavors) > 1 else "train_instance_type"
        for code in self.config.flavors:
            self._check_flavor(self._chosen(what, the_spec, await session.flavors(), code))
        if "framework_type" in settings and "framework_version" in settings:
            engine = (settings["framework_type"], settings["framework_version"])
            self._chosen("framework_version", the_engine, await session.engines(), *engine)
        if "model_name" in settings:
            self._chosen("model_name", the_algorithm, await session.algorithms(), settings["model_name"])

    def _chosen(self, what: str, choose: Callable[..., T], *among: Any) -> T | None:
        """What is chosen of all that the platform offers, or None where it offers no such thing."""
        try:
            return choose(*among)
        except InvalidArgument as error:
            # What it is about is said before it.
            self.refused.append(Refusal(what, str(error).removeprefix(f"{what}: ")))
            return None

    def _check_flavor(self, spec: ResourceSpec | None) -> None:
        if spec is None:
            return
        nodes = self.config.nodes
        if spec.max_num is not None and nodes > spec.max_num:
            why = f"{spec.spec_code} takes at most {spec.max_num}, not {nodes}"
            self.refused.append(Refusal("train_instance_count", why))
        if spec.no_resource:
            self.notes.append(f"{spec.spec_code}: {_SOLD_OUT}")

    async def _look_at_paths(self) -> None:
        code, boot_file = (self.config.settings.get(key) for key in ("code_dir", "boot_file"))
        if isinstance(code, LocalCode) and boot_file is not None:
            try:
                check_boot_file(code, boot_file)
            except InvalidArgument as error:
                self.refused.append(Refusal("boot_file", str(error).removeprefix("boot_file: ")))
        if isinstance(self.files, FolderFiles):
            self.refused += await asyncio.to_thread(self._missing_here)
        else:
            await self._look_into_buckets()

    def _missing_here(self) -> list[Refusal]:
        """What the sweep's own folders lack, which are copied into the buckets of this machine."""
        boot, code = self.config.settings.get("boot_file"), self.config.settings.get("code_dir")
        folder = self.config.local_folders.get("code_dir")
        if not boot or not isinstance(code, str) or folder is None:
            return []
        inside = PurePosixPath(boot).relative_to(PurePosixPath(code))
        return [] if Path(folder, inside).is_file() else [Refusal("boot_file", f"there is no {inside} in {folder}")]

    async def _look_into_buckets(self) -> None:
        for path in self.config.objective_files(1):
            try:
                await ObsFiles(self.session.obs).stamp(path)
            except ModelArtsError as error:
                self.refused.append(Refusal("json_file", f"the bucket cannot be read: {error}"))
                return
        try:
            for what, path in self._paths():
                await self._look_for(what, path)
        except ModelArtsError as error:
            # A sweep that reads nothing from buckets needs no right to do so.
            self.notes.append(f"the buckets were not looked into: {error}")

    def _paths(self) -> Sequence[tuple[str, str]]:
        """What has to be there before the first version is made."""
        named: Mapping[str, Any] = {**self.config.settings, **self.config.inputs}
        has_code = isinstance(named.get("code_dir"), str) and "code_bucket" not in named
        keys = ("boot_file", "inputs") if has_code else ("inputs",)
        return [(key, named[key]) for key in (*keys, "output_path", "log_url", "code_bucket") if named.get(key)]

    async def _look_for(self, what: str, path: str) -> None:
        obs = self.session.obs
        if what in {"boot_file", "inputs"}:
            if not await obs.exists(path):
                why = f"there is nothing at {path}"
                # Data may be on their way, and not every script reads them; without its code none runs.
                if what == "boot_file":
                    self.refused.append(Refusal(what, why))
                else:
                    self.notes.append(f"{what}: {why}")
            return
        if self.session.platform is not None:
            # It makes a bucket when it is written to.
            return
        try:
            await obs.stat(path if path.endswith("/") else f"{path}/")
        except BucketNotFound as error:
            self.refused.append(Refusal(what, str(error)))
        except ObsNotFound:
            # A folder need not be there.
            return

    async def _look_at_the_job(self, record: SweepRecord | None) -> None:
        """What becomes of the job, and why it cannot be had."""
        if record is not None and record.job_id is not None:
            self.job = f"goes on in job {record.job_id}"
            return
        try:
            await check_alone(self.config, self.session)
        except PlaceTaken as error:
            self.refused.append(Refusal("output_path", str(error)))
        name = self.config.job_name
        self.job = "a new job, named after the sweep and the time" if name is None else f"a new job, {name}"
        page = await get_job_list(self.session, per_page=1)
        if page.quotas and page.job_total_count is not None and page.job_total_count >= page.quotas:
            # The documents do not relate these two numbers, so this may be wrong.
            self.notes.append(
                f"there are {page.job_total_count} jobs, and the platform names a quota of {page.quotas}: "
                "a new job may be refused, or wait until one is deleted"
            )
        if name is None:
            return
        async for job in iter_jobs(self.session, search_content=name):
            if job.job_name == name:
                why = f"the name {name} is taken by job {job.job_id}; name another one, or none, under [sweep]"
                self.refused.append(Refusal("job_name", why))
