"""What training refuses rather than does silently."""

from collections.abc import Callable, Mapping, Sequence

import torch

from pairsmith.errors import StageError
from pairsmith.interfaces import LogProbs, Loss
from pairsmith.values import Cell, Item
from pairsmith_train.encode import Encoder

_SHOWN = 5
TOLERANCE = {"fp32": 1e-3, "bf16": 5e-2}
"""How far the first loss may be from the one of policy = reference: rounding, relative to 1 + its size."""


def usable(items: Sequence[Item], encoder: Encoder, batch_size: int, say: Callable[[str], None]) -> list[int]:
    """Return the indices of the items that can be trained on; say by name what is left out or cut.

    Raises where fewer are left than make a batch.
    """
    kept, left_out, cut = [], [], 0
    for index, item in enumerate(items):
        why = encoder.fits(item)
        if why is None:
            kept.append(index)
            cut += encoder.limit is not None and encoder.cut and encoder.is_cut(item)
        else:
            left_out.append(f"{item.id}: {why}")
    for line in left_out[:_SHOWN]:
        say(f"left out {line}")
    if len(left_out) > _SHOWN:
        say(f"left out {len(left_out)} items in all")
    if cut:
        say(f"cut the answers of {cut} items at {encoder.limit} tokens")
    if len(kept) < batch_size:
        msg = (
            f"{len(kept)} of {len(items)} items can be trained on, fewer than one step of train.batch_size = {batch_size}; "
            f"make more pairs or set a smaller batch_size"
        )
        raise StageError(msg)
    return kept


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
