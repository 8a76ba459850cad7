"""The best answer of a sample against a bad one (PDS-DPO, arXiv 2412.17417; mllm-dpo)."""

from random import Random

from attrs import frozen

from pairsmith.builtin.choosing import best, pair, rated, worst
from pairsmith.builtin.options import BestWorstOptions
from pairsmith.interfaces import Run
from pairsmith.scores import TOLERANCE
from pairsmith.values import Judged, Pair


@frozen
class BestWorst:
    """Yields at most one pair a sample: first best against first worst, none where all scores are equal.

    With ``rejected = "random"`` the other side is drawn among the answers at least ``min_margin`` below the best.
    """

    options: BestWorstOptions
    run: Run

    def select(self, judged: Judged, *, seed: int) -> tuple[Pair, ...]:
        """Return one pair, or none."""
        answers = rated(judged, self.options)
        if not answers:
            return ()
        chosen, top = best(answers)
        least = max(self.options.min_margin - TOLERANCE, TOLERANCE)
        below = [answer for answer in answers if top - answer[1] >= least]
        if not below:
            return ()
        rejected, low = worst(below) if self.options.rejected == "worst" else Random(seed).choice(below)
        return (pair(judged.sample, chosen, rejected, (top, low)),)
