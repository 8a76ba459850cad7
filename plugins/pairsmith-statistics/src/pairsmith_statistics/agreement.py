"""How far two opinions agree, and what a judge's scores go with. Pure functions; nothing of nothing is ``nan``."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from math import nan
from typing import Any

import numpy as np
from attrs import frozen
from scipy import stats

from pairsmith_statistics.bootstrap import clusters, interval, left_out, resampled

BINS = 10
EQUAL_LENGTH = 0.1
"""Two answers are equally long whose lengths differ by no more than this share of the longer one."""


def kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Return Cohen's kappa: Cohen, A Coefficient of Agreement for Nominal Scales, 1960, equation 1.

    Agreement beyond what two judges would reach who keep their own rates and guess; ``nan`` where both always say the same.

    >>> round(kappa("ynyy", "ynny"), 3)
    0.5
    """
    if not first:
        return nan
    observed = sum(one == two for one, two in zip(first, second, strict=True)) / len(first)
    rates = Counter(first), Counter(second)
    chance = sum(rates[0][name] * rates[1][name] for name in rates[0]) / len(first) ** 2
    return nan if chance == 1 else (observed - chance) / (1 - chance)


def tau_b(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Kendall's tau-b, which takes ties into account; ``nan`` where one of the two is constant."""
    if len(set(first)) < 2 or len(set(second)) < 2:  # noqa: PLR2004
        return nan
    return float(stats.kendalltau(first, second, variant="b").statistic)


def rate_interval(rows: Sequence[tuple[str, bool]], confidence: float, resamples: int, seed: int) -> dict[str, Any]:
    """Return a rate of (cluster, whether) with its interval, in percent; clusters are drawn again as in a comparison.

    Where all or none are so, or there are few clusters, it is Wilson's interval, and takes no notice of clusters.
    """
    if not rows:
        return {"n": 0, "rate": nan, "low": nan, "high": nan}
    hits = sum(so for _, so in rows)
    order = list(dict.fromkeys(cluster for cluster, _ in rows))
    found = {"n": len(rows), "rate": 100 * hits / len(rows)}
    if 0 < hits < len(rows) and len(order) >= BINS:
        table = clusters([(cluster, {"n": 1, "hits": int(so)}) for cluster, so in rows], order)

        def formula(sums: Mapping[str, float]) -> dict[str, float]:
            return {"rate": 100 * sums["hits"] / sums["n"]}

        (drawn,) = resampled([table], formula, ["rate"], resamples, seed)
        bounds = interval(found["rate"], drawn[:, 0], left_out(table, formula, ["rate"])[:, 0], confidence)
        return {**found, "low": bounds.low, "high": bounds.high}
    wilson = stats.binomtest(hits, len(rows)).proportion_ci(confidence, method="wilson")
    return {**found, "low": 100 * wilson.low, "high": 100 * wilson.high}


@frozen(kw_only=True)
class Rated:
    """One answer with a judge's score: its sample, its length in words, its place and its label."""

    sample: str
    response: str
    score: float
    words: int
    place: int = 0
    label: str = ""


def pairs(rated: Sequence[Rated]) -> list[tuple[Rated, Rated]]:
    """Return every two answers to one sample."""
    by_sample: dict[str, list[Rated]] = {}
    for one in rated:
        by_sample.setdefault(one.sample, []).append(one)
    return [(one, two) for some in by_sample.values() for n, one in enumerate(some) for two in some[n + 1 :]]


def equally_long(one: Rated, two: Rated) -> bool:
    """Tell whether two answers are of about one length."""
    return abs(one.words - two.words) <= EQUAL_LENGTH * max(one.words, two.words)


def preferred(one: Rated, two: Rated) -> int:
    """Return 1 where the first has the higher score, -1 where the second has, 0 for a tie."""
    return int(np.sign(one.score - two.score))


def won(found: Sequence[tuple[Rated, Rated]], first: Callable[[Rated, Rated], int]) -> list[tuple[str, bool]]:
    """Return, of pairs that are not ties, whether the one was preferred that ``first`` points to: (sample, whether).

    ``first`` returns 1 for the first, -1 for the second, 0 to leave the pair out.
    """
    told = [(one.sample, first(one, two), preferred(one, two)) for one, two in found]
    return [(sample, side == choice) for sample, side, choice in told if side and choice]


def reliability(stated: Sequence[float], true: Sequence[bool]) -> dict[str, Any]:
    """Return a reliability table of ten equal bins of probabilities, and the expected calibration error in percent.

    ECE is the mean over answers of how far their bin's share of true ones is from its mean probability: Guo et al., On
    Calibration of Modern Neural Networks, ICML 2017, equation 3.

    >>> reliability([0.9, 0.9, 0.9, 0.9], [True, True, True, False])["ece"]
    15.0
    """
    bins = np.minimum((np.asarray(stated) * BINS).astype(int), BINS - 1)
    rows, error = [], 0.0
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            mean, share = float(np.mean(np.asarray(stated)[inside])), float(np.mean(np.asarray(true)[inside]))
            rows.append({"from": number / BINS, "n": int(inside.sum()), "stated": 100 * mean, "true": 100 * share})
            error += float(inside.sum()) * abs(mean - share)
    return {"ece": round(100 * error / len(stated), 6) if len(stated) else nan, "bins": rows}
