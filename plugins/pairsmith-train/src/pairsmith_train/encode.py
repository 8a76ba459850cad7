"""From items to sequences of tokens, and what does not fit a length limit."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from attrs import frozen
from torch import Tensor

from pairsmith.errors import StageError
from pairsmith.interfaces import Codec
from pairsmith.values import Cell, Image, Item
from pairsmith_train.tree import Sequenced

Pixels = Mapping[str, Tensor]


@frozen
class Encoder:
    """Encodes the cells of items; no sequence is longer than ``limit`` tokens.

    An answer that would be is cut, its end first, where ``cut`` allows it. A prompt and its images never are.
    """

    codec: Codec
    cells: tuple[Cell, ...]
    limit: int | None
    cut: bool

    def fits(self, item: Item) -> str | None:
        """Return why an item cannot be trained on as it is, or ``None``: nothing is left of it, or not enough of it."""
        for cell in self.cells:
            prompt = len(self.codec.prompt(item.turns(cell), item.images(cell)).tokens)
            response = len(self._response(item, cell))
            if not response:
                return f"its {cell.response} answer has no token"
            if self.limit is None or prompt + response <= self.limit:
                continue
            if not self.cut or prompt >= self.limit:
                return f"its {cell.response} answer ends at token {prompt + response}, over {self.limit}"
        if {"chosen", "rejected"} <= {cell.response for cell in self.cells}:
            chosen, rejected = Cell("chosen"), Cell("rejected")
            if self._kept(item, chosen) == self._kept(item, rejected) and item.turns(chosen) == item.turns(rejected):
                return "its answers are the same, token for token"
        return None

    def is_cut(self, item: Item) -> bool:
        """Tell whether an answer of the item loses its end."""
        return any(len(self._kept(item, cell)) < len(self._response(item, cell)) for cell in self.cells)

    def sequences(self, item: Item, pixels: Mapping[str, Pixels]) -> Iterator[Sequenced]:
        """Yield the cells of an item; ``pixels`` are the inputs of its images, by the images' ids."""
        for cell in self.cells:
            images = item.images(cell)
            prompt = self.codec.prompt(item.turns(cell), images)
            response = self._kept(item, cell)
            inputs = [pixels[name_of(image)] for image in images]
            positions = self.codec.positions(prompt, len(response), inputs)
            owners = [None if image < 0 else name_of(images[image]) for image in prompt.image_of]
            yield Sequenced(
                tokens=(*prompt.tokens, *response),
                owners=(*owners, *([None] * len(response))),
                slots=(*prompt.slots, *([-1] * len(response))),
                positions=positions.numpy(),
                response=len(response),
                prompted=prompt.targets,
            )

    def images(self, items: Sequence[Item]) -> dict[str, Image]:
        """Return the distinct images of these items' cells, in order."""
        return {name_of(image): image for item in items for cell in self.cells for image in item.images(cell)}

    def _response(self, item: Item, cell: Cell) -> tuple[int, ...]:
        return self.codec.response(item.turns(cell), item.value.response(cell.response).text)

    def _kept(self, item: Item, cell: Cell) -> tuple[int, ...]:
        response = self._response(item, cell)
        if self.limit is None:
            return response
        prompt = len(self.codec.prompt(item.turns(cell), item.images(cell)).tokens)
        if prompt + len(response) <= self.limit:
            return response
        if not self.cut or prompt >= self.limit:
            msg = f"{item.id!r} does not fit {self.limit} tokens and was to be left out"
            raise StageError(msg)
        return response[: self.limit - prompt]


def name_of(image: Image) -> str:
    """Return what tells an image from others."""
    return image.id or str(image.path)


def stacked(inputs: Sequence[Pixels]) -> dict[str, Tensor]:
    """Return the model inputs of several images as one batch."""
    return {name: torch.cat([one[name] for one in inputs]) for name in inputs[0]} if inputs else {}
