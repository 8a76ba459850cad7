"""Packs items into batches of trees. Everything in them is a tensor, so accelerate can move it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from attrs import frozen
from torch import Tensor

from pairsmith.interfaces import Codec, LogProbs, TreeBatch
from pairsmith.values import Cell, Item
from pairsmith_train.encode import Encoder, Pixels, stacked
from pairsmith_train.features import FeatureStore, features_of
from pairsmith_train.passes import PASSES, SHARE, divide
from pairsmith_train.tree import Tree, grow

Reference = Mapping[str, Sequence[float]]
Batch = dict[str, Any]


@frozen
class Collator:
    """Makes a batch of ``(item, its reference log-probabilities or None)``.

    The batch holds a :class:`TreeBatch`'s tensors and, of the K response tokens of all cells and items together: what is
    ``predicted`` ``[U]`` at which ``heads`` ``[U]`` (flat indices into ``[B * L]``), each such couple once; ``at`` ``[K]``,
    which of those is the token; ``targets`` ``[K]``; and for each cell ``cell:NAME`` ``[items, T]``, the indices into K
    with -1 as padding, and ``reference:NAME`` ``[items, T]``.
    """

    encoder: Encoder
    budget: int | None = None
    """Tokens of a pass. With it, a step is ``passes``, each a batch of one row with its ``share`` of the step's pairs."""
    features: FeatureStore | None = None
    """Where the features of all images are, which are then read instead of the images."""

    @property
    def codec(self) -> Codec:
        """What encodes."""
        return self.encoder.codec

    def __call__(self, rows: Sequence[tuple[Item, Reference | None]]) -> Batch:
        """Pack."""
        found = self.passes(rows)
        if self.budget is None:
            return found[0][1]
        return {PASSES: tuple({**batch, SHARE: torch.tensor(len(indices) / len(rows))} for indices, batch in found)}

    def passes(self, rows: Sequence[tuple[Item, Reference | None]]) -> list[tuple[list[int], Batch]]:
        """Return the batches that the rows make, one where there is no budget, each with the rows it holds."""
        items = [item for item, _ in rows]
        read = self.codec.pixels if self.features is None else self.features.read
        pixels = {name: read(image) for name, image in self.encoder.images(items).items()}
        trees = [grow(list(self.encoder.sequences(item, pixels))) for item in items]
        groups = [list(range(len(rows)))] if self.budget is None else divide(list(map(len, trees)), self.budget)
        return [(group, self._batch([rows[k] for k in group], [trees[k] for k in group], pixels)) for group in groups]

    def _batch(
        self, rows: Sequence[tuple[Item, Reference | None]], trees: Sequence[Tree], pixels: Mapping[str, Pixels]
    ) -> Batch:
        images = list(self.encoder.images([item for item, _ in rows]))
        batch = self._trees(trees, images)
        inputs = stacked([pixels[name] for name in images])
        if self.features is None:
            batch["images"] = inputs
        else:
            batch["images"], batch["encoded"] = {}, features_of(inputs)
        batch.update(self._labels(trees))
        known = [reference for _, reference in rows if reference is not None]
        if known:
            for index, cell in enumerate(self.encoder.cells):
                batch[f"reference:{cell}"] = _reference(known, cell, batch[f"cell:{cell}"], trees, index)
        return batch

    def _places(self, trees: Sequence[Tree]) -> tuple[tuple[int, int], list[tuple[int, int]]]:
        """Return the shape ``(B, L)`` of the batch, and of each tree its row and where in it it begins."""
        if self.budget is None:
            return (len(trees), max(map(len, trees))), [(row, 0) for row in range(len(trees))]
        ends = np.cumsum([len(tree) for tree in trees]).tolist()
        return (1, ends[-1]), [(0, end - len(tree)) for end, tree in zip(ends, trees, strict=True)]

    def _trees(self, trees: Sequence[Tree], images: Sequence[str]) -> Batch:
        """Lay the trees into their rows, padded to the longest.

        A token of padding sees itself only: attention over nothing is not a number.
        """
        (size, longest), places = self._places(trees)
        axes = trees[0].positions.shape[0]
        tokens = np.full((size, longest), self.codec.pad_token, dtype=np.int64)
        positions = np.zeros((axes, size, longest), dtype=np.int64)
        features = np.full((size, longest), -1, dtype=np.int64)
        last = np.broadcast_to(np.arange(longest), (size, longest)).copy()
        starts = _starts(trees, images)
        for (row, start), tree in zip(places, trees, strict=True):
            own = slice(start, start + len(tree))
            tokens[row, own] = tree.tokens
            positions[:, row, own] = tree.positions
            last[row, own] = start + tree.last
            for node, owner in enumerate(tree.owners):
                if owner is not None:
                    features[row, start + node] = starts[owner] + tree.slots[node]
        arrays = {"tokens": tokens, "positions": positions, "last": last, "features": features}
        return {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _labels(self, trees: Sequence[Tree]) -> Batch:
        (_, longest), begins = self._places(trees)
        places: list[Any] = []
        targets: list[Any] = []
        cells: Batch = {}
        count = 0
        for index, cell in enumerate(self.encoder.cells):
            lengths = [len(tree.labels[index].targets) for tree in trees]
            table = np.full((len(trees), max(lengths)), -1, dtype=np.int64)
            for number, ((row, start), tree) in enumerate(zip(begins, trees, strict=True)):
                label = tree.labels[index]
                places.append(row * longest + start + label.nodes)
                targets.append(label.targets)
                table[number, : lengths[number]] = np.arange(count, count + lengths[number])
                count += lengths[number]
            cells[f"cell:{cell}"] = torch.from_numpy(table)
        flat = np.stack([np.concatenate(places), np.concatenate(targets)])
        (heads, predicted), at = np.unique(flat, axis=1, return_inverse=True)
        arrays = {"heads": heads, "predicted": predicted, "at": at.reshape(-1), "targets": flat[1]}
        return {**cells, **{name: torch.from_numpy(array.copy()) for name, array in arrays.items()}}


def _starts(trees: Sequence[Tree], images: Sequence[str]) -> dict[Any, int]:
    """Return where each distinct image's features begin: as many as its tokens are, in the order of the images."""
    sizes = dict.fromkeys(images, 0)
    for tree in trees:
        for owner, slot in zip(tree.owners, tree.slots, strict=True):
            if owner is not None:
                sizes[str(owner)] = max(sizes[str(owner)], int(slot) + 1)
    ends = np.cumsum(list(sizes.values()))
    return {name: int(end) - sizes[name] for name, end in zip(sizes, ends, strict=True)}


def _reference(known: Sequence[Reference], cell: Cell, table: Tensor, trees: Sequence[Tree], index: int) -> Tensor:
    values = torch.zeros(table.shape, dtype=torch.float32)
    for row, reference in enumerate(known):
        stored = reference[str(cell)]
        length = len(trees[row].labels[index].targets)
        if len(stored) != length:
            msg = f"the reference has {len(stored)} log-probabilities for an answer of {length} tokens"
            raise ValueError(msg)
        values[row, :length] = torch.tensor(stored, dtype=torch.float32)
    return values


def tree_batch(batch: Batch) -> TreeBatch:
    """Return the part of a batch that a family reads."""
    names = ("tokens", "positions", "last", "features", "images", "encoded")
    return TreeBatch(**{name: batch[name] for name in names if name in batch})


def by_cell(flat: Tensor, batch: Batch, cells: Sequence[Cell]) -> dict[Cell, LogProbs]:
    """Return log-probabilities ``[K]``, or with divergences ``[K, 2]``, as one :class:`LogProbs` per cell."""
    tokens, kl = (flat, None) if flat.dim() == 1 else (flat[:, 0], flat[:, 1])
    found = {}
    for cell in cells:
        table = batch[f"cell:{cell}"]
        mask, places = table >= 0, table.clamp(min=0)
        found[cell] = LogProbs(
            tokens[places] * mask,
            mask,
            batch["targets"][places].masked_fill(~mask, -1),
            None if kl is None else kl[places] * mask,
        )
    return found


def stored(batch: Batch, cells: Sequence[Cell]) -> dict[Cell, LogProbs]:
    """Return the reference log-probabilities that came with a batch."""
    return {cell: LogProbs(batch[f"reference:{cell}"], batch[f"cell:{cell}"] >= 0) for cell in cells}


def moved(batch: Batch, device: str, dtype: str | None = None) -> Batch:
    """Move a batch, with its images in the type of the weights where nothing else sees to that."""

    def placed(pixels: torch.Tensor) -> torch.Tensor:
        coarse = dtype is not None and pixels.is_floating_point()
        return pixels.to(device, getattr(torch, str(dtype))) if coarse else pixels.to(device)

    return {
        name: {key: placed(one) for key, one in value.items()} if isinstance(value, dict) else value.to(device)
        for name, value in batch.items()
    }
