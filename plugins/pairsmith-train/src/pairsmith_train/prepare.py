"""What is trained: the freeze map or an adapter, and the table that says so before the first step."""

import re
from collections.abc import Mapping

from torch import nn

from pairsmith.errors import StageError
from pairsmith.interfaces import ModelFamily, Part
from pairsmith_train.options import TreeOptions


def prepare(model: nn.Module, family: ModelFamily, options: TreeOptions) -> nn.Module:
    """Freeze what is not to be trained, or add an adapter. Raises where nothing would be trained of what was asked for."""
    model.requires_grad_(False)  # noqa: FBT003 - torch names it differently in its stubs
    if options.lora is not None:
        return _adapter(model, family, options)
    parts = family.parts()
    for part in options.parts:
        found = [value for name, value in model.named_parameters() if re.match(parts[part], name)]
        if not found:
            msg = f"train.parts: the model has no parameter in its {part} (pattern {parts[part]!r})"
            raise StageError(msg)
        for value in found:
            value.requires_grad_(True)  # noqa: FBT003
    return model


def _adapter(model: nn.Module, family: ModelFamily, options: TreeOptions) -> nn.Module:
    from peft import LoraConfig, get_peft_model

    lora = options.lora
    assert lora is not None
    targets = family.lora_targets(lora.scope)
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not any(re.fullmatch(targets, name) for name in names):
        msg = f"train.lora.scope = {list(lora.scope)} covers no linear module of the model (pattern {targets!r})"
        raise StageError(msg)
    config = LoraConfig(r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets)
    adapted: nn.Module = get_peft_model(model, config)
    return adapted


def table(model: nn.Module, family: ModelFamily) -> list[str]:
    """Return a line per part: its parameters, and how many of them are trained."""
    counts: dict[str, list[int]] = {part: [0, 0] for part in (*family.parts(), "other")}
    patterns: Mapping[Part, str] = family.parts()
    for name, value in model.named_parameters():
        plain = name.removeprefix("base_model.model.")
        part = next((part for part, pattern in patterns.items() if re.match(pattern, plain)), "other")
        number = getattr(value, "ds_numel", value.numel())  # ZeRO-3 leaves an empty shell where a parameter was
        counts[part][0] += number
        counts[part][1] += number if value.requires_grad else 0
    lines = [f"{'part':<16}{'parameters':>14}{'trained':>14}"]
    lines += [f"{part:<16}{total:>14,}{trained:>14,}" for part, (total, trained) in counts.items() if total]
    if not any(trained for _, trained in counts.values()):
        msg = "nothing of the model would be trained; look at train.parts or train.lora"
        raise StageError(msg)
    return lines
