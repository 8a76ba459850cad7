"""Distributions of any number of values in bounded memory, exact in their count, mean, minimum and maximum."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from math import ceil, floor

from attrs import define, field

MOST_BINS = 4096
FINEST = 2.0**-20
LARGEST = 1e100
DISPLAYED = 30
_TAIL = 0.005
"""Share of the values that may lie far out before they would squeeze the others into a few bars."""


@define
class Histogram:
    """Counts values in bins of one width, aligned at zero; the width doubles when more than 4096 bins are in use.

    >>> lengths = Histogram()
    >>> for words in (3, 5, 5, 8):
    ...     lengths.add(words)
    >>> lengths.count, lengths.mean, lengths.highest
    (4, 5.25, 8)
    >>> lengths.counted([2.5, 4.5, 6.5, 8.5])
    [1, 2, 1]
    """

    width: float = FINEST
    whole: bool = True
    count: int = 0
    total: float = 0.0
    lowest: float = float("inf")
    highest: float = float("-inf")
    bins: "Counter[int]" = field(factory=Counter)

    @property
    def mean(self) -> float:
        """The mean of the values; there must be one."""
        return self.total / self.count

    def add(self, value: float) -> None:
        """Count a value. One that is not finite, or as good as infinite, is no part of a distribution."""
        if not abs(value) <= LARGEST:
            return
        self.bins[floor(value / self.width)] += 1
        self.count += 1
        self.total += value
        self.whole = self.whole and value == int(value)
        self.lowest, self.highest = min(self.lowest, value), max(self.highest, value)
        while len(self.bins) > MOST_BINS:
            self._coarsen()

    def _coarsen(self) -> None:
        coarser = Counter[int]()
        for number, count in self.bins.items():
            coarser[number // 2] += count
        self.bins, self.width = coarser, self.width * 2

    def quantile(self, share: float) -> float:
        """Return the value below which a share of the values lies, to the width of a bin."""
        seen = 0
        for number in sorted(self.bins):
            seen += self.bins[number]
            if seen >= share * self.count:
                return min(max(number * self.width, self.lowest), self.highest)
        return self.highest

    def counted(self, edges: Sequence[float]) -> list[int]:
        """Return how many values lie between each two edges; those outside are in the first or the last."""
        counts = [0] * (len(edges) - 1)
        for number, count in self.bins.items():
            place = bisect_right(edges, (number + 0.5) * self.width) - 1
            counts[min(max(place, 0), len(counts) - 1)] += count
        return counts


def edges(histograms: Sequence[Histogram]) -> list[float]:
    """Return edges of at most 30 or so bars that several distributions share; whole numbers lie amid their bars.

    A few values far out do not stretch the scale: they are counted in the first or last bar.
    """
    filled = [histogram for histogram in histograms if histogram.count]
    low, high = _ends(filled)
    if all(histogram.whole for histogram in filled):
        step = max(1, ceil((high - low + 1) / DISPLAYED))
        first = floor(low)
        return [first - 0.5 + step * k for k in range(ceil((high - first + 1) / step) + 1)]
    if low == high:
        reach = abs(low) / 10 or 0.5
        return [low - reach, low + reach]
    return [low + (high - low) * k / DISPLAYED for k in range(DISPLAYED + 1)]


def _ends(filled: Sequence[Histogram]) -> tuple[float, float]:
    low, high = min(one.lowest for one in filled), max(one.highest for one in filled)
    inner_low = min(one.quantile(_TAIL) for one in filled)
    inner_high = max(one.quantile(1 - _TAIL) for one in filled)
    inner = inner_high - inner_low
    if inner <= 0:
        return low, high
    return (
        inner_low if inner_low - low > inner / 2 else low,
        inner_high if high - inner_high > inner / 2 else high,
    )
