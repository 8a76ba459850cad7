"""A tree read path by path, for models whose attention, positions or state do not allow to read it as one sequence."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pairsmith.interfaces import TreeBatch

COUNTS = "counts"
"""Of each image ``[1, 1 + inputs]``: its features, and the rows of each of its inputs, by name."""


def hidden_states(model: Any, batch: TreeBatch, kinds: Sequence[str]) -> Tensor:  # noqa: ANN401 - without its head
    """Return the hidden states of a tree ``[B, L, hidden]``, every path of it a sequence of its own in one batch.

    The model makes its own masks and positions. ``kinds`` are the inputs that say which tokens are an image's.
    """
    found = paths(batch.sees)
    longest = max(len(nodes) for _, nodes in found)
    ids = torch.zeros(len(found), longest, dtype=torch.long, device=batch.tokens.device)
    mask, image = torch.zeros_like(ids), torch.zeros_like(ids)
    for number, (row, nodes) in enumerate(found):
        ids[number, : len(nodes)] = batch.tokens[row, nodes]
        mask[number, : len(nodes)] = 1
        image[number, : len(nodes)] = (batch.features[row, nodes] >= 0).long()
    read = model(
        input_ids=ids,
        attention_mask=mask,
        use_cache=False,
        **dict.fromkeys(kinds, image),
        **_images([batch.features[row, nodes] for row, nodes in found], batch.images),
    ).last_hidden_state
    hidden: Tensor = read.new_zeros(*batch.tokens.shape, read.shape[-1])
    for number, (row, nodes) in enumerate(found):
        hidden[row, nodes] = read[number, : len(nodes)]
    return hidden


def paths(sees: Tensor) -> list[tuple[int, Tensor]]:
    """Return the row and the nodes of every path of a batch of trees; padding, which sees itself only, is none.

    >>> tree = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]).bool()
    >>> [(row, nodes.tolist()) for row, nodes in paths(tree[None])]
    [(0, [0, 1]), (0, [0, 2])]
    """
    others = sees & ~torch.eye(sees.shape[-1], dtype=torch.bool, device=sees.device)
    ends = others.any(2) & ~others.any(1)
    return [(row, sees[row, end].nonzero()[:, 0]) for row, end in ends.nonzero().tolist()]


def _images(features: Sequence[Tensor], images: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the inputs of the images of all paths, in the order in which the paths show them."""
    if not images:
        return {}
    names = sorted(set(images) - {COUNTS})
    sizes, *rows = images[COUNTS].T.tolist()
    starts = (torch.tensor(sizes).cumsum(0) - torch.tensor(sizes)).tolist()
    number = {start: image for image, start in enumerate(starts)}
    shown = [number[one] for path in features for one in path.tolist() if one in number]
    split = {name: torch.split(images[name], counts) for name, counts in zip(names, rows, strict=True)}
    return {name: torch.cat([split[name][image] for image in shown]) for name in names}
