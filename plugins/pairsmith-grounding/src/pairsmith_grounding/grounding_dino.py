"""Grounding DINO: one name in one look at an image, many looks together."""

from collections.abc import Iterator, Sequence

import torch
from attrs import define, field

from pairsmith.answers import Question
from pairsmith_grounding.boxes import Raw, raw
from pairsmith_grounding.loading import Checkpoint
from pairsmith_grounding.options import GroundingDinoOptions
from pairsmith_grounding.pictures import read, size


@define
class GroundingDino:
    """Looks for things. Names in one prompt change each other's boxes, so each has a prompt of its own."""

    options: GroundingDinoOptions
    checkpoint: Checkpoint = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Read the configuration."""
        self.checkpoint = Checkpoint("grounding-dino", self.options, ("grounding-dino", "mm-grounding-dino"))

    def batches(self, questions: Sequence[Question]) -> Iterator[list[Question]]:
        """Yield batches of questions about images of one size: padded pixels would change what is found."""
        by_size: dict[tuple[int, int], list[Question]] = {}
        for question in sorted(questions, key=lambda question: question.key):
            by_size.setdefault(size(question.shown), []).append(question)
        for group in by_size.values():
            for start in range(0, len(group), self.options.batch_size):
                yield group[start : start + self.options.batch_size]

    @torch.inference_mode()
    def answer(self, questions: Sequence[Question]) -> list[Raw]:
        """Return the boxes of each question's thing."""
        processor, model = self.checkpoint.load()
        pictures = {question.key[0]: question.shown for question in questions}
        pixels = {key: read(image, self.options.max_pixels) for key, image in pictures.items()}
        batch = processor(
            images=[pixels[question.key[0]] for question in questions],
            text=[self.options.template.format(question.text.lower()) for question in questions],
            return_tensors="pt",
            padding=True,
            truncation=True,
            max_length=self.checkpoint.config.max_text_len,
        )
        output = model(**self.checkpoint.on_device(batch))
        scores = output.logits.sigmoid().amax(-1)
        return [raw(output.pred_boxes[row], scores[row], self.options.floor) for row in range(len(questions))]
