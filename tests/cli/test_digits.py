"""The main job, as the README gives it: 24 models of the digits example, trained on the local platform."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from .test_command import start

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
