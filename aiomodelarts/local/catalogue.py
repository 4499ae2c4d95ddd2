"""Specifications, engines and built-in algorithms, under the names of the documents' samples."""

import json

from attrs import frozen

from aiomodelarts._wire.message import JsonObject


@frozen
class Spec:
    """A resource specification; ``core`` and ``cpu`` (gigabytes of memory) are told, not enforced."""

    spec_id: int
    code: str
    core: int
    cpu: int
    gpu_num: int = 0
    gpu_type: str = ""
    max_num: int = 2


@frozen
class Engine:
    """An engine; whatever its name, scripts run under the platform's own interpreter."""

    engine_id: int
    engine_type: int
    name: str
    version: str


@frozen
class Algorithm:
    """A built-in algorithm, as the catalogue describes it."""

    model_id: int
    name: str
    usage: int
    engine_id: int
    precision: str
    dataset: str
    parameters: tuple[tuple[str, str], ...]


SPECS = {
    spec.spec_id: spec
    for spec in (
        Spec(1, "modelarts.vm.cpu.8u", 8, 32, max_num=16),
        Spec(2, "modelarts.vm.cpu.2u", 2, 8, max_num=2),
        Spec(3, "modelarts.vm.gpu.p100", 8, 64, 1, "nvidia-p100", max_num=8),
        Spec(4, "modelarts.vm.gpu.v100", 8, 64, 1, "nvidia-v100", max_num=8),
        Spec(5, "modelarts.vm.gpu.2.v100", 16, 128, 2, "nvidia-v100", max_num=8),
        Spec(6, "modelarts.vm.gpu.4.v100", 32, 256, 4, "nvidia-v100", max_num=8),
        Spec(7, "modelarts.vm.gpu.8.v100", 64, 512, 8, "nvidia-v100", max_num=8),
        Spec(8, "modelarts.vm.cpu.4u", 4, 16, max_num=16),
    )
}

ENGINES = {
    engine.engine_id: engine
    for engine in (
        Engine(1, 1, "TensorFlow", "TF-1.4.0-python2.7"),
        Engine(2, 1, "TensorFlow", "TF-1.4.0-python3.6"),
        Engine(3, 1, "TensorFlow", "TF-1.8.0-python2.7"),
        Engine(4, 1, "TensorFlow", "TF-1.8.0-python3.6"),
        Engine(5, 1, "TensorFlow", "TF-1.13.1-python2.7"),
        Engine(6, 1, "TensorFlow", "TF-1.13.1-python3.6"),
        Engine(7, 1, "TensorFlow", "TF-2.1.0-python3.6"),
        Engine(501, 2, "MXNet", "MXNet-1.2.1-python2.7"),
        Engine(502, 2, "MXNet", "MXNet-1.2.1-python3.6"),
        Engine(601, 3, "Ray", "Ray-0.7.4-python3.6"),
        Engine(701, 4, "Caffe", "Caffe-1.0.0-python2.7"),
        Engine(801, 5, "Spark_MLlib", "Spark-2.3.2-python2.7"),
        Engine(802, 5, "Spark_MLlib", "Spark-2.3.2-python3.6"),
        Engine(901, 9, "XGBoost-Sklearn", "XGBoost-0.80-Sklearn-0.18.1-python2.7"),
        Engine(902, 9, "XGBoost-Sklearn", "XGBoost-0.80-Sklearn-0.18.1-python3.6"),
        Engine(1001, 10, "PyTorch", "PyTorch-1.0.0-python2.7"),
        Engine(1002, 10, "PyTorch", "PyTorch-1.0.0-python3.6"),
        Engine(1003, 10, "PyTorch", "PyTorch-1.3.0-python3.6"),
        Engine(1004, 10, "PyTorch", "PyTorch-1.4.0-python3.6"),
        Engine(1201, 12, "Horovod", "Horovod-0.16.2-TF-1.13.1-python3.6"),
        Engine(1701, 17, "MindSpore-GPU", "MindSpore-1.1.0-python3.7"),
    )
}

CLASSIFICATION, DETECTION, SEGMENTATION, OTHER = 1, 2, 3, 4
_COMMON = (("batch_size", "4"), ("lr", "0.0001"), ("num_classes", ""), ("num_epoch", "10"))
_FAMILIES = (
    (
        CLASSIFICATION,
        "ImageNet, 1,000 classes for image classification",
        ("ResNet_v1", "ResNet_v2"),
        (18, 34, 50, 101, 152),
    ),
    (
        CLASSIFICATION,
        "ImageNet, 1,000 classes for image classification",
        ("VGG", "DenseNet"),
        (11, 13, 16, 19, 121, 169),
    ),
    (
        DETECTION,
        "PASCAL VOC2007, 20 classes for object detection",
        ("Faster_RCNN_ResNet_v2", "SSD_ResNet_v1"),
        (50, 101),
    ),
    (
        SEGMENTATION,
        "PASCAL VOC2012, 21 classes for segmentation",
        ("DeepLab_ResNet_v2", "FCN_ResNet_v1"),
        (50, 101, 152),
    ),
    (OTHER, "Sessions of recorded games", ("DQN", "PPO"), (1, 2, 3, 4, 5)),
)


def _algorithms() -> dict[int, Algorithm]:
    named = {4: ("ResNet_v2_50", CLASSIFICATION, 0), 5: ("Faster_RCNN_ResNet_v2_101", DETECTION, 2)}
    others = [
        (f"{family}_{size}", usage, index)
        for index, (usage, _, families, sizes) in enumerate(_FAMILIES)
        for family in families
        for size in sizes
    ]
    taken = {name for name, _, _ in named.values()}
    rest = iter([entry for entry in others if entry[0] not in taken])
    total = len(others)
    entries = {model_id: named.get(model_id) or next(rest) for model_id in range(1, total + 1)}
    return {
        model_id: Algorithm(
            model_id,
            name,
            usage,
            501,
            f"{70 + model_id % 25}.{model_id % 10}5%(top1)",
            _FAMILIES[family][1],
            _COMMON,
        )
        for model_id, (name, usage, family) in entries.items()
    }


ALGORITHMS = _algorithms()
ALGORITHMS_CREATED_MS = 1522218780025


def spec_row(spec: Spec) -> JsonObject:
    """One row of the list of specifications, where core and memory are text."""
    return {
        "spec_id": spec.spec_id,
        "core": str(spec.core),
        "cpu": str(spec.cpu),
        "gpu_num": spec.gpu_num,
        "gpu_type": spec.gpu_type,
        "spec_code": spec.code,
        "unit_num": 1,
        "max_num": spec.max_num,
        "storage": "",
        "interface_type": 1,
        "no_resource": False,
    }


def engine_row(engine: Engine) -> JsonObject:
    return {
        "engine_type": engine.engine_type,
        "engine_id": engine.engine_id,
        "engine_name": engine.name,
        "engine_version": engine.version,
    }


def algorithm_row(algorithm: Algorithm) -> JsonObject:
    """One row of the list of algorithms, whose parameters are text that holds JSON."""
    engine = ENGINES[algorithm.engine_id]
    parameters = [
        {"label": label, "value": value, "placeholder_cn": "", "placeholder_en": "", "required": True}
        for label, value in algorithm.parameters
    ]
    return {
        "model_id": algorithm.model_id,
        "model_name": algorithm.name,
        "model_usage": algorithm.usage,
        "model_precision": algorithm.precision,
        "model_size": 40_000_000 + algorithm.model_id * 1_234_567,
        "model_train_dataset": algorithm.dataset,
        "model_dataset_format": "shape: [H>=32, W>=32, C>=1]; type: int8",
        "model_description_url": f"https://example.com/algorithms/{algorithm.name}",
        "parameter": json.dumps(parameters, separators=(",", ":")),
        "create_time": ALGORITHMS_CREATED_MS + algorithm.model_id,
        "engine_id": engine.engine_id,
        "engine_name": engine.name,
        "engine_version": engine.version,
    }
