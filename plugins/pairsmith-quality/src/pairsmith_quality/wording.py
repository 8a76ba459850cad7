"""Finds texts that say nearly the same, without comparing each with all.

A text becomes the set of its sequences of three words, in the words' normal form: no case, no punctuation, no spacing.
Two texts are as alike as their sets: common sequences over all sequences (Jaccard). MinHash (Broder 1997) makes 125
numbers of a set, of which two sets share as large a part as the sets are alike; they are cut into 25 bands of five, and
only texts that share a whole band are compared, exactly. What is alike to 80 % shares one with a probability of
1 - (1 - 0.8^5)^25 = 99.995 %, to 70 % with 99 %; what is not is compared in vain or not at all, and never found.
"""

from collections.abc import Hashable, Iterable
from zlib import crc32

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from pairsmith.hygiene import words

SEQUENCE = 3
BANDS, ROWS = 25, 5
Shingles = NDArray[np.uint32]

_DRAWN = np.random.default_rng(0x5EED).integers(0, 2**64, size=(2, BANDS * ROWS), dtype=np.uint64)
_FACTOR, _SHIFT = _DRAWN[0] | np.uint64(1), _DRAWN[1]
_MIX = np.random.default_rng(0x1D).integers(0, 2**64, size=ROWS, dtype=np.uint64) | np.uint64(1)
_PIECE = 4096


def shingles(parts: Iterable[tuple[str, str]]) -> Shingles:
    """Return the sequences of some texts, each of which has a label that keeps it from being taken for another.

    >>> one = shingles([("chosen", "A cat on a mat.")])
    >>> len(one), len(shingles([("chosen", "a CAT on a mat"), ("rejected", "A dog.")]))
    (3, 4)
    """
    found = set()
    for label, text in parts:
        said = words(text)
        begun = crc32(label.encode())
        for start in range(max(1, len(said) - SEQUENCE + 1) if said else 0):
            found.add(crc32(" ".join(said[start : start + SEQUENCE]).encode("utf-8", "replace"), begun))
    return np.array(sorted(found), dtype=np.uint32)


def jaccard(one: Shingles, other: Shingles) -> float:
    """Return common over all sequences; two texts without a word are not alike."""
    common = np.intersect1d(one, other, assume_unique=True).size
    every = one.size + other.size - common
    return common / every if every else 0.0


@frozen(eq=False)
class Wording:
    """A text as it is compared: its sequences, sorted, and one number for each of the 25 bands."""

    sequences: Shingles
    bands: tuple[int, ...]


def wording(parts: Iterable[tuple[str, str]]) -> Wording:
    """Return some labelled texts as they are compared; what has no word is like nothing."""
    sequences = shingles(parts)
    if not sequences.size:
        return Wording(sequences, ())
    mixed = (_signature(sequences).reshape(BANDS, ROWS).astype(np.uint64) * _MIX).sum(axis=1)
    return Wording(sequences, tuple(mixed.tolist()))


def _signature(sequences: Shingles) -> NDArray[np.uint32]:
    """Return the least of each of 125 hashes: multiply, add and keep the upper half, which is 2-universal."""
    least = np.full(BANDS * ROWS, 2**32 - 1, dtype=np.uint32)
    for start in range(0, sequences.size, _PIECE):
        piece = sequences[start : start + _PIECE].astype(np.uint64)[:, None]
        least = np.minimum(least, ((piece * _FACTOR + _SHIFT) >> np.uint64(32)).min(axis=0).astype(np.uint32))
    return least


class Wordings:
    """Texts by number, in the order in which they were added. A text is compared within its group only."""

    def __init__(self, similarity: float) -> None:
        """Hold none."""
        self._similarity = similarity
        self._texts: list[tuple[Shingles, Hashable]] = []
        self._tables: list[dict[int, int | list[int]]] = [{} for _ in range(BANDS)]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._texts)

    def find(self, one: Wording, group: Hashable = None) -> tuple[int, float] | None:
        """Return the number of the text most alike and its similarity, the first of several; or nothing."""
        candidates: set[int] = set()
        own = hash(group)
        for table, band in zip(self._tables, one.bands, strict=False):
            there = table.get(band ^ own, ())
            candidates.update((there,) if isinstance(there, int) else there)
        alike = [
            (jaccard(one.sequences, self._texts[number][0]), -number)
            for number in candidates
            if self._texts[number][1] == group
        ]
        best = max(alike, default=(0.0, 0))
        return (-best[1], best[0]) if best[0] >= self._similarity else None

    def add(self, one: Wording, group: Hashable = None) -> int:
        """Keep a text, and return its number."""
        number, own = len(self._texts), hash(group)
        self._texts.append((one.sequences, group))
        for table, band in zip(self._tables, one.bands, strict=False):
            there = table.setdefault(band ^ own, number)
            if isinstance(there, list):
                there.append(number)
            elif there != number:
                table[band ^ own] = [there, number]
        return number
