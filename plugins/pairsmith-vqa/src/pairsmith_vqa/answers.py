"""What a model's answer to a question is kept as: the words it says, and how sure it is of yes against no."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

Answer = dict[str, Any]
"""``{"answer": "yes", "yes": 0.83}``; ``yes`` is ``None`` where the model has no words for yes and no."""

_DIGITS = 4


def first_tokens(tokenizer: Any) -> tuple[list[int], list[int]]:  # noqa: ANN401 - any tokenizer
    """Return the tokens that a yes begins with, and those of a no; none in both, for it would tell nothing."""
    yes, no = (_beginnings(tokenizer, word) for word in ("yes", "no"))
    return sorted(yes - no), sorted(no - yes)


def _beginnings(tokenizer: Any, word: str) -> set[int]:  # noqa: ANN401
    found = set()
    for text in (word, word.capitalize(), f" {word}", f" {word.capitalize()}"):
        tokens = tokenizer(text, add_special_tokens=False).input_ids
        spoken = [token for token in tokens if tokenizer.decode([token]).strip() and token != tokenizer.unk_token_id]
        found.update(spoken[:1])
    return found


def probability(logits: Tensor, yes: Sequence[int], no: Sequence[int]) -> list[float | None]:
    """Return the probability of yes against no of each row of ``[B, vocabulary]``."""
    if not yes or not no:
        return [None] * len(logits)
    scores = logits.float()
    difference = scores[:, list(yes)].logsumexp(-1) - scores[:, list(no)].logsumexp(-1)
    return [round(value, _DIGITS) for value in torch.sigmoid(difference).tolist()]


def pack(texts: Sequence[str], probabilities: Sequence[float | None]) -> list[Answer]:
    """Return answers from their words and probabilities."""
    return [{"answer": text.strip(), "yes": yes} for text, yes in zip(texts, probabilities, strict=True)]
