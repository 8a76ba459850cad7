"""BLEU: Papineni et al., BLEU: a Method for Automatic Evaluation of Machine Translation, ACL 2002, section 2.

The modified precision p_n is the share of a text's n-grams that a reference has, each no more often than the reference
that has it most often. The brevity penalty is exp(1 - r/c) for a text of c tokens, shorter than the reference length r
closest to it. Individual BLEU-n is penalty x p_n, cumulative BLEU-n is penalty x (p_1 ... p_n)^(1/n). Nothing is
smoothed: without a common n-gram it is 0.
"""

import math
from collections import Counter
from collections.abc import Sequence

from attrs import frozen

ORDERS = (1, 2, 3, 4)


Gram = tuple[str, ...]


@frozen
class Counted:
    """A text as tokens, and how often each of its n-grams occurs, by order."""

    tokens: Sequence[str]
    grams: Sequence[Counter[Gram]]


def counted(tokens: Sequence[str]) -> Counted:
    """Count the n-grams of a text."""
    return Counted(tokens, [Counter(zip(*(tokens[n:] for n in range(order)), strict=False)) for order in ORDERS])


@frozen
class Overlap:
    """What BLEU is computed from: common n-grams and n-grams by order, tokens, and the closest reference length."""

    common: tuple[float, ...]
    ngrams: tuple[float, ...]
    length: float
    reference: float


def overlap(text: Counted, references: Sequence[Counted]) -> Overlap:
    """Compare a text with its references; of two lengths equally close the shorter counts."""
    length = len(text.tokens)
    common = [
        sum(min(count, max(one.grams[n][gram] for one in references)) for gram, count in text.grams[n].items())
        for n in range(len(ORDERS))
    ]
    every = [max(0, length - order + 1) for order in ORDERS]
    closest = min((abs(len(one.tokens) - length), len(one.tokens)) for one in references)[1]
    return Overlap(tuple(common), tuple(every), length, closest)


def total(overlaps: Sequence[Overlap]) -> Overlap:
    """Return the sums over a corpus."""
    return Overlap(
        tuple(sum(one.common[n] for one in overlaps) for n in range(len(ORDERS))),
        tuple(sum(one.ngrams[n] for one in overlaps) for n in range(len(ORDERS))),
        sum(one.length for one in overlaps),
        sum(one.reference for one in overlaps),
    )


def bleu(counts: Overlap) -> dict[str, float]:
    """Return individual and cumulative BLEU-1 to BLEU-4, from 0 to 1.

    >>> text, reference = (counted(text.split()) for text in ("the the cat", "the cat sat down"))
    >>> scores = bleu(overlap(text, [reference]))
    >>> round(scores["bleu_1_individual"], 4), round(scores["bleu_2_cumulative"], 4)
    (0.4777, 0.4137)
    """
    penalty = _penalty(counts)
    scores = {}
    product = 1.0
    for order, common, every in zip(ORDERS, counts.common, counts.ngrams, strict=True):
        precision = common / every if every else 0.0
        product *= precision
        scores[f"bleu_{order}_individual"] = penalty * precision
        scores[f"bleu_{order}_cumulative"] = penalty * product ** (1 / order)
    return scores


def _penalty(counts: Overlap) -> float:
    if counts.length == 0:
        return 0.0
    return min(1.0, math.exp(1 - counts.reference / counts.length))
