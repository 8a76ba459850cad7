"""Corruptions that take from another sample, or take away. None needs an image library."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Literal

from attrs import frozen

from pairsmith.component import NoOptions
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Image, Sample


@frozen
class OtherImage:
    """Shows another sample's images: as many, and different ones."""

    options: NoOptions
    run: Run
    axis: Literal["image"] = "image"

    def corrupt_images(
        self, sample: Sample, others: Sequence[Sample], *, seed: int
    ) -> tuple[tuple[Image, ...], Mapping[str, Any]]:
        """Return the images of a sample drawn with ``seed``."""
        own = _identities(sample)

        def fits(other: Sample) -> bool:
            return len(other.images) == len(own) and _identities(other) != own

        if not own:
            msg = f"corruptions.image: sample {sample.id!r} has no image to exchange; leave it out or use no corruption"
            raise StageError(msg)
        other = _another(sample, others, fits, seed)
        if other is None:
            msg = (
                f"corruptions.image: no other of the {len(others)} samples has {len(own)} image(s) different from "
                f"those of sample {sample.id!r}; 'other-image' needs at least two different images"
            )
            raise StageError(msg)
        return other.images, {"from": other.id}


@frozen
class OtherRow:
    """Puts another sample's context in place of the sample's own (MCM-DPO, arXiv 2510.00647)."""

    options: NoOptions
    run: Run
    axis: Literal["context"] = "context"

    def corrupt_context(self, sample: Sample, others: Sequence[Sample], *, seed: int) -> tuple[str, Mapping[str, Any]]:
        """Return the context of a sample drawn with ``seed``: one with a text, and with another text."""
        other = _another(sample, others, lambda one: one.context.strip() not in {"", sample.context.strip()}, seed)
        if other is None:
            msg = (
                f"corruptions.context: no other of the {len(others)} samples has a context different from that of "
                f"sample {sample.id!r}; 'other-row' needs at least two different contexts"
            )
            raise StageError(msg)
        return other.context, {"from": other.id}


@frozen
class Empty:
    """Takes the context away."""

    options: NoOptions
    run: Run
    axis: Literal["context"] = "context"

    def corrupt_context(
        self,
        sample: Sample,
        others: Sequence[Sample],  # noqa: ARG002 - the protocol's
        *,
        seed: int,  # noqa: ARG002
    ) -> tuple[str, Mapping[str, Any]]:
        """Return nothing, where there was something."""
        if not sample.context:
            msg = f"corruptions.context: sample {sample.id!r} has no context, so 'empty' changes nothing; leave it out"
            raise StageError(msg)
        return "", {}


def _another(sample: Sample, others: Sequence[Sample], fits: Callable[[Sample], bool], seed: int) -> Sample | None:
    """Return a fitting sample that is not ``sample``: the first from a random place on, all round."""
    if not others:
        return None
    start = Random(seed).randrange(len(others))
    places = ((start + step) % len(others) for step in range(len(others)))
    return next((one for one in map(others.__getitem__, places) if one.id != sample.id and fits(one)), None)


def _identities(sample: Sample) -> list[str]:
    return [image.id or str(image.path) for image in sample.images]
