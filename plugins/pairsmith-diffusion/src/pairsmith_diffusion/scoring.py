"""What the image judges share: pairs of a prompt and an image in batches, and the scores put back in place."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image as Pillow

from pairsmith.errors import StageError
from pairsmith.values import Image, Sample

IMAGE_PROMPT = "image_prompt"
"""Where in a sample's truth the prompt is that its images were made from."""

Score = Callable[[Sequence[str], Sequence[Pillow.Image]], Sequence[float]]
"""Scores images, each with its own prompt."""


def image_prompt(sample: Sample, judge: str) -> str:
    """Return the prompt that a sample's candidates were made from."""
    prompt = sample.truth.get(IMAGE_PROMPT)
    if not isinstance(prompt, str) or not prompt.strip():
        msg = (
            f"[[image_judges]] use = {judge!r}: sample {sample.id!r} does not say what its images were made from; its "
            f"source must put a text {IMAGE_PROMPT!r} into the sample's truth, as 'text-to-image' does"
        )
        raise StageError(msg)
    return prompt


def scored(samples: Sequence[Sample], judge: str, batch_size: int, score: Score) -> list[list[float]]:
    """Return a score for every candidate of every sample, looking at ``batch_size`` images at a time."""
    asked = [(image_prompt(sample, judge), image) for sample in samples for image in sample.candidates]
    found: list[float] = []
    for start in range(0, len(asked), batch_size):
        batch = asked[start : start + batch_size]
        found += score([prompt for prompt, _ in batch], [opened(image) for _, image in batch])
    rest = iter(found)
    return [[next(rest) for _ in sample.candidates] for sample in samples]


def opened(image: Image) -> Pillow.Image:
    """Return the pixels of an image of the run, which was checked when it entered."""
    try:
        with Pillow.open(image.path) as file:
            return file.convert("RGB")
    except OSError as error:
        msg = f"image {str(image.path)!r} of the run cannot be read: {error}; start the run anew"
        raise StageError(msg) from None


class Longest:
    """Says, once for each part of a run, which prompts are longer than a judge reads."""

    def __init__(self, judge: str, limit: int, count: Callable[[str], int]) -> None:
        """Take the number of tokens the judge reads, and what counts those of a text."""
        self._judge, self._limit, self._count = judge, limit, count
        self._log = logging.getLogger(__name__)

    def warn(self, samples: Sequence[Sample]) -> None:
        """Log how many are too long, with an example."""
        lengths: Mapping[str, Any] = {one.id: self._count(image_prompt(one, self._judge)) for one in samples}
        long = {name: length for name, length in lengths.items() if length > self._limit}
        if long:
            name, length = next(iter(long.items()))
            self._log.warning(
                "%s reads the first %d tokens of a prompt, and %d of %d prompts are longer, e.g. that of %r with %d",
                self._judge,
                self._limit,
                len(long),
                len(samples),
                name,
                length,
            )
