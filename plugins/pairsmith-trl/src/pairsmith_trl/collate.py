"""A batch of items as each of TRL's trainers reads it; the names are those of TRL's own collators."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from attrs import frozen

from pairsmith.values import Item
from pairsmith_trl.encode import Batch, Encoder
from pairsmith_trl.losses import Kto, Sft, TrlLoss


@frozen
class Collator:
    """Makes batches of rows that name items; what an item holds is read from the disk here, and its images decoded."""

    items: Sequence[Item]
    encoder: Encoder
    loss: TrlLoss

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> Batch:
        """Return the batch of these rows."""
        items = [self.items[row["item"]] for row in rows]
        prompts, answers = self.encoder.prompts(items), self.encoder.answers(items)
        joined = self.encoder.joined(prompts, answers)
        if isinstance(self.loss, Sft):
            mask = joined.pop("completion_mask")
            return {**prompts, **joined, "labels": joined["input_ids"].masked_fill(mask == 0, -100)}
        batch = {**prompts, **joined}
        if isinstance(self.loss, Kto):
            batch["label"] = torch.arange(len(answers)) < len(items)
            if self.loss.estimates:  # other prompts' answers, as TRL's own collator turns them round
                others = self.encoder.joined(prompts, answers[-1:] + answers[:-1])
                batch.update({f"KL_{name}": value for name, value in others.items()})
        return batch
