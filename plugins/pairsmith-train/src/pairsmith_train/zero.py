"""What DeepSpeed is told: the recipe's options, and what a file of one's own adds to them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pairsmith.errors import StageError
from pairsmith_train.options import TreeOptions

_OURS = {
    "train_batch_size": "batch_size",
    "train_micro_batch_size_per_gpu": "micro_batch_size",
    "gradient_accumulation_steps": "batch_size",
    "gradient_clipping": "max_grad_norm",
    "zero_optimization.stage": "parallel",
    "bf16.enabled": "precision",
    "zero_optimization.offload_optimizer.device": "offload",
    "zero_optimization.offload_param.device": "offload",
}
"""What the recipe decides, by the option that says it."""

_NOT_OURS = {
    "optimizer": "the optimizer is AdamW, by train.learning_rate, betas and weight_decay",
    "scheduler": "the schedule is train.schedule, warmup_steps and warmup_ratio",
    "fp16.enabled": "train.precision is 'fp32' or 'bf16'",
    "checkpoint.writer": "it may write a checkpoint after it was taken for whole",
    "datastates_ckpt": "it may write a checkpoint after it was taken for whole",
}
"""What such a file cannot say, and why."""


def configuration(options: TreeOptions) -> dict[str, Any]:
    """Return DeepSpeed's configuration. Raises where ``train.deepspeed`` contradicts the recipe."""
    own: dict[str, Any] = {
        "train_batch_size": options.batch_size,
        "train_micro_batch_size_per_gpu": options.micro,
        "gradient_accumulation_steps": options.accumulated,
        "gradient_clipping": options.max_grad_norm,
        "zero_optimization": {
            "stage": int(options.parallel[-1]),
            # transformers would gather tied weights twice and then fail to save them; DeepSpeed's own checkpoint resumes.
            "stage3_gather_16bit_weights_on_model_save": False,
            **_offloaded(options),
        },
        "zero_allow_untested_optimizer": True,
        "bf16": {"enabled": options.precision == "bf16"},
    }
    if options.offload != "none":
        own["zero_force_ds_cpu_optimizer"] = False  # torch's AdamW does: DeepSpeed's must be compiled first
    if options.deepspeed is None:
        return own
    given = _read(options.deepspeed)
    _check(own, given, options)
    return _over(own, given)


def _offloaded(options: TreeOptions) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if options.offload != "none":
        found["offload_optimizer"] = {"device": "cpu"}
    if options.offload == "all":
        found["offload_param"] = {"device": "cpu"}
    return found


def _read(path: Path) -> Mapping[str, Any]:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"train.deepspeed = {str(path)!r} cannot be read as JSON: {error}"
        raise StageError(msg) from error
    if not isinstance(given, dict):
        msg = f"train.deepspeed = {str(path)!r} must hold one JSON object, and holds {type(given).__name__}"
        raise StageError(msg)
    return given


def _check(own: Mapping[str, Any], given: Mapping[str, Any], options: TreeOptions) -> None:
    """Refuse two answers to one question. What the file leaves to ``"auto"`` is the recipe's."""
    ours = dict(_leaves(own))
    for name, value in _leaves(given):
        where = f"train.deepspeed = {str(options.deepspeed)!r}: {name!r} is {value!r}"
        for key, why in _NOT_OURS.items():
            if (name == key or name.startswith(f"{key}.")) and value not in (False, "auto"):
                msg = f"{where}, and {why}; leave it out of the file"
                raise StageError(msg)
        said = ours.get(name, "none" if name.endswith(".device") else None)
        if name in _OURS and value not in (said, "auto"):
            msg = f"{where}, and train.{_OURS[name]} makes it {said!r}; change one of them"
            raise StageError(msg)


def _leaves(value: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, one in value.items():
        if isinstance(one, Mapping) and one:
            yield from _leaves(one, f"{within}{name}.")
        else:
            yield f"{within}{name}", one


def _over(own: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the file's settings on top of the recipe's."""
    merged = dict(own)
    for name, value in given.items():
        if isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = _over(merged[name], value)
        elif value != "auto" or name not in merged:
            merged[name] = value
    return merged
