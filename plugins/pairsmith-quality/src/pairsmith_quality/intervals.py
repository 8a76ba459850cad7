"""Means with intervals, where pairs of one image are not independent."""

from collections.abc import Mapping, Sequence

import numpy as np
from attrs import frozen
from numpy.typing import NDArray


@frozen
class Estimate:
    """A mean, and the interval that the bootstrap found."""

    mean: float
    low: float
    high: float

    def row(self) -> dict[str, float]:
        """Return it for JSON."""
        return {"mean": round(self.mean, 4), "low": round(self.low, 4), "high": round(self.high, 4)}


def bootstrap(
    columns: Mapping[str, NDArray[np.float64]],
    groups: Sequence[int] | NDArray[np.int64],
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, Estimate]:
    """Return the mean of each column ``[N]`` and its percentile interval; ``nan`` in a column is left out.

    Whole groups are drawn with replacement, as pairs of one image say much the same (cluster bootstrap; Davison and Hinkley
    1997, section 3.8). All columns are resampled together, so that differences of columns keep what they share.
    """
    names = list(columns)
    values = np.column_stack([columns[name] for name in names])
    there = ~np.isnan(values)
    _, of = np.unique(np.asarray(groups), return_inverse=True)
    number = int(of.max()) + 1
    sums, counts = np.zeros((number, len(names))), np.zeros((number, len(names)))
    np.add.at(sums, of, np.where(there, values, 0.0))
    np.add.at(counts, of, there.astype(float))
    random = np.random.default_rng(seed)
    drawn = np.empty((resamples, len(names)))
    with np.errstate(invalid="ignore", divide="ignore"):
        for k in range(resamples):
            times = np.bincount(random.integers(0, number, number), minlength=number).astype(float)
            drawn[k] = (times @ sums) / (times @ counts)
        means = sums.sum(axis=0) / counts.sum(axis=0)
    tail = 50 * (1 - confidence)
    found = {}
    for k, name in enumerate(names):
        known = drawn[:, k][~np.isnan(drawn[:, k])]
        if known.size:
            low, high = np.percentile(known, [tail, 100 - tail])
            found[name] = Estimate(float(means[k]), float(low), float(high))
    return found
