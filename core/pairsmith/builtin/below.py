"""The best answer against a random one far enough below it (mllm-dpo, arXiv 2402.10884)."""

from random import Random

from attrs import frozen

from pairsmith.builtin.choosing import best, pair, rated
from pairsmith.builtin.options import MaxVsRandomBelowOptions
from pairsmith.interfaces import Run
from pairsmith.scores import TOLERANCE
from pairsmith.seeds import derive
from pairsmith.values import Judged, Pair


@frozen
class MaxVsRandomBelow:
    """Yields at most one pair a sample: the first of the best, and one drawn among those at least ``gap`` below it.

    A sample whose scores lie closer together makes no pair. As published, ``q`` is helpfulness + correctness + coherence
    and the rejected answer uniform over ``{j: q_j <= max(q) - 2}``.
    """

    options: MaxVsRandomBelowOptions
    run: Run

    def select(self, judged: Judged, *, seed: int) -> tuple[Pair, ...]:
        """Return one pair, or none."""
        answers = rated(judged, self.options)
        if not answers:
            return ()
        chosen, top = best(answers)
        below = [answer for answer in answers if top - answer[1] >= max(self.options.gap - TOLERANCE, TOLERANCE)]
        if not below:
            return ()
        rejected, low = Random(derive(self.options.seed, seed)).choice(below)
        return (pair(judged.sample, chosen, rejected, (top, low)),)
