"""Sweeps from Python, on a local platform in this process."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from attrs import evolve

from aiomodelarts import AlreadyExists, AsyncEstimator, AsyncSession, ConfigurationError, Sweep, SweepError
from aiomodelarts.sweep import FolderFiles, JobDeleted, PlaceTaken, ResultsNotWritten, SweepEvent, TrialState

SWEEP = """\
[sweep]
name = "tiny"
concurrency = 2

[estimator]
framework_type = "PyTorch"
framework_version = "PyTorch-1.0.0-python3.6"
code_dir = "/bucket/src/"
boot_file = "/bucket/src/train.py"
output_path = "obs://bucket/out"
inputs = "/bucket/data/"
train_instance_type = "modelarts.vm.cpu.2u"
hyperparameters = { epochs = 5 }

[space]
lr = { choice = [0.1, 0.2] }
flag = { choice = [true, false] }

[search]
algorithm = "grid"

[objective]
json_file = "metrics.json"
key = "told"
goal = "minimize"
"""

# Leaves what it was told; the value is the length of that, so that it depends on how each value is spelled.
TRAIN = """\
import argparse, json, pathlib
parser = argparse.ArgumentParser()
for name in ("data_url", "train_url", "lr", "flag", "epochs"):
    parser.add_argument("--" + name, required=True)
options = vars(parser.parse_args())
told = {name: options[name] for name in ("lr", "flag", "epochs")}
metrics = {"told": len("".join(told.values())), "all": told}
pathlib.Path(options["train_url"], "metrics.json").write_text(json.dumps(metrics))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN)
    (folder / "sweep.toml").write_text(SWEEP)
    return folder / "sweep.toml"


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_a_sweep_from_python(file: Path, tmp_path: Path) -> None:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    events: list[SweepEvent] = []

    async def listen(event: SweepEvent) -> None:
        events.append(event)

    async with AsyncSession.local(tmp_path / "platform") as session:
        assert session.platform is not None
        files = FolderFiles(Path(str(session.platform.obs_root)))
        await sweep.stage(files)
        result = await sweep.run(session, files=files, listener=listen)
        versions = [trial.version_id for trial in result.trials]
        told = json.loads((await files.read("/bucket/out/tiny/0001/metrics.json")) or b"")["all"]
    assert [trial.state for trial in result.trials] == [TrialState.SUCCEEDED] * 4
    assert len(set(versions)) == 4
    # The script receives what is fixed and what varies, each spelled as hyperparameters are.
    assert told == {"epochs": "5", "flag": "true", "lr": "0.1"}
    assert result.best is not None
    assert result.best.point == {"lr": 0.1, "flag": True}
    assert (events[-1].progress.done, events[-1].progress.best) == (4, result.best)
    written = await asyncio.to_thread((file.parent / "results/tiny/results.json").read_text)
    assert json.loads(written) == result.as_json()


async def test_the_history_of_a_trial_tells_the_request_that_made_it(file: Path, tmp_path: Path) -> None:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    async with AsyncSession.local(tmp_path / "platform") as session:
        assert session.platform is not None
        files = FolderFiles(Path(str(session.platform.obs_root)))
        await sweep.stage(files)
        result = await sweep.run(session, files=files)
        for trial in result.trials:
            why = [event.why for event in await sweep.why(trial.number)]
            assert re.fullmatch(rf"made: version {trial.version_id}, request [0-9a-f]{{32}}", why[2])


async def test_a_json_objective_is_read_through_the_sessions_own_storage(file: Path, tmp_path: Path) -> None:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    async with AsyncSession.local(tmp_path / "platform") as session:
        assert session.platform is not None
        await sweep.stage(FolderFiles(Path(str(session.platform.obs_root))))
        result = await sweep.run(session)
    assert [trial.value for trial in result.ranked] == [8, 8, 9, 9]


async def test_storage_that_cannot_be_read_is_told_before_anything_is_sent(file: Path) -> None:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    async with AsyncSession(token="t", project_id="p", endpoints={"modelarts": "http://127.0.0.1:9"}) as session:
        with pytest.raises(ConfigurationError, match="object storage"):
            await sweep.run(session)


async def test_a_job_name_that_is_taken_is_told(file: Path, tmp_path: Path) -> None:
    text = SWEEP.replace('name = "tiny"', 'name = "tiny"\njob_name = "mine"')
    await asyncio.to_thread(file.write_text, text)
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    async with AsyncSession.local(tmp_path / "platform") as session:
        assert session.platform is not None
        files = FolderFiles(Path(str(session.platform.obs_root)))
        await sweep.stage(files)
        await sweep.run(session, files=files)
        with pytest.raises(AlreadyExists, match="mine"):
            await sweep.run(session, files=files, fresh=True)
        # A name that is free puts it right.
        other = Sweep.of(evolve(sweep.config, job_name="yours"))
        assert len((await other.run(session, files=files)).ranked) == 4


async def test_a_result_that_cannot_be_written_is_not_lost(file: Path, tmp_path: Path) -> None:
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    await asyncio.to_thread((file.parent / "results/tiny/results.csv").mkdir, parents=True)
    async with AsyncSession.local(tmp_path / "platform") as session:
        assert session.platform is not None
        files = FolderFiles(Path(str(session.platform.obs_root)))
        await sweep.stage(files)
        with pytest.raises(ResultsNotWritten) as caught:
            await sweep.run(session, files=files)
    assert len(caught.value.result.ranked) == 4


async def test_a_folder_for_results_that_cannot_be_made_is_told_before_anything_is_sent(
    file: Path, tmp_path: Path
) -> None:
    await asyncio.to_thread((file.parent / "results").write_text, "a file")
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    async with AsyncSession.local(tmp_path / "platform") as session:
        with pytest.raises(OSError, match="results"):
            await sweep.run(session, files=FolderFiles(tmp_path))
    assert await asyncio.to_thread(files_in, tmp_path / "platform/logs") == []


def test_code_is_staged_without_what_does_not_belong_to_it(file: Path, tmp_path: Path) -> None:
    folder = file.parent
    for name in (".git/config", "__pycache__/a.pyc", "results/tiny/results.csv", "lib/util.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    # The buckets may even lie inside the folder that is copied into them.
    for _ in range(2):
        asyncio.run(Sweep.from_file(file).stage(FolderFiles(folder / "buckets")))
    assert files_in(folder / "buckets/bucket/src") == ["lib/util.py", "sweep.toml", "train.py"]


def test_a_folder_with_more_files_than_the_service_takes_is_refused(file: Path, tmp_path: Path) -> None:
    for number in range(1001):
        (file.parent / f"{number}.txt").touch()
    sweep = Sweep.from_file(file)
    with pytest.raises(SweepError, match="more than 1000 files; give the code a folder of its own"):
        asyncio.run(sweep.stage(FolderFiles(tmp_path / "buckets")))
    assert not (tmp_path / "buckets").exists()


async def test_two_sweeps_on_one_output_path_are_told_apart_while_one_of_them_runs(file: Path, tmp_path: Path) -> None:
    await asyncio.to_thread((file.parent / "train.py").write_text, f"import time\ntime.sleep(60)\n{TRAIN}")
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    elsewhere = Sweep.of(evolve(sweep.config, results_dir=tmp_path / "another machine"))
    async with AsyncSession.local(tmp_path / "platform") as session:
        assert session.platform is not None
        files = FolderFiles(Path(str(session.platform.obs_root)))
        await sweep.stage(files)
        made = asyncio.Event()

        async def listen(event: SweepEvent) -> None:
            if event.trial is not None and event.trial.state is TrialState.RUNNING:
                made.set()

        first = asyncio.create_task(sweep.run(session, files=files, listener=listen))
        await made.wait()
        with pytest.raises(PlaceTaken, match=r"of job [0-9]+ \(tiny-.*writes to /bucket/out/tiny/000"):
            await elsewhere.run(session, files=files)
        refused = (await elsewhere.plan(session, files=files)).refused
        assert [one.what for one in refused] == ["output_path"]
        # A second controller on the first one's ledger is welcome.
        second = asyncio.create_task(sweep.run(session, files=files))
        await asyncio.sleep(0.5)
        assert not second.done()
        other_name = Sweep.of(evolve(elsewhere.config, name="tiny-too"))
        assert (await other_name.plan(session, files=files)).refused == ()
        for one in (first, second):
            one.cancel()
        await asyncio.gather(first, second, return_exceptions=True)


async def test_a_job_that_is_deleted_while_it_is_swept_ends_the_sweep_and_is_told(file: Path, tmp_path: Path) -> None:
    await asyncio.to_thread((file.parent / "train.py").write_text, f"import time\ntime.sleep(60)\n{TRAIN}")
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    async with AsyncSession.local(tmp_path / "platform") as session:
        assert session.platform is not None
        files = FolderFiles(Path(str(session.platform.obs_root)))
        await sweep.stage(files)
        both = asyncio.Event()

        async def listen(event: SweepEvent) -> None:
            if event.trial is not None and (event.trial.number, event.trial.state) == (2, TrialState.RUNNING):
                both.set()
                assert event.trial.job_id is not None
                jobs.append(event.trial.job_id)

        jobs: list[int] = []
        running = asyncio.create_task(sweep.run(session, files=files, listener=listen))
        await both.wait()
        await AsyncEstimator.delete_job_by_id(session, jobs[0])
        result = await running
        assert isinstance(result.stopped_by, JobDeleted)
        assert f"job {jobs[0]}" in str(result.stopped_by)
        failures = [trial.failure for trial in result.trials]
        assert failures[:2] == ["preempted", "preempted"]
        assert TrialState.SUCCEEDED not in {trial.state for trial in result.trials}
        # It cannot go on, and says the same again; a new one can.
        assert isinstance((await sweep.run(session, files=files)).stopped_by, JobDeleted)
        await asyncio.to_thread((file.parent / "train.py").write_text, TRAIN)
        await sweep.stage(files)
        assert len((await sweep.run(session, files=files, fresh=True)).ranked) == 4


TRAIN_METRICS = """\
import argparse, json, pathlib
parser = argparse.ArgumentParser()
for name in ("data_url", "train_url", "lr", "flag", "epochs"):
    parser.add_argument("--" + name, required=True)
options = parser.parse_args()
values = {"f1_score": float(options.lr), "name": "text"}
if options.flag == "true":
    path = pathlib.Path(options.train_url, "metric.json")
    path.write_text(json.dumps({"total_metric": {"total_metric_values": values}}))
"""


@pytest.mark.parametrize(
    ("metric", "values", "reasons"),
    [
        ("f1_score", [0.1, 0.2], {"the platform's metric list has no f1_score; it lists none"}),
        (
            "name",
            [],
            {
                "the metric name says 'text', which is no number",
                "the platform's metric list has no name; it lists none",
            },
        ),
    ],
)
async def test_an_objective_in_the_platforms_metric_list(
    file: Path, tmp_path: Path, metric: str, values: list[float], reasons: set[str]
) -> None:
    objective = f'metric = "{metric}"\n'
    text = SWEEP.replace('json_file = "metrics.json"\nkey = "told"\n', objective)
    await asyncio.to_thread(file.write_text, text)
    await asyncio.to_thread((file.parent / "train.py").write_text, TRAIN_METRICS)
    sweep = await asyncio.to_thread(Sweep.from_file, file)
    async with AsyncSession.local(tmp_path / "platform") as session:
        assert session.platform is not None
        await sweep.stage(FolderFiles(Path(str(session.platform.obs_root))))
        result = await sweep.run(session)
    assert [trial.value for trial in result.ranked] == values
    assert {trial.state for trial in result.without_value} == {TrialState.NO_METRIC}
    assert {trial.reason for trial in result.without_value} == reasons
