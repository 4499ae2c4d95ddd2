"""A small sweep file, from which most tests make theirs."""

SWEEP = """\
[sweep]
name = "tiny"
concurrency = 2

[estimator]
framework_type = "PyTorch"
framework_version = "PyTorch-1.0.0-python3.6"
code_dir = "/bucket/src/"
boot_file = "/bucket/src/train.py"
output_path = "/bucket/out/"
inputs = "/bucket/data/"
train_instance_type = "modelarts.vm.cpu.2u"

[space]
layers = { int = [1, 4] }

[search]
algorithm = "grid"

[objective]
log_pattern = 'accuracy=([0-9.]+)'
goal = "maximize"
"""
