"""Several pairs in one sequence: a step's pairs are divided into passes by their tokens, not by their number.

In a batch of rows the longest says how long all are, and the rest is padding. A pass is one row instead: whole trees, one
behind the other, of which none sees another, as many as a budget of tokens holds. Nothing is padded, and a pass costs
about as much as any other. What a step computes stays what it was: the same pairs, each with the same weight.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from accelerate.utils import DistributedType
from attrs import evolve
from torch import Tensor

from pairsmith.errors import StageError
from pairsmith.interfaces import LogProbs, Loss

Passes = Mapping[str, Any]
PASSES, SHARE = "passes", "share"


def divide(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Return which trees go together, each group of at most ``budget`` tokens, and larger only if it is one tree.

    First fit, the longest first: never more than 11/9 of the fewest groups there could be, and one (Dosa 2007).

    >>> divide([500, 900, 400, 100, 90], 1000)
    [[0, 2, 4], [1, 3]]
    >>> divide([2000, 10], 1000)
    [[0], [1]]
    """
    groups: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        fits = next((number for number, left in enumerate(room) if lengths[index] <= left), None)
        if fits is None:
            groups.append([index])
            room.append(budget - lengths[index])
        else:
            groups[fits].append(index)
            room[fits] -= lengths[index]
    return sorted(sorted(group) for group in groups)


def check_separable(loss: Loss) -> None:
    """Raise where a loss looks at the pairs of a pass together: it would depend on which these are."""
    dice = torch.Generator().manual_seed(0)
    short, long = torch.tensor([[1, 1, 0], [1, 1, 1]]).bool(), torch.tensor([[1, 1, 1], [1, 0, 0]]).bool()

    def drawn(mask: Tensor) -> LogProbs:
        ids = torch.randint(50, mask.shape, generator=dice).masked_fill(~mask, -1)
        tokens, kl = (torch.rand(mask.shape, generator=dice) * mask for _ in range(2))
        return LogProbs(-20 * tokens, mask, ids, kl)

    one = {cell: drawn(short if cell.response == "chosen" else long) for cell in loss.cells}
    # Both ways, for an average may count only where it is positive.
    other = {cell: evolve(it, tokens=it.tokens * torch.rand(it.mask.shape, generator=dice)) for cell, it in one.items()}
    for policy, known in ((one, other), (other, one)):
        reference = known if loss.uses_reference else {}
        together = loss(policy, reference).loss
        alone = torch.cat([loss(_row(policy, row), _row(reference, row)).loss for row in range(2)])
        if torch.allclose(together, alone, atol=1e-5):
            continue
        msg = (
            "train.pack_tokens divides the pairs of a step by their length, and this loss of a pair depends on the pairs "
            "beside it, for it averages over tokens or over the batch; leave it out, or let each pair count by itself"
        )
        raise StageError(msg)


def _row(cells: Mapping[Any, LogProbs], row: int) -> dict[Any, LogProbs]:
    def only(values: Tensor | None) -> Any:  # noqa: ANN401 - what it was given, or nothing
        return None if values is None else values[row : row + 1]

    return {cell: LogProbs(only(o.tokens), only(o.mask), only(o.ids), only(o.kl)) for cell, o in cells.items()}


def run(accelerator: Any, model: Any, step: Passes, backward: Callable[[Mapping[str, Any]], Tensor]) -> Tensor:  # noqa: ANN401
    """Run the passes of a step and return its loss; gradients are exchanged between processes once, after the last.

    Processes whose pairs take fewer passes than another's repeat one with no weight: each pass may need them all.
    """
    mine = step[PASSES]
    count = torch.tensor(len(mine), device=accelerator.device)
    if accelerator.num_processes > 1:
        torch.distributed.all_reduce(count, torch.distributed.ReduceOp.MAX)
    losses = []
    for number in range(int(count)):
        last = number == int(count) - 1
        one = mine[number] if number < len(mine) else {**mine[0], SHARE: mine[0][SHARE] * 0}
        waits = not last and accelerator.distributed_type != DistributedType.DEEPSPEED
        accelerator.gradient_state._set_sync_gradients(last)  # noqa: SLF001 - as transformers does between its own passes
        with accelerator.no_sync(model) if waits else nullcontext():
            losses.append(backward(one))
    return torch.stack(losses).sum()


def weighted(watched: Sequence[Mapping[str, float]], shares: Sequence[float]) -> dict[str, float]:
    """Return the means of what was watched in passes that hold these shares of a step's pairs.

    >>> weighted([{"margin": 1.0}, {"margin": 4.0}], [0.75, 0.25])
    {'margin': 1.75}
    """
    names = watched[0] if watched else {}
    return {
        name: sum(share * one[name] for one, share in zip(watched, shares, strict=True)) / sum(shares) for name in names
    }
