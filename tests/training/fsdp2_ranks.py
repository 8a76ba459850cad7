"""A process of a training under FSDP2 on CPUs: ``torchrun fsdp2_ranks.py FOLDER WAY ...``.

accelerate shards models on accelerators only and takes plain DDP on a CPU without a word. Here it is told that its processes
are of FSDP: what then shards, gathers, saves and loads is accelerate's and torch's own code, on gloo.
"""

import os
import sys
from pathlib import Path
from typing import Any

import torch
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType
from torch.distributed.tensor import DTensor

from jobs import make_family, make_items, make_job, train
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.options import DpoOptions
from pairsmith_train.options import HeldOutOptions, LoraOptions
from pairsmith_train.scorer import Scorer

SHARED: dict[str, Any] = {"epochs": 2.0, "save_steps": 1}
WAYS: dict[str, dict[str, Any]] = {
    "adapter": {
        "lora": LoraOptions(r=2, full=("projector",), full_learning_rate=1e-3),
        "held_out": HeldOutOptions(share=0.25, every=1, best=True),
        "gradient_checkpointing": True,
        "batch_size": 2,
    },
    "full": {"parts": ("vision", "projector", "language-model"), "learning_rate": 1e-3},
}
CUT = 3
"""The step in whose forward pass the cut trainings end."""


class Cut(Exception):
    pass


class Ends(Dpo):
    """Ends the training in the forward pass of a step."""

    def __init__(self) -> None:
        super().__init__(DpoOptions(), None)
        self.taken = 0

    def __call__(self, policy, reference):
        self.taken += torch.is_grad_enabled()  # and not in the check of the first step
        if self.taken == CUT:
            raise Cut
        return super().__call__(policy, reference)


def tell_accelerate() -> None:
    initial = AcceleratorState.__init__

    def sharding(self: AcceleratorState, *given: Any, fsdp_plugin: Any = None, **more: Any) -> None:
        initial(self, *given, fsdp_plugin=fsdp_plugin, **more)
        if fsdp_plugin is not None:
            self.fsdp_plugin = fsdp_plugin
            self.distributed_type = PartialState._shared_state["distributed_type"] = DistributedType.FSDP

    AcceleratorState.__init__ = sharding


def watch_shards() -> None:
    """Fail where a process holds a whole weight: what runs is then not what was asked for."""
    forward = Scorer.forward

    def watched(self: Scorer, batch: Any) -> Any:
        if torch.is_grad_enabled():
            layer = next(value for name, value in self.named_parameters() if "layers.0.mlp" in name)
            held = layer.to_local().numel() if isinstance(layer, DTensor) else layer.numel()
            assert held * 2 == layer.numel(), "not sharded"
        return forward(self, batch)

    Scorer.forward = watched


def main() -> None:
    folder = Path(sys.argv[1])
    mine = folder / f"rank{os.environ['RANK']}"
    tell_accelerate()
    watch_shards()
    family, items = make_family(mine / "family"), make_items(mine / "items")
    for way in sys.argv[2:]:
        options = {**SHARED, **WAYS[way], "parallel": "fsdp2", "processes": 2}
        train(make_job(folder / way, family, items), **options)
        try:
            train(make_job(folder / f"{way}-cut", family, items, loss=Ends()), **options)
        except Cut:
            train(make_job(folder / f"{way}-cut", family, items), **options)


if __name__ == "__main__":
    main()
