"""The rows that a training draws: items that know their place among the run's, so that a batch can be found again."""

from collections.abc import Sequence

import torch
from attrs import frozen
from torch.utils.data import Dataset

from pairsmith.values import Item
from pairsmith_train.batch import Batch, Collator, Reference
from pairsmith_train.passes import PASSES, SHARE

Row = tuple[int, Item, Reference | None]
ROWS = "rows"
"""The name in a batch of the places of its items among those of the run."""


class Items(Dataset[Row]):
    """The items that can be trained on, each with its place and reference, read from the disk when asked for."""

    def __init__(self, items: Sequence[Item], reference: Sequence[Reference] | None, kept: Sequence[int]) -> None:
        """Take the run's items and their references, and the places of those to train on."""
        self._items, self._reference, self._kept = items, reference, kept

    def __len__(self) -> int:
        """Return how many are trained on."""
        return len(self._kept)

    def __getitem__(self, index: int) -> Row:
        """Return one of those trained on."""
        return self.row(self._kept[index])

    def row(self, place: int) -> Row:
        """Return the item at a place of the run's, trained on or not."""
        return place, self._items[place], None if self._reference is None else self._reference[place]


@frozen
class Placed:
    """Makes batches that say where among the run's their items are."""

    collator: Collator

    def __call__(self, rows: Sequence[Row]) -> Batch:
        """Return what the collator makes of the rows, each pass with the places of its items."""
        places = torch.tensor([place for place, _, _ in rows])
        found = self.collator.passes([(item, reference) for _, item, reference in rows])
        if self.collator.budget is None:
            return {**found[0][1], ROWS: places}
        shares = [{**batch, SHARE: torch.tensor(len(own) / len(rows)), ROWS: places[own]} for own, batch in found]
        return {PASSES: tuple(shares)}
