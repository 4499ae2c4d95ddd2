"""Never run: calls whose types ``mypy --strict`` has to agree with; ``scripts/check`` asks it."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import assert_type

from optuna.study import Study

from aiomodelarts import (
    AsyncEstimator,
    AsyncSession,
    AsyncVisualizationJob,
    BatchFailed,
    BatchOutcome,
    BuiltInAlgorithmPage,
    Configuration,
    ConfigurationPage,
    ConfigurationSummary,
    DeletionFailed,
    Difference,
    Engine,
    Hyperparameters,
    Inputs,
    JobDetail,
    JobPage,
    JobStatus,
    JobSummary,
    LogLine,
    LogPage,
    ResourceSpec,
    TrainingFailed,
    TrainingJob,
    TrainingJobConfig,
    VersionInfo,
    VersionPage,
    VisualizationFailed,
    VisualizationInfo,
    VisualizationPage,
    WaitTimeout,
    __version__,
    diff,
    estimator_from,
)
from aiomodelarts.events import Event
from aiomodelarts.sweep import Float, Running, Stopped, Sweep, SweepResult, Trial, maximize


async def a_sweep(session: AsyncSession, estimator: AsyncEstimator) -> None:
    sweep = Sweep(
        space={"lr": Float(1e-4, 1e-1, log=True), "act": ["relu"]}, objective=maximize(metric="f1"), estimator={}
    )
    assert_type(await sweep.run(session, callbacks=[_heard, lambda sweep, trial: sweep.interrupt()]), SweepResult)
    assert_type(sweep.trials(), AsyncGenerator[Trial, None])
    assert_type(await sweep.stop(Running.STOP, session), Stopped)
    assert_type(await sweep.past(), SweepResult)
    Sweep(objective={}, estimator=estimator, search=[{"lr": 0.1}], trials="3")  # type: ignore[arg-type]
    Sweep({"lr": [0.1]}, objective={}, estimator=estimator)  # type: ignore[call-arg]
    assert_type(await sweep.study("journal:study.log", name="x"), Study)
    Sweep(space={}, objective={}, estimator=estimator, trials=9, warm_start={"jobs": [7]})
    await sweep.study(7)  # type: ignore[arg-type]


async def _heard(sweep: Sweep, trial: Trial) -> None:
    """Hear of a trial."""


def what_went_wrong(
    batch: BatchFailed, failed: TrainingFailed, late: WaitTimeout, gone: DeletionFailed, viewer: VisualizationFailed
) -> None:
    assert_type(batch.outcomes, tuple[BatchOutcome, ...])
    assert_type((failed.detail, late.detail, gone.detail), tuple[JobDetail | None, JobDetail | None, JobDetail | None])
    assert_type(viewer.info, VisualizationInfo | None)
    assert_type(__version__, str)


async def on_the_class(session: AsyncSession) -> None:
    assert_type(await AsyncEstimator.get_job_list(modelarts_session=session, sortBy="status"), JobPage)
    assert_type(AsyncEstimator.iter_jobs(session, status=JobStatus.RUNNING, limit=3), AsyncIterator[JobSummary])
    assert_type(await AsyncEstimator.get_job_configs_list(session), ConfigurationPage)
    assert_type(await AsyncEstimator.get_job_configs_object_list(session), list[TrainingJobConfig])
    assert_type(AsyncEstimator.iter_job_configs(session), AsyncIterator[ConfigurationSummary])
    assert_type(await AsyncEstimator.get_built_in_algorithms(session), BuiltInAlgorithmPage)
    assert_type(await AsyncEstimator.get_train_instance_types(session), tuple[ResourceSpec, ...])
    assert_type(await AsyncEstimator.get_framework_list(session), tuple[Engine, ...])
    assert_type(await AsyncVisualizationJob.get_visualization_job_list(session), VisualizationPage)
    listed = await AsyncVisualizationJob.get_visualization_job_object_list(session)
    assert_type(listed, list[AsyncVisualizationJob])
    assert_type(AsyncVisualizationJob.iter_visualization_jobs(session), AsyncIterator[VisualizationInfo])
    await AsyncEstimator.delete_job_by_id(session, "7", stop_running=True, wait=True, timeout_s=60)
    await AsyncEstimator.get_job_list(session, sort="status")  # type: ignore[call-arg]
    await AsyncEstimator.get_job_list()  # type: ignore[call-arg]


async def on_an_estimator(session: AsyncSession) -> None:
    pointing = AsyncEstimator(session, job_id="7", version_id=9, config_name="saved")
    assert_type(pointing.job_id, int | None)
    assert_type(await pointing.get_job_info(), JobDetail)
    assert_type(await pointing.get_job_version_info(), VersionPage)
    assert_type(await pointing.get_job_version_object_list(is_show=False), list[TrainingJob])
    assert_type(pointing.iter_job_versions(), AsyncIterator[VersionInfo])
    assert_type(await pointing.get_job_log_file_list(), tuple[str, ...])
    assert_type(await pointing.get_job_log("job.0", base_line=None, lines=50, order="asc"), LogPage)
    assert_type(await pointing.get_job_configs_info(), Configuration)
    assert_type(await pointing.create_job_configs("saved", inputs=Inputs.of("/b/d/")), TrainingJobConfig)
    assert_type(await pointing.fit(inputs="/b/d/", wait=True, job_name="demo"), TrainingJob)
    await pointing.update_job_description("new")
    await pointing.stop_job_version(wait=True)
    await pointing.delete_job_version(wait=True)
    await pointing.update_job_configs("saved", "new")
    await pointing.delete_job_configs()
    await pointing.stop_job_version(wat=True)  # type: ignore[call-arg]
    await pointing.update_job_description(7)  # type: ignore[arg-type]


async def on_handles(job: TrainingJob, config: TrainingJobConfig, board: AsyncVisualizationJob) -> None:
    assert_type(job.job_id, int)
    assert_type(await job.info(), JobDetail)
    assert_type(await job.tail(5), list[LogLine])
    assert_type(job.log_pages("job.0"), AsyncIterator[LogPage])
    assert_type(await job.download_log("train.log"), int)
    assert_type((await job.info()).hyperparameters, Hyperparameters)
    await job.stop(wait=True, timeout_s=60)
    await job.delete(wait=True)
    await job.delete_job(stop_running=True)
    assert_type(await config.info(), Configuration)
    await config.change(hyperparameters={"lr": 0.1})
    assert_type(await board.ready(timeout_s=60), VisualizationInfo)
    assert_type(await board.create_visualization_job("/b/o/"), AsyncVisualizationJob)
    await board.restart_visualization_job()


async def on_versions(a: TrainingJob, b: TrainingJob) -> None:
    assert_type(await estimator_from(a), tuple[AsyncEstimator, Inputs])
    found: Sequence[Difference] = await diff(a, b)
    await diff(a, found[0])  # type: ignore[arg-type]


async def on_waits(session: AsyncSession, job: TrainingJob, others: list[TrainingJob]) -> None:
    assert_type(await job.wait(60, poll_s=(1, 30), stop_on_cancel=True), JobDetail)
    assert_type(await job.ended(timeout_s=60, poll_s=5), JobDetail)
    assert_type(job.updates(poll_s=5), AsyncGenerator[JobDetail, None])
    assert_type(job.logs(follow=True, after=None, poll_s=0.5), AsyncGenerator[LogLine, None])
    assert_type(await session.wait_all(others, 60, poll_s=5, stop_on_cancel=True), list[JobDetail])
    assert_type(session.as_completed(others, 60, poll_s=5), AsyncGenerator[TrainingJob, None])
    assert_type(session.events(7, poll_s=(1, 5)), AsyncGenerator[Event, None])
    await job.wait(poll_s="5")  # type: ignore[arg-type]
    await session.wait_all(others, poll=5)  # type: ignore[call-arg]
