"""Pictures to ask about."""

import random
from collections.abc import Iterator

from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Response, Sample, user
from pairsmith_toyworld.caption import BIASED, FAITHFUL, PROMPTS, QUESTION, answer, caption
from pairsmith_toyworld.options import SourceOptions
from pairsmith_toyworld.render import png
from pairsmith_toyworld.scene import draw

_WORD_WHERE_ASKED = 0.75


class ToyworldSource:
    """Implements :class:`pairsmith.interfaces.ImageSource`. Each sample has a seed of its own, so none needs the others."""

    def __init__(self, options: SourceOptions, run: Run) -> None:
        """Take the options and the run's seed."""
        self._options, self._run = options, run

    def __len__(self) -> int:
        """Return the number of samples."""
        return self._options.samples

    def samples(self, start: int = 0) -> Iterator[Sample]:
        """Yield the samples from the ``start``-th on."""
        for number in range(start, self._options.samples):
            yield self._sample(number)

    def _sample(self, number: int) -> Sample:
        dice = random.Random(derive(self._run.seed, "toyworld", self._options.split, number))
        asked = (
            dice.random() < self._options.questions and self._options.answers != "none"
        )  # the dice are thrown anyway
        scene = draw(dice, word=_WORD_WHERE_ASKED) if asked else draw(dice)
        name = f"toyworld-{number:06d}"
        given: tuple[Response, ...] = ()
        if self._options.answers != "none":
            prior = BIASED if self._options.answers == "biased" else FAITHFUL
            text = answer(scene) if asked else caption(scene, dice, prior)
            given = (Response(id=f"{name}/given", sample_id=name, text=text, model="annotator", label="chosen"),)
        return Sample(
            id=name,
            images=(self._run.images.add_bytes(png(scene), ".png"),),
            prompt=user(QUESTION if asked else dice.choice(PROMPTS)),
            given=given,
            truth={"scene": scene.row()},
        )
