"""Two adapters of one model as one: what a second training with an adapter leaves.

The sum of two low-rank changes is a change of the sum of their ranks, ``s1 B1 A1 + s2 B2 A2 = [s1 B1, s2 B2] [A1; A2]``.
So stacked adapters are one ordinary adapter of the base model, which any tool that knows peft can load.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from attrs import frozen
from safetensors.torch import load_file, save_file
from torch import Tensor

from pairsmith.errors import StageError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PEFT = "base_model.model."
_LOW_RANK = re.compile(r"(?P<module>.+)\.lora_(?P<side>A|B)\.weight")


@frozen
class Adapter:
    """An adapter's files, read."""

    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    @classmethod
    def read(cls, directory: Path) -> "Adapter":
        """Read a directory that peft wrote."""
        config = json.loads((directory / CONFIG).read_text(encoding="utf-8"))
        return cls(config, load_file(directory / WEIGHTS))

    def modules(self) -> list[str]:
        """Return the modules it changes by a low rank."""
        found = (_LOW_RANK.fullmatch(name) for name in self.tensors)
        return sorted({one["module"].removeprefix(_PEFT) for one in found if one})

    def halves(self, module: str) -> tuple[Tensor, Tensor] | None:
        """Return ``A`` ``[r, in]`` and the scaled ``B`` ``[out, r]`` of a module, if it has them."""
        name = f"{_PEFT}{module}"
        if f"{name}.lora_A.weight" not in self.tensors:
            return None
        down, up = self.tensors[f"{name}.lora_A.weight"], self.tensors[f"{name}.lora_B.weight"]
        alpha = _of(self.config.get("alpha_pattern"), module, self.config["lora_alpha"])
        rank = down.shape[0] ** (0.5 if self.config.get("use_rslora") else 1)
        return down, up * (alpha / rank)

    def whole(self) -> dict[str, Tensor]:
        """Return the weights of the modules it holds in full."""
        return {name: value for name, value in self.tensors.items() if not _LOW_RANK.fullmatch(name)}


def check_stackable(first: Path, *, dora: bool) -> None:
    """Refuse, before any model is loaded, to keep an adapter on top of one with which it makes no sum."""
    config = json.loads((first / CONFIG).read_text(encoding="utf-8"))
    if dora or config.get("use_dora"):
        which = "this training's" if dora else "the earlier training's"
        msg = (
            f"train.lora.merge = false: {which} DoRA adapter rescales the weights and cannot be stacked with another; set "
            f"merge = true, here or in the training before"
        )
        raise StageError(msg)


def stack(first: Path, second: Path) -> None:
    """Make the second adapter, which was trained on top of the first, an adapter of the first's base model.

    A module that either holds in full is the second's, which began with the first's.
    """
    below, above = Adapter.read(first), Adapter.read(second)
    tensors = {**below.whole(), **above.whole()}
    ranks = {}
    for module in sorted({*below.modules(), *above.modules()}):
        parts = [found for found in (below.halves(module), above.halves(module)) if found is not None]
        down, up = torch.cat([part[0].float() for part in parts]), torch.cat([part[1].float() for part in parts], 1)
        tensors[f"{_PEFT}{module}.lora_A.weight"] = down.contiguous()
        tensors[f"{_PEFT}{module}.lora_B.weight"] = up.contiguous()
        ranks[module] = down.shape[0]
    most = max(ranks.values())
    fewer = {re.escape(module): rank for module, rank in ranks.items() if rank != most}
    full = {*(below.config.get("modules_to_save") or ()), *(above.config.get("modules_to_save") or ())}
    config = {
        **above.config,
        "base_model_name_or_path": below.config.get("base_model_name_or_path"),
        "r": most,
        "lora_alpha": most,
        "use_rslora": False,
        "rank_pattern": fewer,
        "alpha_pattern": fewer,
        "target_modules": sorted(ranks),
        "modules_to_save": sorted(full) or None,
    }
    save_file(tensors, second / WEIGHTS, metadata={"format": "pt"})
    (second / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _of(pattern: Mapping[str, Any] | None, module: str, otherwise: float) -> float:
    """Return what an adapter's configuration says of a module; peft's patterns match the end of its name."""
    for key, value in (pattern or {}).items():
        if re.fullmatch(rf"(.*\.)?({key})", module):
            return float(value)
    return float(otherwise)
