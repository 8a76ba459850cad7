"""What training refuses rather than does silently."""

from collections.abc import Mapping

import torch
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.interfaces import Job, LogProbs, Loss
from pairsmith.usable import enough
from pairsmith.values import Cell
from pairsmith_train.adapters import check_stackable
from pairsmith_train.engine import device
from pairsmith_train.options import TreeOptions
from pairsmith_train.passes import check_separable
from pairsmith_train.prepare import QUANTISED, covered

TOLERANCE = {"fp32": 1e-3, "bf16": 5e-2, "float32": 5e-2, "bfloat16": 5e-2, "float16": 5e-2}
"""How far the first loss may be from the one of policy = reference: rounding, relative to 1 + its size."""


def readable(job: Job, options: TreeOptions) -> None:
    """Refuse, before any model is loaded, ways to read it that it or the device does not have."""
    attention = getattr(getattr(job.family, "options", None), "attention", None)
    separate = getattr(job.family, "why_separate", None)
    if attention == "flex" and device(options) == "cpu":
        msg = (
            "[model] attention = 'flex' needs a CUDA device to train on: torch's FlexAttention has no backward pass on a "
            "CPU; set attention = 'auto', which takes it where it runs"
        )
        raise StageError(msg)
    if attention == "flex" and separate is not None:
        msg = f"[model] attention = 'flex' is for trees, and this model is read path by path ({separate}); set 'auto'"
        raise StageError(msg)
    if options.cache_image_features and (separate is not None or not hasattr(job.family, "encode")):
        msg = (
            f"train.cache_image_features = true: this model does not encode images apart from what is asked about them "
            f"({separate or 'its family has no way to'}); leave it out"
        )
        raise StageError(msg)


def computable(loss: Loss, options: TreeOptions) -> None:
    """Refuse a loss that cannot be computed as the recipe trains."""
    if options.pack_tokens is not None:
        check_separable(loss)
    if options.parallel == "zero3" and options.lora is None and getattr(loss, "uses_kl", False):
        msg = (
            "train.parallel = 'zero3' cannot hold the reference model that the loss needs in every step; take 'zero2', "
            "or train an adapter, [train.lora], whose base is the reference"
        )
        raise StageError(msg)


def possible(job: Job, options: TreeOptions) -> None:
    """Refuse, before any model is loaded, what cannot come out right."""
    readable(job, options)
    computable(job.loss, options)
    lora, before = options.lora, job.weights.adapter
    rounded = getattr(getattr(job.family, "options", None), "quantization", "none") != "none"
    if rounded and lora is None:
        raise StageError(QUANTISED)
    if rounded and before is not None:
        msg = (
            "the training before left an adapter, and it cannot go into quantised weights without rounding it away; train "
            "both with one [train], or leave out 'quantization' in [model]"
        )
        raise StageError(msg)
    if options.parallel in {"zero3", "fsdp2"} and before is not None:
        msg = (
            f"train.parallel = {options.parallel!r} cannot merge the adapter that the training before left: no process has "
            f"the whole model. Set merge = true in that training's [train.lora], or take 'zero2' here"
        )
        raise StageError(msg)
    if lora is not None and before is not None and not lora.merge:
        check_stackable(before, dora=lora.dora)
    enough(len(job.items), len(job.items), options.batch_size)
    skeleton = getattr(job.family, "skeleton", None)
    if skeleton is not None:
        covered(skeleton(job.weights), job.family, options)


def first_step(loss: Loss, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs], precision: str) -> None:
    """Check that the first loss is the one that policy = reference implies (ln 2 for DPO).

    If it is not, the stored reference belongs to another model, template or length limit, and training would follow the
    difference between the two instead of the preferences.
    """
    with torch.no_grad():
        got = loss(policy, reference).loss.mean().item()
        expected = loss(policy, policy).loss.mean().item()
    if not abs(got - expected) <= TOLERANCE[precision] * (1 + abs(expected)):
        msg = (
            f"the first loss is {got:.4f} and a policy that equals its reference gives {expected:.4f}: the stored reference "
            f"log-probabilities are not this model's. Delete the reference stage of the run and run again"
        )
        raise StageError(msg)


def sums_suffice(loss: Loss) -> bool:
    """Tell whether a loss reads no more of the reference than sums and means over answers. It is asked, on made numbers."""
    dice = torch.Generator().manual_seed(0)
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]]).bool()

    def drawn() -> dict[Cell, LogProbs]:
        made = {}
        for cell in loss.cells:
            ids = torch.randint(50, mask.shape, generator=dice).masked_fill(~mask, -1)
            tokens, kl = (torch.rand(mask.shape, generator=dice) * mask for _ in range(2))
            made[cell] = LogProbs(-4 * tokens, mask, ids, kl)
        return made

    policy, reference = drawn(), drawn()
    spread = {cell: evolve(one, tokens=one.mean[:, None] * mask) for cell, one in reference.items()}
    return torch.allclose(loss(policy, reference).loss, loss(policy, spread).loss, atol=1e-5)
