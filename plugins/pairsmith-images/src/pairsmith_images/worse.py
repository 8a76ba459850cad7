"""A corruption made of a function of one picture."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from attrs import frozen
from PIL import Image as Pillow

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Image, Sample
from pairsmith_images.options import PillowOptions
from pairsmith_images.pixels import UnusableImageError, png, read_rgb

Made = tuple[Pillow.Image, Mapping[str, Any]]
"""A worse picture, and the draw that made it."""

_MOST_PIXELS = PillowOptions().max_pixels


@frozen
class WorseImages:
    """Applies ``make(picture, seed)`` to each image of a sample, with a seed of its own."""

    make: Callable[[Pillow.Image, int], Made]
    run: Run
    axis: Literal["image"] = "image"

    def corrupt_images(
        self,
        sample: Sample,
        others: Sequence[Sample],  # noqa: ARG002 - nothing is borrowed
        *,
        seed: int,
    ) -> tuple[tuple[Image, ...], Mapping[str, Any]]:
        """Return the images in their corrupted form, and the draw of each."""
        if not sample.images:
            msg = f"corruptions.image: sample {sample.id!r} has no image to make worse; leave the sample out"
            raise StageError(msg)
        made = [self._worse(sample, image, derive(seed, number)) for number, image in enumerate(sample.images)]
        return tuple(image for image, _ in made), {"images": [draw for _, draw in made]}

    def _worse(self, sample: Sample, image: Image, seed: int) -> tuple[Image, Mapping[str, Any]]:
        try:
            picture = read_rgb(image.path, _MOST_PIXELS)
        except UnusableImageError as reason:
            msg = f"corruptions.image: {str(image.path)!r} of sample {sample.id!r} {reason}"
            raise StageError(msg) from None
        worse, draw = self.make(picture, seed)
        return self.run.images.add_bytes(png(worse), ".png"), draw
