"""A sweep on a platform in another process, as on the cloud."""

import re
import signal
from pathlib import Path

from .calls import TRAIN, Command, edit, start, until


def test_a_sweep_on_a_served_platform_goes_by_the_environment(
    project: Path, command: Command, served: dict[str, str]
) -> None:
    source = project / "served/obs/bucket/src"
    source.mkdir(parents=True)
    (source / "train.py").write_text(TRAIN)
    done = command("sweep", "run", "sweep.toml", **served)
    assert done.returncode == 0, done.stderr
    assert "3 of 4 models trained" in done.stdout


def test_wrong_keys_are_exit_code_3(command: Command, served: dict[str, str]) -> None:
    done = command("flavors", **{**served, "HUAWEICLOUD_SDK_SK": "wrong"})
    assert done.returncode == 3
    assert served["HUAWEICLOUD_SDK_SK"] not in done.stderr
    refused, source = done.stderr.splitlines()
    assert refused.startswith("error: listResourceSpecs: ModelArts.0206: ")
    assert source.startswith("The credentials are those of the environment, where HUAWEICLOUD_SDK_AK is set; ")


def test_it_is_told_whose_credentials_were_refused(project: Path, command: Command, served: dict[str, str]) -> None:
    kept = {name: value for name, value in served.items() if not name.startswith("HUAWEICLOUD_SDK")}
    project_id = served["HUAWEICLOUD_SDK_PROJECT_ID"]
    profiles = "".join(f"[{name}]\nak = A\nsk = S\nproject_id = {project_id}\n" for name in ("basic", "work"))
    (project / "profiles").write_text(profiles)
    kept["HUAWEICLOUD_SDK_CREDENTIALS_FILE"] = str(project / "profiles")
    for arguments, source in (((), "profile basic, or"), (("--profile", "work"), "profile work; ")):
        done = command(*arguments, "jobs", **kept)
        assert done.returncode == 3
        assert done.stderr.splitlines()[1].startswith(f"The credentials are those of {source}")


def test_the_folder_of_a_served_platform_takes_the_code_and_gives_the_objective(
    project: Path, command: Command, served: dict[str, str]
) -> None:
    edit(project, "log_pattern = 'accuracy=([0-9.]+)'", 'json_file = "metrics.json"\nkey = "val.accuracy"')
    edit(project, 'code_dir = "/bucket/src/"', 'code_dir = "code"\ncode_bucket = "bucket"')
    edit(project, 'boot_file = "/bucket/src/train.py"', 'boot_file = "train.py"')
    (project / "code").mkdir()
    (project / "train.py").rename(project / "code/train.py")
    done = command("sweep", "run", "sweep.toml", **served)
    assert done.returncode == 0, done.stderr
    assert "3 of 4 models trained" in done.stdout
    assert len(list((project / "served/obs/bucket/code").glob("*/train.py"))) == 1


def test_an_interrupted_sweep_lists_what_goes_on_at_modelarts(project: Path, served: dict[str, str]) -> None:
    source = project / "served/obs/bucket/src"
    source.mkdir(parents=True)
    (source / "train.py").write_text("import time; time.sleep(60)")
    with start(project, "sweep", "run", "sweep.toml", **served) as process:
        until(process, lambda: len(list((project / "served/obs/bucket").glob("out/tiny/*"))) == 2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted: 0 of 4 trials are over." in errors
    assert re.search(r"trial 1 goes on: job_id=\d+, version_id=\d+\n", errors)
    assert re.search(r"trial 2 goes on: job_id=\d+, version_id=\d+\n", errors)
    assert "TrainingJob.attach" in errors
    assert "The same command again goes on from here." in errors
    assert "Traceback" not in errors
