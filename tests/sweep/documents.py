"""A sweep file that is good, others that differ from it, and what is said of them."""

from pathlib import Path

import pytest

from aiomodelarts.sweep.description.config import SweepConfig, parse
from aiomodelarts.sweep.problems import SweepFileError

GOOD = """\
[sweep]
name = "digits"
concurrency = 3

[estimator]
train_instance_type = "modelarts.vm.cpu.2u"
output_path = "/bucket/out/"
code_dir = "/bucket/src/"
boot_file = "/bucket/src/train.py"
framework_type = "PyTorch"
framework_version = "PyTorch-1.0.0-python3.6"
inputs = "/bucket/data/"
hyperparameters = { epochs = 3 }

[space]
lr = { log_float = [1e-4, 1e-1], num = 4 }
layers = { int = [1, 4] }

[search]
algorithm = "grid"

[objective]
log_pattern = 'accuracy=([0-9.]+)'
goal = "maximize"
"""


def read(text: str, folder: Path = Path("here")) -> SweepConfig:
    """What a sweep file with this text says."""
    return parse(text, file="sweep.toml", folder=folder)


def changed(old: str, new: str) -> str:
    """The good file with other words in one place."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


def complaint(text: str, folder: Path = Path("here")) -> str:
    """What is said of a file with this text."""
    with pytest.raises(SweepFileError) as caught:
        read(text, folder)
    return str(caught.value)
