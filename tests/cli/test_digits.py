"""The main job, as the README gives it: 24 models of the digits example, trained on the local platform."""

import csv
import json
import shutil
import signal
from pathlib import Path

import pytest

from tests.obs.conftest import Moto, moto, moto_server
from tests.support.platform import keys, served

from .calls import kept, start, until

__all__ = ["moto", "moto_server"]

pytest.importorskip("sklearn", reason="the example needs scikit-learn: pip install 'aiomodelarts[examples]'")

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"


# Half a minute of computing, most of it the import of scikit-learn by 24 processes; a busy machine takes its time.
@pytest.mark.timeout(300)
def test_the_readmes_command_trains_24_models_and_names_the_best(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "examples/digits", ignore=shutil.ignore_patterns("results"))
    with start(tmp_path, "sweep", "run", "examples/digits/sweep.toml", "--local") as process:
        out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err
    assert "24 of 24 models trained" in out
    results = tmp_path / "examples/digits/results/digits"
    with (results / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({(row["params_C"], row["params_gamma"]) for row in rows}) == 24
    assert len({row["job_id"] for row in rows}) == 1
    assert len({row["version_id"] for row in rows}) == 24
    accuracies = [float(row["value"]) for row in rows]
    assert len(set(accuracies)) > 10
    best = json.loads((results / "results.json").read_text())["best"]
    assert best["value"] == max(accuracies) > 0.97
    assert f"Best: {best['value']:.6g} in trial {best['trial']}" in out
    outputs = tmp_path / ".aiomodelarts/local/obs/digits/output/digits"
    for row, accuracy in zip(rows, accuracies, strict=True):
        folder = outputs / f"{int(row['trial']):04d}"
        assert (folder / "model.joblib").stat().st_size > 1000
        assert json.loads((folder / "metrics.json").read_text())["val_accuracy"] == pytest.approx(accuracy, abs=1e-4)
    assert len(list((tmp_path / ".aiomodelarts/local/obs/digits/code").glob("*/train.py"))) == 1


@pytest.mark.timeout(300)
def test_killed_and_interrupted_again_and_again_the_same_command_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "digits", ignore=shutil.ignore_patterns("results"))
    file = tmp_path / "digits/sweep.toml"
    all_of_c = "C = { log_float = [0.1, 100], num = 4 }"
    assert all_of_c in file.read_text()
    file.write_text(file.read_text().replace(all_of_c, "C = { choice = [1.0] }"))
    ledger, command = tmp_path / "digits/results/digits/sweep.sqlite", ("sweep", "run", "digits/sweep.toml", "--local")
    for number, blow in enumerate((signal.SIGKILL, signal.SIGINT, signal.SIGKILL)):
        with start(tmp_path, *command) as process:
            until(process, lambda: kept(ledger, "succeeded") > number)  # noqa: B023
            process.send_signal(blow)
            _, err = process.communicate(timeout=60)
        assert "Traceback" not in err
    before = kept(ledger, "succeeded")
    with start(tmp_path, *command) as process:
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert f"Resumed: {before} of 6 done, " in err
    assert "6 of 6 models trained" in out
    trials = json.loads((ledger.parent / "results.json").read_text())["trials"]
    assert [trial["state"] for trial in trials] == ["succeeded"] * 6
    assert len({trial["version_id"] for trial in trials}) == 6
    assert len({trial["job_id"] for trial in trials}) == 1


# A quarter of the models; what is looked at is the way of the code and of the results.
@pytest.mark.timeout(300)
def test_with_another_server_as_obs_the_code_goes_up_once_and_the_best_model_comes_down(
    tmp_path: Path, moto: Moto
) -> None:
    bucket = moto.bucket()
    shutil.copytree(EXAMPLE, tmp_path / "digits", ignore=shutil.ignore_patterns("results"))
    file = tmp_path / "digits/sweep.toml"
    text = file.read_text().replace('"/digits/', f'"/{bucket}/').replace("num = 4", "num = 2")
    text = text.replace("0.0001, 0.0003, 0.001, ", "")
    text = text.replace("log_pattern = 'val_accuracy=([0-9.]+)'", 'json_file = "metrics.json"\nkey = "val_accuracy"')
    file.write_text(text)
    moto.client().put_object(Bucket=bucket, Key="data/", Body=b"")
    moto.counts()
    with served(tmp_path / "platform", "--obs-endpoint", moto.endpoint) as (_, access):
        session = {**keys(access), "AIOMODELARTS_OBS_ENDPOINT": access.obs_endpoint}
        with start(tmp_path, "sweep", "run", "digits/sweep.toml", **session) as process:
            out, err = process.communicate(timeout=250)
        assert process.returncode == 0, err
        assert "6 of 6 models trained" in out
        assert "code: digits/src, 1 file" in err
        counts = moto.counts()
        kept = ["sweep", "results", "digits/sweep.toml", "--download", "best", "--output", "json"]
        with start(tmp_path, *kept, **session) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    sent = [count for asked, count in counts.items() if asked.startswith("PUT") and asked.endswith("/train.py")]
    assert sent == [1]
    best = json.loads(out)["best"]
    place = tmp_path / "digits/results/digits/outputs" / f"{best['trial']:04d}"
    assert (place / "model.joblib").stat().st_size > 1000
    assert json.loads((place / "metrics.json").read_text())["val_accuracy"] == best["value"]
    assert json.loads(out)["downloaded"] == [f"digits/results/digits/outputs/{place.name}"]
