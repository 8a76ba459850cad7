"""What is trained: the freeze map or an adapter, and the table that says so before the first step."""

import re
from collections.abc import Mapping
from typing import Any

from torch import nn

from pairsmith.errors import StageError
from pairsmith.interfaces import ModelFamily, Part
from pairsmith_trl.options import TrlOptions


def freeze(model: nn.Module, family: ModelFamily, options: TrlOptions) -> None:
    """Freeze what is not to be trained; an adapter freezes the whole model. Raises where a part has no parameter."""
    model.requires_grad_(False)  # noqa: FBT003 - torch names it differently in its stubs
    if options.lora is not None:
        return
    parts = family.parts()
    for part in options.parts:
        found = [value for name, value in model.named_parameters() if re.match(parts[part], name)]
        if not found:
            msg = f"train.parts: the model has no parameter in its {part} (pattern {parts[part]!r})"
            raise StageError(msg)
        for value in found:
            value.requires_grad_(True)  # noqa: FBT003


def adapter(model: nn.Module, family: ModelFamily, options: TrlOptions) -> Any:  # noqa: ANN401 - a peft.LoraConfig
    """Return the adapter that TRL is to add, or ``None``. Raises where it would cover nothing."""
    from peft import LoraConfig

    lora = options.lora
    if lora is None:
        return None
    targets = family.lora_targets(lora.scope)
    names = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not any(re.fullmatch(targets, name) for name in names):
        msg = f"train.lora.scope = {list(lora.scope)} covers no linear module of the model (pattern {targets!r})"
        raise StageError(msg)
    return LoraConfig(r=lora.r, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets)


def table(model: nn.Module, family: ModelFamily) -> list[str]:
    """Return a line per part: its parameters, and how many of them are trained."""
    patterns: Mapping[Part, str] = family.parts()
    counts: dict[str, list[int]] = {part: [0, 0] for part in (*patterns, "other")}
    for name, value in model.named_parameters():
        plain = name.removeprefix("base_model.model.")
        part = next((part for part, pattern in patterns.items() if re.match(pattern, plain)), "other")
        counts[part][0] += value.numel()
        counts[part][1] += value.numel() if value.requires_grad else 0
    lines = [f"{'part':<16}{'parameters':>14}{'trained':>14}"]
    return lines + [f"{part:<16}{total:>14,}{trained:>14,}" for part, (total, trained) in counts.items() if total]
