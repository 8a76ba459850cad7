"""The table of what is trained: shown before the first step, and kept in the run directory."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from torch import nn

from pairsmith.errors import StageError
from pairsmith.interfaces import ModelFamily, Part
from pairsmith_train.options import TreeOptions

COPY = ".modules_to_save."
"""In the name of a parameter: peft's copy of a module, which is trained while the module stays as it was."""

_PEFT = "base_model.model."
_ADAPTER = re.compile(r"\.lora_(A|B|magnitude_vector)\.")


@frozen(kw_only=True)
class Row:
    """A part of the model: its parameters, how many numbers of it are trained, at which rate, and how."""

    part: str
    parameters: int
    trained: int
    learning_rate: float | None
    adapter: str


def rows(model: nn.Module, family: ModelFamily, options: TreeOptions) -> list[Row]:
    """Return a row for each part. Raises where nothing would be trained."""
    patterns: Mapping[Part, str] = family.parts()
    counts: dict[str, list[int]] = {part: [0, 0] for part in (*patterns, "other")}
    for name, value in model.named_parameters():
        plain = name.removeprefix(_PEFT)
        part = next((part for part, pattern in patterns.items() if re.match(pattern, plain)), "other")
        added = COPY in name or _ADAPTER.search(name) is not None
        counts[part][0] += 0 if added else numel(value)
        counts[part][1] += numel(value) if value.requires_grad else 0
    if not any(trained for _, trained in counts.values()):
        msg = "nothing of the model would be trained; look at train.parts or train.lora"
        raise StageError(msg)
    return [
        Row(
            part=part,
            parameters=parameters,
            trained=trained,
            learning_rate=_rate(part, options) if trained else None,
            adapter=_how(part, options) if trained else "",
        )
        for part, (parameters, trained) in counts.items()
        if parameters or trained
    ]


def frozen_in_full(model: nn.Module, family: ModelFamily, options: TreeOptions) -> list[str]:
    """Return the parameters of the parts in ``train.lora.full`` that stay as they are: they are in no module of their own."""
    found = [] if options.lora is None else [family.parts()[part] for part in options.lora.full]
    names = [name.removeprefix(_PEFT) for name, _ in model.named_parameters() if ".original_module." not in name]
    return [name for name in names if COPY not in name and any(re.match(pattern, name) for pattern in found)]


def table(found: Sequence[Row]) -> list[str]:
    """Return the rows as lines of text."""
    lines = [f"{'part':<16}{'parameters':>16}{'trained':>14}{'learning rate':>15}  how"]
    for row in found:
        rate = "" if row.learning_rate is None else f"{row.learning_rate:g}"
        line = f"{row.part:<16}{row.parameters:>16,}{row.trained:>14,}{rate:>15}  {row.adapter}"
        lines.append(line.rstrip())
    return lines


def numel(value: Any) -> int:  # noqa: ANN401 - a parameter: ZeRO's are empty shells, and quantised ones packed
    """Return how many numbers a parameter holds."""
    packed = getattr(value, "quant_state", None)
    if packed is not None:
        size: int = packed.shape.numel()
        return size
    return int(getattr(value, "ds_numel", value.numel()))


def _rate(part: str, options: TreeOptions) -> float:
    lora = options.lora
    own = lora is not None and part in lora.full and lora.full_learning_rate is not None
    return lora.full_learning_rate if own else options.learning_rate  # type: ignore[union-attr,return-value]


def _how(part: str, options: TreeOptions) -> str:
    if options.lora is None or part in options.lora.full:
        return "in full"
    return f"{'DoRA' if options.lora.dora else 'LoRA'} of rank {options.lora.r}"
