"""MCM-DPO's draws: by the row alone, for image and context together (arXiv 2510.00647, its released code)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import frozen

from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Image, Sample
from pairsmith_compat.options import ByRowOptions
from pairsmith_compat.wrapped import Wrapped


def by_row(options: ByRowOptions, run: Run) -> "RowImages | RowContext":
    """Return the corruption, of the axis that the one inside has."""
    inside = Wrapped("corruptions", options.corruption, run, "corruption")
    return RowImages(inside) if inside.inside.axis == "image" else RowContext(inside)


def _seed(sample: Sample) -> int:
    return derive("by-row", sample.id)


@frozen
class RowImages:
    """Worse images, the same ones for a sample whatever the recipe's seed."""

    wrapped: Wrapped
    axis: Literal["image"] = "image"

    def corrupt_images(
        self,
        sample: Sample,
        others: Sequence[Sample],
        *,
        seed: int,  # noqa: ARG002 - the sample is the seed
    ) -> tuple[tuple[Image, ...], Mapping[str, Any]]:
        """Return the images and the draw."""
        made: tuple[tuple[Image, ...], Mapping[str, Any]] = self.wrapped.inside.corrupt_images(
            sample, others, seed=_seed(sample)
        )
        return made


@frozen
class RowContext:
    """A worse context, the same one for a sample whatever the recipe's seed."""

    wrapped: Wrapped
    axis: Literal["context"] = "context"

    def corrupt_context(
        self,
        sample: Sample,
        others: Sequence[Sample],
        *,
        seed: int,  # noqa: ARG002 - the sample is the seed
    ) -> tuple[str, Mapping[str, Any]]:
        """Return the context and the draw."""
        made: tuple[str, Mapping[str, Any]] = self.wrapped.inside.corrupt_context(sample, others, seed=_seed(sample))
        return made
