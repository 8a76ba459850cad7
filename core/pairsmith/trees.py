"""What a model family reads of a training's batch. Part of :mod:`pairsmith.interfaces`, which has it as well."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from torch import Tensor


@frozen(kw_only=True)
class TreeBatch:
    """B trees of at most L tokens over D distinct images, each in preorder: after a token, all that follows it.

    ``tokens`` ``[B, L]``; ``positions`` ``[axes, B, L]``; ``last`` ``[B, L]``: the last token that has this one on its
    path, itself for the last of a path and for padding; ``features`` ``[B, L]``: for an image token its index into the
    image features of the batch (concatenated in the order of ``images``), -1 for text; ``images``: model inputs of the
    D distinct images; ``encoded``: in their place, what the family's ``encode`` made of them, ``[N, ...]`` by name.
    """

    tokens: "Tensor"
    positions: "Tensor"
    last: "Tensor"
    features: "Tensor"
    images: "Mapping[str, Tensor]"
    encoded: "Mapping[str, Tensor]" = field(factory=dict)

    @property
    def sees(self) -> "Tensor":
        """``[B, L, L]`` bool, true where the row's token may attend to the column's: ``column <= row <= last[column]``."""
        place = self.last.new_ones(self.last.shape[-1]).cumsum(-1) - 1
        return (place <= place[:, None]) & (place[:, None] <= self.last[:, None])
