"""CIDEr and CIDEr-D: Vedantam et al., CIDEr: Consensus-based Image Description Evaluation, arXiv 1411.5726.

An n-gram weighs its count times log(images / images with a reference that has it), at most log(images). CIDEr_n is the
mean over the references of the cosine of the two texts' weights; CIDEr the mean over n = 1 to 4 (section 4). CIDEr-D
cuts each weight of the answer down to the reference's, so that repeating a word gains nothing, and takes
exp(-(difference of lengths)^2 / (2 x 6^2)) of the cosine, so that length does not either (section 8). Both are given
times 10, as the authors' programs do. Words are not stemmed.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from pairsmith_benchmarks.bleu import ORDERS, Counted, Gram

SIGMA = 6.0
"""Spread of the penalty on a difference of lengths, in bigrams, as the authors' program counts it."""


@frozen
class Weighed:
    """A text as weights of its n-grams by order, with their norms, and its length in bigrams."""

    weights: Sequence[Mapping[Gram, float]]
    norms: Sequence[float]
    length: int


@frozen
class Corpus:
    """In how many images' references each n-gram occurs."""

    images: int
    frequency: Mapping[Gram, int] = field(repr=False)

    def weigh(self, text: Counted) -> Weighed:
        """Return a text's weights."""
        most = math.log(self.images)
        weights = [
            {gram: count * (most - math.log(max(1, self.frequency.get(gram, 0)))) for gram, count in grams.items()}
            for grams in text.grams
        ]
        norms = [math.sqrt(sum(weight**2 for weight in some.values())) for some in weights]
        return Weighed(weights, norms, max(0, len(text.tokens) - 1))

    def scores(self, text: Counted, references: Sequence[Counted]) -> tuple[float, float]:
        """Return CIDEr and CIDEr-D of one text, from 0 to 10."""
        own = self.weigh(text)
        plain = clipped = 0.0
        for reference in references:
            other = self.weigh(reference)
            penalty = math.exp(-((own.length - other.length) ** 2) / (2 * SIGMA**2))
            for order in range(len(ORDERS)):
                norm = own.norms[order] * other.norms[order]
                if norm:
                    plain += _dot(own.weights[order], other.weights[order]) / norm
                    clipped += penalty * _clipped(own.weights[order], other.weights[order]) / norm
        scale = 10 / len(ORDERS) / len(references)
        return scale * plain, scale * clipped


def corpus(references: Sequence[Sequence[Counted]]) -> Corpus:
    """Return the frequencies of a benchmark's references, the texts of each image."""
    frequency: Counter[Gram] = Counter()
    for texts in references:
        frequency.update({gram for text in texts for grams in text.grams for gram in grams})
    return Corpus(len(references), frequency)


def _dot(one: Mapping[Gram, float], other: Mapping[Gram, float]) -> float:
    return sum(weight * other[gram] for gram, weight in one.items() if gram in other)


def _clipped(one: Mapping[Gram, float], other: Mapping[Gram, float]) -> float:
    return sum(min(weight, other[gram]) * other[gram] for gram, weight in one.items() if gram in other)
