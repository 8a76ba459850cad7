"""Held-out pictures, and how well they are told."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from pairsmith.interfaces import Run, Scores
from pairsmith.values import Response, Sample, user
from pairsmith_toyworld.caption import PROMPTS
from pairsmith_toyworld.chair import LOWER_IS_BETTER, NEUTRAL, rates, record, tally
from pairsmith_toyworld.options import BenchmarkOptions
from pairsmith_toyworld.oracle import scene_of
from pairsmith_toyworld.render import png
from pairsmith_toyworld.scene import draw


class ToyworldBenchmark:
    """Implements :class:`pairsmith.interfaces.Benchmark`. Its pictures do not depend on the run's seed."""

    source: ClassVar[str] = "CHAIR: Rohrbach et al., Object Hallucination in Image Captioning, arXiv 1809.02156"

    def __init__(self, options: BenchmarkOptions, run: Run) -> None:
        """Take the options."""
        self._options, self._run = options, run

    def samples(self) -> Iterator[Sample]:
        """Yield the held-out pictures; the three prompts take turns."""
        dice = random.Random(self._options.seed)
        for number in range(self._options.scenes):
            scene = draw(dice)
            yield Sample(
                id=f"held-out-{number:04d}",
                images=(self._run.images.add_bytes(png(scene), ".png"),),
                prompt=user(PROMPTS[number % len(PROMPTS)]),
                truth={"scene": scene.row()},
            )

    def score(self, samples: Sequence[Sample], responses: Sequence[Response]) -> Scores:
        """Score one caption per picture."""
        told = [(response.text, scene_of(sample)) for sample, response in zip(samples, responses, strict=True)]
        tallies = [tally(text, scene) for text, scene in told]
        total: Counter[str] = Counter()
        for one in tallies:
            total.update(one)
        return Scores(
            metrics=self.metrics(total),
            lower_is_better=LOWER_IS_BETTER,
            neutral=NEUTRAL,
            items=[record(text, scene) for text, scene in told],
            sums=tallies,
        )

    def metrics(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of the tallies of some captions, added up."""
        return rates(sums)
