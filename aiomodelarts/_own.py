"""What one run says itself, beside the settings of its estimator. Pure."""

from collections.abc import Mapping
from typing import Any

from .errors import InvalidArgument, nearest
from .hyperparameters import Hyperparameters
from .models.spec import Inputs, RunSettings, TrainingSpec, check_description, obs_path

_ELEMENT = ("hyperparameters", "inputs", "output_path", "job_desc", "intent_id")


def check_element(index: int, element: Any) -> str:
    """What an element of a batch is called in errors; what it holds is checked with the rest of its run.

    Raises:
        InvalidArgument: it is no mapping, or sets what no element may set.
    """
    argument = f"each[{index}]"
    allowed = ", ".join(_ELEMENT)
    if not isinstance(element, Mapping):
        raise InvalidArgument(argument, element, f"it is a mapping that may set {allowed}")
    for name in element:
        if name not in _ELEMENT:
            message = f"an element may set {allowed}"
            raise InvalidArgument(f"{argument}[{name!r}]", element[name], message, nearest=nearest(name, _ELEMENT))
    return argument


def spec_of(
    settings: RunSettings,
    config: Mapping[str, Any],
    description: str,
    inputs: Inputs,
    own: Mapping[str, Any],
    argument: str = "",
    **identity: Any,
) -> TrainingSpec:
    """The intent of one run.

    Args:
        settings: of the estimator.
        config: the same as the service is told them.
        description: of the job, unless the run says its own.
        inputs: what the run reads.
        own: what it says in place of the estimator: ``hyperparameters``, ``output_path``, ``job_desc``, ``intent_id``.
        argument: what ``own`` is called in errors.
        identity: the job and the version that it derives from, or the name of a new job.

    Raises:
        InvalidArgument: for a value that would be refused.
    """
    prefix = f"{argument}." if argument else ""
    output_path, given, job_desc = own.get("output_path"), own.get("hyperparameters"), own.get("job_desc")
    return TrainingSpec(
        inputs=inputs,
        hyperparameters=(
            settings.hyperparameters if given is None else Hyperparameters.of(given, f"{prefix}hyperparameters")
        ),
        output_path=(
            settings.output_path
            if output_path is None
            else obs_path(output_path, f"{prefix}output_path", directory=True)
        ),
        own_path=output_path is not None,
        intent_id=_check_key(own.get("intent_id"), f"{prefix}intent_id"),
        job_desc=description if job_desc is None else check_description(job_desc, f"{prefix}job_desc"),
        config=config,
        **identity,
    )


def _check_key(key: object, argument: str) -> str | None:
    if key is not None and (not isinstance(key, str) or not key):
        raise InvalidArgument(argument, key, "it is text of at least one character")
    return key
