"""Images made from prompts, as samples with candidates."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Any, Self

import torch

from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Dropped, Image, Sample, user
from pairsmith_diffusion.options import MOST_NUMBERED, TextToImageOptions
from pairsmith_diffusion.painter import Order, Painter
from pairsmith_diffusion.prompts import Prompted, prompts
from pairsmith_diffusion.scoring import IMAGE_PROMPT

_SUFFIXES = {"png": ".png", "jpeg": ".jpg"}


class TextToImage:
    """Yields each prompt's question with the images made from the prompt, as candidates, or as its image if ``n`` is 1.

    Prompts are taken ``batch_size`` at a time from the first one on, wherever a run begins again, so that a batch always
    holds the same images. Each has a seed of its own.
    """

    def __init__(self, options: TextToImageOptions, run: Run) -> None:
        """Read the prompts; the pipeline is loaded when the first image is made."""
        self._options, self._run = options, run
        self._prompts = prompts(options)
        self._painter: list[Painter] = []

    def __len__(self) -> int:
        """Return the number of prompts."""
        return len(self._prompts)

    def __enter__(self) -> Self:
        """Load nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the pipeline's memory go."""
        self._painter.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def samples(self, start: int = 0) -> Iterator[Sample | Dropped]:
        """Yield the samples from the ``start``-th on; a prompt whose images were all refused is left out by name."""
        first = start - start % self._options.batch_size
        return islice(self._from(first), start - first, None)

    def _from(self, first: int) -> Iterator[Sample | Dropped]:
        for begin in range(first, len(self._prompts), self._options.batch_size):
            chunk = self._prompts[begin : begin + self._options.batch_size]
            orders = [self._orders(one, number) for number, one in enumerate(chunk, start=begin + 1)]
            images = self._paint([order for several in orders for order in several])
            for place, (one, own) in enumerate(zip(chunk, orders, strict=True)):
                made = images[place * self._options.n : (place + 1) * self._options.n]
                yield self._sample(one, own, made)

    def _orders(self, one: Prompted, number: int) -> list[Order]:
        scales = self._options.guidance
        return [
            Order(
                prompt=one.prompt,
                seed=self._seed(one, number, k),
                guidance=scales[k % len(scales)] if scales else None,
            )
            for k in range(self._options.n)
        ]

    def _seed(self, one: Prompted, number: int, k: int) -> int:
        if self._options.seeds == "numbered":
            return number * MOST_NUMBERED + k + 1
        return derive(self._run.seed, "text-to-image", one.id, k)

    def _paint(self, orders: Sequence[Order]) -> list[Image | None]:
        """Make images in batches of the same guidance, and return them in order."""
        alike: dict[float | None, list[int]] = defaultdict(list)
        for place, order in enumerate(orders):
            alike[order.guidance].append(place)
        images: list[Image | None] = [None] * len(orders)
        size, suffix = self._options.batch_size, _SUFFIXES[self._options.image_format]
        for places in alike.values():
            for batch in (places[begin : begin + size] for begin in range(0, len(places), size)):
                made = self._ready().paint([orders[place] for place in batch])
                for place, data in zip(batch, made, strict=True):
                    images[place] = None if data is None else self._run.images.add_bytes(data, suffix)
        return images

    def _ready(self) -> Painter:
        if not self._painter:
            self._painter.append(Painter(self._options))
        return self._painter[0]

    def _sample(self, one: Prompted, orders: Sequence[Order], images: Sequence[Image | None]) -> Sample | Dropped:
        made = [(order, image) for order, image in zip(orders, images, strict=True) if image is not None]
        if not made:
            detail = f"the pipeline's safety checker refused all {len(orders)} images of {one.prompt!r}"
            return Dropped(id=one.id, reason="refused by the safety checker", detail=detail)
        pictures = tuple(image for _, image in made)
        drawn: list[dict[str, Any]] = [{"seed": order.seed, "guidance": order.guidance} for order, _ in made]
        alone = self._options.n == 1
        return Sample(
            id=one.id,
            images=pictures if alone else (),
            candidates=() if alone else pictures,
            prompt=user(one.question),
            truth={
                IMAGE_PROMPT: one.prompt,
                **({"category": one.category} if one.category else {}),
                "made": {"path": self._options.path, "steps": self._options.steps, "images": drawn},
            },
        )
