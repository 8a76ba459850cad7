"""The grammar gate: how likely a question is to be a sentence. "Is the man has the hat?" is none."""

from collections.abc import Sequence

import torch
from attrs import define, field
from transformers import AutoModelForSequenceClassification

from pairsmith.answers import Answers, Question, in_batches
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith_vqa.loading import Checkpoint
from pairsmith_vqa.options import VqaOptions

_DIGITS = 4


@define
class Gate:
    """A classifier of sentences, e.g. one trained on CoLA. It reads the question alone, without what stands around it."""

    options: VqaOptions
    run: Run
    checkpoint: Checkpoint = field(init=False)
    answers: Answers = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Read the configuration; refuse a label that the model has not."""
        self.checkpoint = Checkpoint("gate", self.options.gate, self.options.gate_revision, self.options)
        labels = int(self.checkpoint.config.num_labels)
        if self.options.gate_label >= labels:
            msg = f"[[judges]] use = 'vqa': gate_label = {self.options.gate_label} and the gate has labels 0 to {labels - 1}"
            raise StageError(msg)
        self.answers = Answers(self.run, "grammar", {**self.checkpoint.identity(), "label": self.options.gate_label})

    def probabilities(self, texts: Sequence[str]) -> list[float]:
        """Return the probability of each text to be a sentence."""
        return self.answers.ask([Question(text) for text in texts], self._classify, in_batches(self.options.batch_size))

    @torch.inference_mode()
    def _classify(self, questions: Sequence[Question]) -> list[float]:
        tokenizer = self.checkpoint.reader(text_only=True)
        model = self.checkpoint.model(AutoModelForSequenceClassification.from_pretrained)
        longest = min(tokenizer.model_max_length, getattr(self.checkpoint.config, "max_position_embeddings", 512))
        texts = [question.text for question in questions]
        batch = tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=longest)
        logits = model(**self.checkpoint.on_device(batch)).logits.float()
        return [round(value, _DIGITS) for value in logits.softmax(-1)[:, self.options.gate_label].tolist()]
