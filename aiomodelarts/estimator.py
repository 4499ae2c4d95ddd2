"""The estimator: checked settings that make jobs and versions."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from . import configuration
from ._create.create import may_always_leave
from ._create.made import Made
from ._operations import configs, jobs, logs, lookups, versions
from ._operations.pointers import check_config_name
from ._own import check_element, spec_of
from ._settings import check_given, whole_settings
from .batch import Batch
from .errors import CreateOutcomeUnknown, InvalidArgument
from .hyperparameters import Hyperparameters
from .intent import Intent, left_of
from .job import TrainingJob, get_job_version_object_list
from .models.spec import (
    Inputs,
    RunSettings,
    TrainingSpec,
    check_description,
    check_id,
    check_job_name,
)
from .session import AsyncSession

if TYPE_CHECKING:
    from ._code import EstimatorCode
    from .obs.code.local import LocalCode

# So many elements of a batch take a few milliseconds; then the loop has its turn.
_CHECKED_AT_ONCE = 50
# Commands and hyperparameters can hold what nobody should read in a log.
_SHOWN = ("framework_version", "model_name", "user_image_url", "train_instance_type", "pool_id")


class AsyncEstimator:
    """Settings of training runs, under the official SDK's argument names; or, with ids, what is there already.

    What runs is named in exactly one of three ways: ``code_dir`` and ``boot_file`` with ``framework_type`` and
    ``framework_version``; ``model_name``; ``user_image_url``, beside which code may stand.

    Args:
        modelarts_session: asks the platform.
        train_instance_count: nodes of a run; at least 1, at most what the flavour allows.
        train_instance_type: code of the flavour, for instance ``modelarts.vm.gpu.p100``.
        output_path: where runs write, for instance ``/bucket/output/``.
        code_dir: directory of the code: ``/bucket/src/``; or with ``code_bucket`` a folder of this machine, which is
            read when the first version is made. Changes after that need a new estimator.
        boot_file: start script, inside ``code_dir``; for a folder of this machine its path in there.
        code_bucket: where a folder of this machine is uploaded to, for instance ``/bucket/code/``. It gets a name that
            follows from its content, and goes up once.
        framework_type: name of the engine, for instance ``PyTorch``.
        framework_version: version of the engine, for instance ``PyTorch-1.0.0-python3.6``.
        model_name: a built-in algorithm instead of own code.
        hyperparameters: a mapping, or a list of ``{"label": ..., "value": ...}``.
        log_url: where logs are kept, for instance ``/bucket/log/``.
        user_image_url: address of an own image.
        user_command: start command in the image.
        job_description: up to 256 characters; the service keeps it per job.
        pool_id: a dedicated pool, in place of ``train_instance_type``.
        job_id: an existing job to point at; nothing else is needed for the verbs on it.
        version_id: an existing version of that job.
        config_name: an existing configuration to point at.

    Raises:
        InvalidArgument: for a value that would be refused, or values that exclude each other.
    """

    def __init__(
        self,
        modelarts_session: AsyncSession,
        *,
        train_instance_count: int | None = None,
        train_instance_type: str | None = None,
        output_path: str | None = None,
        code_dir: "str | os.PathLike[str] | LocalCode | None" = None,
        boot_file: str | None = None,
        code_bucket: str | None = None,
        framework_type: str | None = None,
        framework_version: str | None = None,
        model_name: str | None = None,
        hyperparameters: Hyperparameters | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        log_url: str | None = None,
        user_image_url: str | None = None,
        user_command: str | None = None,
        job_description: str | None = None,
        pool_id: str | None = None,
        job_id: int | str | None = None,
        version_id: int | str | None = None,
        config_name: str | None = None,
    ) -> None:
        self._session = modelarts_session
        self._read_code = _read_already(code_dir)
        folder = code_dir if self._read_code is None else self._read_code.folder
        self._code: EstimatorCode | None = None
        self._given = check_given(
            train_instance_count=train_instance_count,
            train_instance_type=train_instance_type,
            output_path=output_path,
            code_dir=os.fspath(folder) if isinstance(folder, os.PathLike) else folder,
            boot_file=boot_file,
            code_bucket=code_bucket,
            framework_type=framework_type,
            framework_version=framework_version,
            model_name=model_name,
            hyperparameters=hyperparameters,
            log_url=log_url,
            user_image_url=user_image_url,
            user_command=user_command,
            pool_id=pool_id,
        )
        self._description = check_description("" if job_description is None else job_description, "job_description")
        self._config: dict[str, Any] | None = None
        self._job_id = None if job_id is None else check_id(job_id, "job_id")
        self._version_id = None if version_id is None else check_id(version_id, "version_id")
        self._config_name = None if config_name is None else check_config_name(config_name)
        if version_id is not None and job_id is None:
            raise InvalidArgument("version_id", version_id, "it goes with the job_id of its job")
        # One that points at something may say nothing of a run; any other is there to run, and is told at once.
        points = job_id is not None or config_name is not None
        self._settings = None if points else whole_settings(self._given)

    @property
    def session(self) -> AsyncSession:
        """The session that this estimator asks through."""
        return self._session

    @property
    def job_id(self) -> int | None:
        """The job that this estimator points at, or None."""
        return self._job_id

    @property
    def version_id(self) -> int | None:
        """The version that this estimator points at, or None."""
        return self._version_id

    @property
    def config_name(self) -> str | None:
        """The configuration that this estimator points at, or None."""
        return self._config_name

    @property
    def settings(self) -> RunSettings:
        """The checked settings of a run.

        Raises:
            InvalidArgument: when this estimator points at something and was not told all that a run needs.
        """
        if self._settings is None:
            self._settings = whole_settings(self._given)
        return self._settings

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was told, by the names of the arguments; what was not told is left out."""
        told = {name: value for name, value in self._given.items() if value is not None}
        told["hyperparameters"] = self._given["hyperparameters"].as_dict()
        return told | ({"job_description": self._description} if self._description else {})

    @property
    def code(self) -> "EstimatorCode | None":
        """The code that is a folder of this machine; None where it is in a bucket already."""
        if self._code is None and self.settings.code_bucket is not None:
            from ._code import EstimatorCode

            self._code = EstimatorCode(self._session, self.settings, self._read_code)
        return self._code

    def __repr__(self) -> str:
        pointed = {"job_id": self._job_id, "version_id": self._version_id, "config_name": self._config_name}
        named = {name: self._given[name] for name in _SHOWN}
        told = [f"{name}={value!r}" for name, value in {**pointed, **named}.items() if value is not None]
        return f"<AsyncEstimator {' '.join(told)}>"

    async def fit(
        self,
        inputs: str | Inputs | None = None,
        wait: bool = False,
        job_name: str | None = None,
        *,
        dataset_id: str | None = None,
        dataset_version_id: str | None = None,
        data_source: Sequence[Mapping[str, Any]] | None = None,
        output_path: str | None = None,
        hyperparameters: Hyperparameters | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> TrainingJob:
        """The first version of a new job (createTrainingJob).

        Args:
            inputs: OBS path of the data; excludes the dataset pair and ``data_source``.
            wait: return when the training has ended well, not when the platform has accepted it.
            job_name: 1 to 64 letters, digits, underscores and hyphens; made up when None.
            dataset_id: a dataset, with ``dataset_version_id``.
            dataset_version_id: version of the dataset.
            data_source: a list of inputs.
            output_path: in place of the estimator's.
            hyperparameters: in place of the estimator's.

        Raises:
            InvalidArgument: before anything is sent.
            AlreadyExists: the name is taken.
            CreateOutcomeUnknown: the answer was lost.
            TrainingFailed: with ``wait``, when the run failed.
        """
        spec = await self._spec(
            Inputs.of(inputs, dataset_id, dataset_version_id, data_source),
            {"output_path": output_path, "hyperparameters": hyperparameters},
            job_name=self._made_up_name() if job_name is None else check_job_name(job_name),
        )
        return await self._finished(await self.create(spec), wait)

    async def create_job_version(
        self,
        job_id: int | str,
        pre_version_id: int | str,
        inputs: str | Inputs | None = None,
        wait: bool = False,
        job_desc: str | None = None,
        *,
        dataset_id: str | None = None,
        dataset_version_id: str | None = None,
        data_source: Sequence[Mapping[str, Any]] | None = None,
        output_path: str | None = None,
        hyperparameters: Hyperparameters | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        intent_id: str | None = None,
    ) -> TrainingJob:
        """One more version of a job (createTrainingJobVersion).

        Args:
            job_id: the job.
            pre_version_id: the version of this job that the new one derives from.
            inputs: OBS path of the data; excludes the dataset pair and ``data_source``.
            wait: return when the training has ended well, not when the platform has accepted it.
            job_desc: description of the job, in place of the estimator's.
            dataset_id: a dataset, with ``dataset_version_id``.
            dataset_version_id: version of the dataset.
            data_source: a list of inputs.
            output_path: in place of the estimator's.
            hyperparameters: in place of the estimator's.
            intent_id: your own key for this version. Asked for again with the same key in this session, at once or
                later, it is the same version; with an ``output_path`` of its own also from another process.

        Raises:
            InvalidArgument: before anything is sent.
            CreateOutcomeUnknown: the answer was lost.
            TrainingFailed: with ``wait``, when the run failed.
        """
        spec = await self._spec(
            Inputs.of(inputs, dataset_id, dataset_version_id, data_source),
            {
                "output_path": output_path,
                "hyperparameters": hyperparameters,
                "job_desc": job_desc,
                "intent_id": intent_id,
            },
            job_id=check_id(job_id, "job_id"),
            pre_version_id=check_id(pre_version_id, "pre_version_id"),
        )
        return await self._finished(await self.create(spec), wait)

    def create_job_versions(
        self,
        job_id: int | str,
        pre_version_id: int | str,
        inputs: str | Inputs | None = None,
        *,
        each: Sequence[Mapping[str, Any]],
        max_concurrency: int = 16,
        dataset_id: str | None = None,
        dataset_version_id: str | None = None,
        data_source: Sequence[Mapping[str, Any]] | None = None,
    ) -> Batch:
        """One version for each element, as a batch to await; it gives the handles in order.

        Every element is checked before the first one is sent.

        Args:
            job_id: the job.
            pre_version_id: the version that all of them derive from.
            inputs: OBS path of the data; an element's own comes first.
            each: mappings that may set ``hyperparameters``, ``inputs``, ``output_path``, ``job_desc``, ``intent_id``.
            max_concurrency: creations that are under way at once.
            dataset_id: a dataset, with ``dataset_version_id``.
            dataset_version_id: version of the dataset.
            data_source: a list of inputs.

        Raises:
            InvalidArgument: when it is called or awaited, before anything is sent.
            BatchFailed: when awaited, if some were not made; it holds an outcome for each element.
        """
        job, parent = check_id(job_id, "job_id"), check_id(pre_version_id, "pre_version_id")
        if isinstance(each, str | Mapping) or not isinstance(each, Sequence):
            raise InvalidArgument("each", each, "it is a list of mappings")
        shared = (dataset_id, dataset_version_id, data_source)
        common = Inputs.of(inputs, *shared) if inputs is not None or any(shared) else None

        async def specs() -> list[TrainingSpec]:
            checked: list[TrainingSpec] = []
            for index, element in enumerate(each):
                if index % _CHECKED_AT_ONCE == _CHECKED_AT_ONCE - 1:
                    await asyncio.sleep(0)
                checked.append(await self._element(index, element, common, job, parent))
            return checked

        left = partial(left_of, self._session)
        return Batch(specs, self._create_here, left, max_concurrency, self._session.settle_policy.grace_s)

    async def intend(
        self,
        inputs: Inputs,
        *,
        output_path: str,
        hyperparameters: Mapping[str, Any],
        job_name: str | None = None,
        job_id: int | None = None,
        pre_version_id: int | None = None,
    ) -> TrainingSpec:
        """The intent of one run, to be written down before ``create`` sends it; nothing is made.

        Args:
            inputs: what the run reads.
            output_path: of this run alone.
            hyperparameters: in place of the estimator's.
            job_name: of a new job; excludes the two ids, which are as in ``create_job_version``.

        Raises:
            InvalidArgument: for a value that would be refused.
        """
        own = {"output_path": output_path, "hyperparameters": hyperparameters}
        if job_name is not None:
            return await self._spec(inputs, own, job_name=check_job_name(job_name))
        parent = check_id(pre_version_id, "pre_version_id")
        return await self._spec(inputs, own, job_id=check_id(job_id, "job_id"), pre_version_id=parent)

    async def create(self, spec: TrainingSpec, may_leave: Callable[[], None] = may_always_leave) -> TrainingJob:
        """The one version for a complete intent; ``fit`` and ``create_job_version`` end here.

        Args:
            spec: the intent.
            may_leave: is asked each time just before bytes leave; what it raises keeps them back and comes out here.

        Raises:
            CreateOutcomeUnknown: it could not be found out whether there is a version; ``error.intent`` can be settled
                later.
        """
        return await self._handle(spec, self._session.make(spec, may_leave))

    async def resolved(self) -> dict[str, Any]:
        """What a request says of every run of this estimator, with names turned into the platform's numbers.

        Code of this machine is in its bucket when this returns.

        Raises:
            InvalidArgument: for a name that does not match exactly one row, more nodes than the flavour takes, or code
                that the platform does not take.
            ObsError: the code cannot be uploaded.
        """
        if self._config is None:
            config = await lookups.resolved(self._session, self.settings)
            self._config = config | (await self.code.wire() if self.code else {})
        return self._config

    create_job_configs = configuration.create_job_configs
    update_job_configs = configuration.update_job_configs

    # On what the estimator points at.
    get_job_info = versions.get_job_info
    update_job_description = jobs.update_job_description
    get_job_log_file_list = logs.get_job_log_file_list
    get_job_log = logs.get_job_log
    delete_job = jobs.delete_job
    get_job_version_object_list = get_job_version_object_list
    get_job_version_info = versions.get_job_version_info
    iter_job_versions = versions.iter_job_versions
    stop_job_version = versions.stop_job_version
    delete_job_version = versions.delete_job_version
    get_job_configs_info = configs.get_job_configs_info
    delete_job_configs = configs.delete_job_configs

    # On the class: they are given the session as modelarts_session.
    get_job_list = staticmethod(jobs.get_job_list)
    iter_jobs = staticmethod(jobs.iter_jobs)
    delete_job_by_id = staticmethod(jobs.delete_job_by_id)
    get_job_configs_list = staticmethod(configs.get_job_configs_list)
    get_job_configs_object_list = staticmethod(configuration.get_job_configs_object_list)
    iter_job_configs = staticmethod(configs.iter_job_configs)
    get_built_in_algorithms = staticmethod(lookups.get_built_in_algorithms)
    get_train_instance_types = staticmethod(lookups.get_train_instance_types)
    get_framework_list = staticmethod(lookups.get_framework_list)

    async def _element(
        self, index: int, element: Mapping[str, Any], common: Inputs | None, job_id: int, pre_version_id: int
    ) -> TrainingSpec:
        argument = check_element(index, element)
        own = element.get("inputs")
        inputs = Inputs.of(own) if own is not None or common is None else common
        return await self._spec(inputs, element, argument, job_id=job_id, pre_version_id=pre_version_id)

    async def _spec(self, inputs: Inputs, own: Mapping[str, Any], argument: str = "", **identity: Any) -> TrainingSpec:
        return spec_of(self.settings, await self.resolved(), self._description, inputs, own, argument, **identity)

    def _create_here(self, spec: TrainingSpec) -> Awaitable[TrainingJob]:
        return self._handle(spec, self._session.make(spec, here=True))

    async def _handle(self, spec: TrainingSpec, making: Awaitable[Made]) -> TrainingJob:
        try:
            made = await making
        except CreateOutcomeUnknown as error:
            error.intent = Intent(error.intent, self._session)
            raise
        return TrainingJob.of(self._session, made, spec)

    async def _finished(self, version: TrainingJob, wait: bool) -> TrainingJob:
        if wait:
            await version.wait()
        return version

    def _made_up_name(self) -> str:
        seams = self._session.seams
        return f"job-{int(seams.clock.now())}-{seams.rng.getrandbits(40):010x}"


def _read_already(code_dir: object) -> "LocalCode | None":
    if code_dir is None or isinstance(code_dir, str | os.PathLike):
        return None
    from .obs.code.local import LocalCode

    return code_dir if isinstance(code_dir, LocalCode) else None
