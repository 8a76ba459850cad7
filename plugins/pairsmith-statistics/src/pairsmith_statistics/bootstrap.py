"""Intervals and tests for numbers that are functions of sums over items.

A benchmark's number is rarely a mean of item values: CHAIR is false objects of all over objects of all, F1 is made of
three counts. So what is drawn again is clusters (the items of one image), their sums are added up, and the number is
computed from the totals by the benchmark's own formula. Clusters are drawn with replacement, as often as there are.

Intervals are bias-corrected and accelerated (BCa): Efron, Better Bootstrap Confidence Intervals, JASA 82, 1987, with the
acceleration from leaving out one cluster at a time. Where BCa is not defined the interval is of percentiles.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Formula = Callable[[Mapping[str, float]], Mapping[str, float]]
"""From totals to numbers by name; a number that is not defined is left out."""

LARGEST_CHUNK = 4_000_000
"""Draws that are held in memory at once."""

UNDEFINED = 0.05
"""Share of resamples without a number beyond which there is no interval."""

TINY = 1e-12
"""Differences between resamples up to which they are the same."""

_NORMAL = NormalDist()


@frozen(kw_only=True)
class Interval:
    """Where a number lies. ``method`` is how it was computed; ``none`` where it could not be, with ``nan`` as bounds."""

    low: float
    high: float
    method: Literal["bca", "percentile", "none"]


@frozen(kw_only=True)
class Clusters:
    """What each cluster adds to the sums of one model: ``table`` is ``[clusters, sums]``."""

    names: tuple[str, ...]
    table: Floats

    def numbers(self, totals: Floats, formula: Formula, metrics: Sequence[str]) -> Floats:
        """Return the metrics of rows of totals, ``[rows, metrics]``; ``nan`` where one is not defined."""
        found = np.full((len(totals), len(metrics)), np.nan)
        for row, total in enumerate(totals.tolist()):
            values = formula(dict(zip(self.names, total, strict=True)))
            found[row] = [values.get(metric, np.nan) for metric in metrics]
        return found


def clusters(rows: Sequence[tuple[str, Mapping[str, float]]], order: Sequence[str]) -> Clusters:
    """Add up the sums of items, given as (cluster, sums), by cluster in this order."""
    names = tuple(dict.fromkeys(name for _, sums in rows for name in sums))
    column, place = {name: k for k, name in enumerate(names)}, {name: k for k, name in enumerate(order)}
    table = np.zeros((len(order), len(names)))
    for cluster, sums in rows:
        for name, value in sums.items():
            table[place[cluster], column[name]] += value
    return Clusters(names=names, table=table)


def draws(number: int, resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each cluster is drawn, ``[some resamples, number]``: the same for every model of a seed."""
    dice = np.random.default_rng(seed)
    left, most = resamples, max(1, LARGEST_CHUNK // max(1, number))
    even = np.full(number, 1 / number)
    while left:
        some = min(left, most)
        yield dice.multinomial(number, even, size=some).astype(np.float64)
        left -= some


def resampled(
    models: Sequence[Clusters], formula: Formula, metrics: Sequence[str], resamples: int, seed: int
) -> list[Floats]:
    """Return each model's metrics in each resample, ``[resamples, metrics]``; a draw is the same for all models."""
    found: list[list[Floats]] = [[] for _ in models]
    for weights in draws(len(models[0].table), resamples, seed):
        for model, parts in zip(models, found, strict=True):
            parts.append(model.numbers(weights @ model.table, formula, metrics))
    return [np.concatenate(parts) for parts in found]


def left_out(model: Clusters, formula: Formula, metrics: Sequence[str]) -> Floats:
    """Return the metrics without one cluster at a time, ``[clusters, metrics]``."""
    return model.numbers(model.table.sum(axis=0) - model.table, formula, metrics)


def interval(estimate: float, resamples: Floats, jackknife: Floats, confidence: float) -> Interval:
    """Return the BCa interval of an estimate.

    Where all resamples lie on one side of it, or leaving out a cluster changes nothing, it is the percentiles'. There is
    none where more than one in twenty resamples has no number, and where all have the same: that every answer was right
    does not say that every other one would be.
    """
    defined = resamples[~np.isnan(resamples)]
    if np.isnan(estimate) or len(defined) < (1 - UNDEFINED) * len(resamples):
        return Interval(low=float("nan"), high=float("nan"), method="none")
    if np.ptp(defined) <= TINY:
        return Interval(low=float("nan"), high=float("nan"), method="none")
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    shifted = _shifted(estimate, defined, jackknife[~np.isnan(jackknife)], tails)
    low, high = (float(one) for one in np.quantile(defined, tails if shifted is None else shifted))
    return Interval(low=low, high=high, method="percentile" if shifted is None else "bca")


def _shifted(estimate: float, resamples: Floats, jackknife: Floats, tails: tuple[float, float]) -> list[float] | None:
    below = float((np.sum(resamples < estimate) + np.sum(resamples <= estimate)) / (2 * len(resamples)))
    away = jackknife.mean() - jackknife if len(jackknife) > 1 else np.zeros(1)
    spread = float(np.sum(away**2))
    if not 0 < below < 1 or spread <= 0:
        return None
    bias, speed = _NORMAL.inv_cdf(below), float(np.sum(away**3)) / (6 * spread**1.5)
    moved = []
    for tail in tails:
        z = bias + _NORMAL.inv_cdf(tail)
        if speed * z >= 1:
            return None
        moved.append(_NORMAL.cdf(bias + z / (1 - speed * z)))
    return moved


def permutation_p(
    base: Clusters, other: Clusters, formula: Formula, metrics: Sequence[str], resamples: int, seed: int
) -> Floats:
    """Return, for each metric, the p-value of "the two models are the same": two-sided, ``[metrics]``.

    Under it, which of two answers to an item is whose does not matter. The answers of each cluster change sides at
    random, and p is the share of such draws in which the difference is at least as large as it is, the draw that was
    made counted in (Phipson and Smyth, Permutation P-values Should Never Be Zero, 2010). ``nan`` where the difference is
    not defined.
    """
    names = tuple(dict.fromkeys((*base.names, *other.names)))
    one, two = (_columns(model, names) for model in (base, other))
    both = Clusters(names=names, table=one)
    sides = Clusters(names=names, table=np.stack([one.sum(axis=0), two.sum(axis=0)]))
    first, second = sides.numbers(sides.table, formula, metrics)
    there = np.abs(second - first)
    dice = np.random.default_rng([seed, 1])
    as_far, counted, left = np.ones(len(metrics)), np.ones(len(metrics)), resamples
    while left:
        some = min(left, max(1, LARGEST_CHUNK // max(1, len(one))))
        change = dice.integers(0, 2, size=(some, len(one))).astype(np.float64) @ (two - one)
        here = both.numbers(one.sum(axis=0) + change, formula, metrics)
        apart = np.abs(both.numbers(two.sum(axis=0) - change, formula, metrics) - here)
        as_far += np.sum(apart >= there - 1e-9, axis=0)
        counted += np.sum(~np.isnan(apart), axis=0)
        left -= some
    return np.where(np.isnan(there), np.nan, as_far / counted)


def _columns(model: Clusters, names: Sequence[str]) -> Floats:
    found = np.zeros((len(model.table), len(names)))
    for column, name in enumerate(model.names):
        found[:, names.index(name)] = model.table[:, column]
    return found


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values for several questions at once: Holm, Scandinavian Journal of Statistics 6, 1979.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted((n for n, p in enumerate(p_values) if p == p), key=lambda n: p_values[n])  # noqa: PLR0124 - not nan
    found, highest = [float("nan")] * len(p_values), 0.0
    for rank, n in enumerate(order):
        highest = max(highest, min(1.0, p_values[n] * (len(order) - rank)))
        found[n] = highest
    return found


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value as JSON has it: numbers that are none become ``None``."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return None if value != value else float(value)  # noqa: PLR0124 - nan
    return value
