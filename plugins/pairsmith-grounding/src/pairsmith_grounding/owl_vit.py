"""OWL-ViT and OWLv2: many names in one look at an image."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import torch
from attrs import define, field
from torch import Tensor

from pairsmith.answers import Question, by_image
from pairsmith_grounding.boxes import Raw, raw
from pairsmith_grounding.loading import Checkpoint
from pairsmith_grounding.options import OwlVitOptions
from pairsmith_grounding.pictures import read

MOST_NAMES = 64
"""Names asked for in one look at an image."""

T = TypeVar("T")


@define
class OwlVit:
    """Looks for things. Each name has its own score at every place, so what else is asked for changes nothing."""

    options: OwlVitOptions
    checkpoint: Checkpoint = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Read the configuration."""
        self.checkpoint = Checkpoint("owl-vit", self.options, ("owlvit", "owlv2"))

    def batches(self, questions: Sequence[Question]) -> Iterator[list[Question]]:
        """Yield the questions about ``batch_size`` images, up to so many names of each."""
        for some in _chunks(sorted(_looks(questions), key=len), self.options.batch_size):
            yield [question for look in some for question in look]

    @torch.inference_mode()
    def answer(self, questions: Sequence[Question]) -> list[Raw]:
        """Return the boxes of each question's thing."""
        looks = _looks(questions)
        processor, model = self.checkpoint.load()
        pictures = [read(look[0].shown, self.options.max_pixels) for look in looks]
        longest = self.checkpoint.config.text_config.max_position_embeddings
        names = [[self.options.template.format(question.text) for question in look] for look in looks]
        batch = processor(
            text=names, images=pictures, return_tensors="pt", padding="max_length", truncation=True, max_length=longest
        )
        output = model(**self.checkpoint.on_device(batch))
        found: dict[Any, Raw] = {}
        for row, (look, picture) in enumerate(zip(looks, pictures, strict=True)):
            boxes = self._unpadded(output.pred_boxes[row], *picture.size)
            scores = output.logits[row].sigmoid()
            for column, question in enumerate(look):
                found[question.key] = raw(
                    boxes, scores[:, column], self.options.floor, places=self.options.together > 1
                )
        return [found[question.key] for question in questions]

    def _unpadded(self, boxes: Tensor, width: int, height: int) -> Tensor:
        """Return boxes in fractions of the image; OWLv2's are in fractions of the square it was padded to."""
        if self.checkpoint.config.model_type != "owlv2":
            return boxes
        side = max(width, height)
        return boxes * torch.tensor([side / width, side / height] * 2, device=boxes.device, dtype=boxes.dtype)


def _looks(questions: Sequence[Question]) -> list[list[Question]]:
    """Return the questions of each look: about one image, and not too many."""
    return [look for group in by_image(questions) for look in _chunks(group, MOST_NAMES)]


def _chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
