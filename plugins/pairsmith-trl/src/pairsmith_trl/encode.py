"""From items to the batches that TRL's trainers read: one row a sequence, prompts with their images, answers after them.

TRL would render messages with the processor's own template and cut what is too long, image tokens too. Here the model
family's codec does both, so that TRL is shown the very tokens that every other part of a run works with.
"""

from collections.abc import Mapping, Sequence

import torch
from attrs import frozen
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pairsmith.errors import StageError
from pairsmith.interfaces import Codec
from pairsmith.values import Cell, Item

Batch = dict[str, Tensor]
Answer = tuple[int, ...]


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
        """Return why an item cannot be trained on as it is, or ``None``."""
        kept = []
        for cell in self.cells:
            prompt, answer = self._prompt_length(item, cell), self.answer(item, cell)
            if not answer:
                return f"its {cell.response} answer has no token"
            over = self.limit is not None and prompt + len(answer) > self.limit
            if over and (not self.cut or prompt >= (self.limit or 0)):
                return f"its {cell.response} answer ends at token {prompt + len(answer)}, over {self.limit}"
            kept.append((item.turns(cell), answer[: self._room(prompt)]))
        return "its answers are the same, token for token" if len(kept) > 1 and kept[0] == kept[1] else None

    def is_cut(self, item: Item) -> bool:
        """Tell whether an answer of the item loses its end."""
        return any(
            len(self.answer(item, cell)) > (self._room(self._prompt_length(item, cell)) or len(self.answer(item, cell)))
            for cell in self.cells
        )

    def answer(self, item: Item, cell: Cell) -> Answer:
        """Return the tokens of a cell's answer, whole."""
        return self.codec.response(item.turns(cell), item.value.response(cell.response).text)

    def prompts(self, items: Sequence[Item]) -> Batch:
        """Return the prompts of these items' cells, padded on the left, with their images: all of one cell, then the next."""
        return dict(
            self.codec.requests([(item.turns(cell), item.images(cell)) for cell in self.cells for item in items])
        )

    def answers(self, items: Sequence[Item]) -> list[Answer]:
        """Return the answers in the same order."""
        return [self.answer(item, cell) for cell in self.cells for item in items]

    def joined(self, prompts: Mapping[str, Tensor], answers: Sequence[Answer]) -> Batch:
        """Return what a batch has for each token, ``[rows, L]``, and none of its images: each answer after its prompt.

        Besides ``input_ids`` and ``attention_mask`` it is ``completion_mask``, 1 for the tokens of an answer, and what else
        the prompts tell of their tokens, 0 for an answer's. Rows begin at the left edge and are padded on the right.
        """
        shape = prompts["input_ids"].shape
        lengths = prompts["attention_mask"].sum(dim=1).tolist()
        kept = [torch.tensor(answer[: self._room(length)]) for answer, length in zip(answers, lengths, strict=True)]
        ids = pad_sequence(kept, batch_first=True, padding_value=self.codec.pad_token)
        ones = pad_sequence([torch.ones_like(one) for one in kept], batch_first=True)
        more = {"input_ids": ids, "attention_mask": ones}
        rows = {
            name: torch.cat([value, more.get(name, torch.zeros_like(ids)).to(value.dtype)], dim=1)
            for name, value in prompts.items()
            if value.shape == shape and not value.is_floating_point()
        }
        rows["completion_mask"] = torch.cat([torch.zeros(shape, dtype=torch.long), ones], dim=1)
        order = rows["attention_mask"].argsort(dim=1, descending=True, stable=True)
        longest = int(rows["attention_mask"].sum(dim=1).max())
        return {name: value.gather(1, order)[:, :longest] for name, value in rows.items()}

    def _prompt_length(self, item: Item, cell: Cell) -> int:
        prompt = self.codec.prompt(item.turns(cell), item.images(cell))
        if prompt.targets:
            msg = "[model] has tokens of prompts learnt, and TRL's trainers learn answers only; set train.use = 'tree'"
            raise StageError(msg)
        return len(prompt.tokens)

    def _room(self, prompt: int) -> int | None:
        """Return how many tokens an answer may have after a prompt; as many as it has where there is no limit."""
        return None if self.limit is None else max(0, self.limit - prompt)
