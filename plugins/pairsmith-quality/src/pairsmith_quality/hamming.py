"""Finds hashes of 64 bits that differ in few bits, without comparing each with all.

The bits are cut into one band more than the distance asked for. Two hashes that differ in at most ``d`` bits have at most
``d`` of ``d + 1`` bands in which they differ, so they agree in all bits of at least one (the pigeonhole principle). A hash
is therefore compared only with those that share a band with it, and none is missed: the index is exact.
"""

from array import array
from itertools import pairwise

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

BITS = 64


@define
class _Bucket:
    codes: "array[int]" = field(factory=lambda: array("Q"))
    numbers: "array[int]" = field(factory=lambda: array("l"))


class HammingIndex:
    """Hashes by number, in the order in which they were added, and those within ``distance`` of another.

    >>> index = HammingIndex(1)
    >>> index.add(0b1010), index.add(0b0101)
    (0, 1)
    >>> index.within(0b1011)
    [(1, 0)]
    """

    def __init__(self, distance: int) -> None:
        """Cut the bits into ``distance + 1`` bands."""
        self._distance = distance
        self._number = 0
        edges = [BITS * band // (distance + 1) for band in range(distance + 2)]
        self._bands = [(low, (1 << (high - low)) - 1) for low, high in pairwise(edges)]
        self._tables: list[dict[int, _Bucket]] = [{} for _ in self._bands]

    def __len__(self) -> int:
        """Return how many there are."""
        return self._number

    def add(self, code: int) -> int:
        """Keep a hash, and return its number."""
        number, self._number = self._number, self._number + 1
        for table, (low, mask) in zip(self._tables, self._bands, strict=True):
            bucket = table.setdefault((code >> low) & mask, _Bucket())
            bucket.codes.append(code)
            bucket.numbers.append(number)
        return number

    def within(self, code: int) -> list[tuple[int, int]]:
        """Return ``(bits that differ, number)`` of every hash within the distance, the nearest and first first."""
        found: dict[int, int] = {}
        for table, (low, mask) in zip(self._tables, self._bands, strict=True):
            bucket = table.get((code >> low) & mask)
            if bucket is not None:
                found |= _near(bucket, code, self._distance)
        return sorted((distance, number) for number, distance in found.items())


def _near(bucket: _Bucket, code: int, most: int) -> dict[int, int]:
    codes: NDArray[np.uint64] = np.frombuffer(bucket.codes, dtype=np.uint64)
    distances = np.bitwise_count(codes ^ np.uint64(code))
    return {bucket.numbers[k]: int(distances[k]) for k in np.flatnonzero(distances <= most)}
