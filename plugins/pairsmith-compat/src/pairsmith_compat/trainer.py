"""DecompGen's reference: log-probabilities of whole answers, for training on their first hundred words."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from attrs import evolve

from pairsmith.interfaces import Job, Loss, Paused, Run, Trainer, Weights
from pairsmith.values import Cell, Item, Pair, Response
from pairsmith_compat.changed import Changed
from pairsmith_compat.options import ReferenceOptions


def cut(item: Item, words: int) -> Item:
    """Return an item whose answers have that many words at most."""
    value = evolve(item.value, chosen=_shortened(item.value.chosen, words))
    if isinstance(value, Pair):
        value = evolve(value, rejected=_shortened(value.rejected, words))
    return evolve(item, value=value)


def _shortened(response: Response, words: int) -> Response:
    kept = re.match(rf"(?:\s*\S+){{0,{words}}}", response.text)
    return evolve(response, text=kept.group() if kept else "")


class PublishedReference:
    """Trains with another trainer on cut answers, against references of the whole ones.

    The released code scores whole answers before training and cuts them while it trains. What is kept of a whole answer
    is the mean of its log-probabilities (or their sum), spread evenly over the tokens of the cut one.
    """

    def __init__(self, options: ReferenceOptions, run: Run) -> None:
        """Build the trainer."""
        self._options = options
        self._trainer: Trainer = run.component("trainers", options.trainer, "train.trainer")(run)

    def check(self, loss: Loss) -> None:
        """Refuse what the other trainer refuses before any work is done."""
        check = getattr(self._trainer, "check", None)
        if check is not None:
            check(loss)

    def launch(self, worker: Sequence[str]) -> Sequence[str]:
        """Return the other trainer's command."""
        return self._trainer.launch(worker)

    def reference_settings(self) -> Mapping[str, Any]:
        """Return the other trainer's settings and these."""
        own = {"cut_words": self._options.cut_words, "keeps": self._options.keeps}
        return {**self._trainer.reference_settings(), **own}

    def reference(self, job: Job, items: Sequence[Item]) -> list[Mapping[str, Sequence[float]]]:
        """Return what the whole answers' log-probabilities come to for a token of the cut ones."""
        codec = job.family.codec(job.weights)

        def length(item: Item, cell: Cell) -> int:
            kept = cut(item, self._options.cut_words).value.response(cell.response)
            prompted = codec.prompt(item.turns(cell), item.images(cell)).targets
            return len(prompted) + len(codec.response(item.turns(cell), kept.text))

        whole = self._trainer.reference(job, items)
        return [
            {str(cell): self._spread(row[str(cell)], length(item, cell)) for cell in job.loss.cells if str(cell) in row}
            for item, row in zip(items, whole, strict=True)
        ]

    def _spread(self, known: Sequence[float], length: int) -> list[float]:
        if not known or not length:
            return [0.0] * length
        over = len(known) if self._options.keeps == "mean" else length
        return [sum(known) / over] * length

    @property
    def pauses(self) -> bool:
        """Whether the other trainer can pause."""
        return bool(getattr(self._trainer, "pauses", False))

    def train(self, job: Job) -> Weights | Paused:
        """Train on the cut answers."""
        cut_items = Changed(job.items, partial(cut, words=self._options.cut_words))
        return self._trainer.train(evolve(job, items=cut_items))
