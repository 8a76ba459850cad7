"""Samples that ask a text model for more prompts and questions, category by category."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from random import Random

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Sample, user
from pairsmith_diffusion.options import PromptRequestsOptions
from pairsmith_diffusion.prompts import Prompted, there

CATEGORY = "category"
"""Where a request's truth holds the category that it asks for."""

_MARKERS = ("{number}", "{category}", "{examples}", "{angle}")
_ANGLES = (
    ("one thing that fills the picture", "two things side by side", "a small group", "many things and one that differs",
     "something in front of something else", "something inside of something else"),
    ("seen from close by", "seen from far away", "seen from above", "seen from below", "seen through a window",
     "seen at eye level"),
    ("at dawn", "at noon", "at dusk", "at night", "in the rain", "in artificial light", "in winter", "in fog"),
    ("in a photograph", "in a watercolour", "in a pencil drawing", "in a still from a film", "in a woodcut",
     "in a photograph of long exposure"),
    ("in a village", "in a large city", "by the water", "indoors", "in the mountains", "in a place that few people know",
     "in a workshop", "in a hot country"),
)  # fmt: skip
"""What a request is to think of, one of each, so that equal requests do not get equal replies."""


class PromptRequests:
    """Yields requests without an image: one of each category, then a second of each, and so on.

    More rounds add requests after those that there were, so what was answered stays. Examples and angle are drawn with
    the recipe's seed, the category and the round.
    """

    def __init__(self, options: PromptRequestsOptions, run: Run) -> None:
        """Read the template, and the prompts that there are."""
        self._options, self._run = options, run
        self._template = _template(options.template)
        self._there = there(options.prompts)

    def __len__(self) -> int:
        """Return the number of requests."""
        return self._options.rounds * len(self._options.categories)

    def samples(self, start: int = 0) -> Iterator[Sample]:
        """Yield the requests from the ``start``-th on."""
        every = ((number, name) for number in range(self._options.rounds) for name in self._options.categories)
        return (self._sample(name, number) for number, name in islice(every, start, None))

    def _sample(self, category: str, number: int) -> Sample:
        draw = Random(derive(self._run.seed, "prompt-requests", category, number))
        told = {
            "{number}": str(self._options.per_request),
            "{category}": category,
            "{examples}": "\n".join(f"- {one.prompt}" for one in self._examples(category, draw)) or "- none so far",
            "{angle}": ", ".join(draw.choice(angles) for angles in _ANGLES),
        }
        text = self._template
        for marker, value in told.items():
            text = text.replace(marker, value)
        return Sample(id=f"{category}-{number + 1}", prompt=user(text), truth={CATEGORY: category})

    def _examples(self, category: str, draw: Random) -> Sequence[Prompted]:
        fitting = [one for one in self._there if one.category == category] or self._there
        return draw.sample(fitting, min(self._options.examples, len(fitting)))


def _template(path: Path | None) -> str:
    source = files("pairsmith_diffusion") / "templates" / "more-prompts.txt" if path is None else path
    try:
        text = source.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"[images] template = {str(path)!r} cannot be read: {error}"
        raise StageError(msg) from None
    missing = [marker for marker in _MARKERS[:2] if marker not in text]
    if missing:
        msg = f"[images] template = {str(path)!r} must hold {' and '.join(missing)}; it may hold {', '.join(_MARKERS[2:])}"
        raise StageError(msg)
    return text
