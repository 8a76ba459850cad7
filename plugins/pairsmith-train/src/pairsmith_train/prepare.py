"""What is trained: the freeze map, or an adapter with the parts that are trained in full beside it."""

import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from pairsmith.errors import StageError
from pairsmith.interfaces import ModelFamily
from pairsmith_train import low_rank
from pairsmith_train.options import LoraOptions, Part, TreeOptions

QUANTISED = (
    "the model is loaded quantised, and rounded weights cannot be trained; train an adapter, [train.lora], or leave out "
    "'quantization' in [model]"
)
_CONTAINERS = (nn.ModuleList, nn.ModuleDict)


def prepare(model: nn.Module, family: ModelFamily, options: TreeOptions) -> nn.Module:
    """Freeze what is not to be trained, or add an adapter. Raises where nothing would be trained of what was asked for."""
    model.requires_grad_(False)  # noqa: FBT003 - torch names it differently in its stubs
    if options.lora is not None:
        return _adapter(model, family, options.lora)
    if quantised(model):
        raise StageError(QUANTISED)
    for part in options.parts:
        for value in _parameters(model, family, part):
            value.requires_grad_(True)  # noqa: FBT003
    return model


def covered(model: nn.Module, family: ModelFamily, options: TreeOptions) -> None:
    """Raise where the parts or the adapter that a recipe names are not in a model, which needs no weights for it."""
    if options.lora is not None:
        _targets(model, family, options.lora)
        list(in_full(model, family, options.lora))
    else:
        for part in options.parts:
            _parameters(model, family, part)


def _parameters(model: nn.Module, family: ModelFamily, part: Part) -> list[nn.Parameter]:
    pattern = family.parts()[part]
    found = [value for name, value in model.named_parameters() if re.match(pattern, name)]
    if not found:
        msg = f"train.parts: the model has no parameter in its {part} (pattern {pattern!r})"
        raise StageError(msg)
    return found


def quantised(model: nn.Module) -> bool:
    """Tell whether a model's weights are rounded to a few bits."""
    return bool(getattr(model, "is_quantized", False))


def steady(model: nn.Module) -> nn.Module:
    """Return a model whose norms and head are in float32 where the rest is quantised, as QLoRA trains (arXiv 2305.14314).

    The reference goes through this as well: policy and reference must round alike.
    """
    if not quantised(model):
        return model
    from peft import prepare_model_for_kbit_training

    prepared: nn.Module = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    return prepared


def _adapter(model: nn.Module, family: ModelFamily, lora: LoraOptions) -> nn.Module:
    from peft import LoraConfig, get_peft_model

    if lora.merge and quantised(model) and not hasattr(family, "whole"):
        msg = "train.lora.merge = true: an adapter cannot be merged into quantised weights without rounding it away; keep it"
        raise StageError(msg)
    targets = _targets(model, family, lora)
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        use_dora=lora.dora,
        modules_to_save=list(in_full(model, family, lora)) or None,
    )
    adapted: Any = get_peft_model(model, config)
    for value in adapted.parameters():
        if value.requires_grad and value.dtype in {torch.bfloat16, torch.float16} and not hasattr(value, "ds_numel"):
            value.data = value.data.float()  # steps are smaller than what bfloat16 can tell apart
    return low_rank.join(adapted)


def _targets(model: nn.Module, family: ModelFamily, lora: LoraOptions) -> str:
    """Return a regular expression for the modules that get an adapter. Raises where it would cover none of a name's."""
    targets = family.lora_targets(lora.scope)
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    covered = [name for name in names if re.fullmatch(targets, name)]
    if not covered:
        msg = f"train.lora.scope = {list(lora.scope)} covers no linear module of the model (pattern {targets!r})"
        raise StageError(msg)
    for part, pattern in family.parts().items():
        unasked = [name for name in covered if part not in lora.scope and re.match(pattern, f"{name}.weight")]
        if unasked:
            msg = (
                f"train.lora.scope = {list(lora.scope)} would adapt {unasked[0]!r} and {len(unasked) - 1} more modules of "
                f"the model's {part} (pattern {targets!r}); put {part!r} into the scope if this is meant"
            )
            raise StageError(msg)
    if not lora.modules:
        return targets
    there = sorted({name.rpartition(".")[2] for name in covered})
    strangers = [name for name in lora.modules if name not in there]
    if strangers:
        msg = (
            f"train.lora.modules: no linear module in scope has the name {strangers[0]!r}; there are {', '.join(there)}"
        )
        raise StageError(msg)
    return rf"(?={targets}$)(.*\.)?({'|'.join(map(re.escape, lora.modules))})"


def in_full(model: nn.Module, family: ModelFamily, lora: LoraOptions) -> Iterator[str]:
    """Yield the names of the modules that are trained in full beside an adapter.

    peft keeps a copy of each for that. So without its adapter the model is still the reference, and the trained copy is
    saved and loaded with the adapter. Raises where a part has no module of its own.
    """
    for part in lora.full:
        found = list(_whole(model, "", family.parts()[part]))
        if not found:
            msg = f"train.lora.full: the model has no module that is its {part} (pattern {family.parts()[part]!r})"
            raise StageError(msg)
        if any(not value.is_floating_point() for name in found for value in model.get_submodule(name).parameters()):
            msg = f"train.lora.full: the {part} is quantised and cannot be trained in full; put it in 'scope' instead"
            raise StageError(msg)
        yield from found


def _whole(module: nn.Module, name: str, pattern: str) -> Iterator[str]:
    """Yield the outermost modules all of whose parameters match."""
    within = [f"{name}.{parameter}" for parameter, _ in module.named_parameters()]
    if name and within and not isinstance(module, _CONTAINERS) and all(re.match(pattern, one) for one in within):
        yield name
        return
    for child, below in module.named_children():
        yield from _whole(below, f"{name}.{child}" if name else child, pattern)
