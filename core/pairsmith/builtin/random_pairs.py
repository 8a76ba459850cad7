"""Pairs at random: the control that shows what a judge is worth."""

from itertools import combinations
from random import Random

from attrs import frozen

from pairsmith.builtin.choosing import Scored, best, candidates, pair, rated, worst
from pairsmith.builtin.options import RandomOptions
from pairsmith.interfaces import Run
from pairsmith.scores import TOLERANCE
from pairsmith.values import Judged, Pair


@frozen
class RandomPairs:
    """Yields two different answers of a sample, in a random order.

    With ``min_margin`` only samples are taken that ``best-worst`` with the same margin would take, and only answers
    with a score, so that recipe and control learn from the same images and differ in nothing but the choice of answers.
    """

    options: RandomOptions
    run: Run

    def select(self, judged: Judged, *, seed: int) -> tuple[Pair, ...]:
        """Return at most ``per_image`` pairs."""
        there = self._eligible(judged)
        draw = Random(seed)
        all_pairs = list(combinations(there, 2))
        made = []
        for couple in draw.sample(all_pairs, min(self.options.per_image, len(all_pairs))):
            chosen, rejected = draw.sample(couple, 2)
            known = None if chosen.score is None or rejected.score is None else (chosen.score, rejected.score)
            made.append(pair(judged.sample, chosen.response, rejected.response, known))
        return tuple(made)

    def _eligible(self, judged: Judged) -> list[Scored]:
        if self.options.min_margin is None:
            return candidates(judged, self.options) if judged.responses else []
        answers = rated(judged, self.options)
        least = max(self.options.min_margin - TOLERANCE, TOLERANCE)
        if not answers or best(answers)[1] - worst(answers)[1] < least:
            return []
        return [Scored(response, score) for response, score in answers]
