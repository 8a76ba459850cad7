"""Which image is like which: the first of those that are alike stands for all of them."""

import numpy as np
from numpy.typing import NDArray

from pairsmith.values import Image
from pairsmith_quality.hamming import HammingIndex
from pairsmith_quality.looks import Look, look


class Pictures:
    """Images that are not alike, numbered as they come. An image that is like an earlier one has that one's number.

    Only the first of those that are alike is kept and compared, so that likeness does not drift from one to the next, and
    a set of one image a thousand times costs no more than one.
    """

    def __init__(self, max_distance: int, max_colour: int) -> None:
        """Hold none."""
        self._index = HammingIndex(max_distance)
        self._most = max_colour
        self._colours: NDArray[np.uint8] = np.empty((64, 48), dtype=np.uint8)
        self._known: dict[str, int] = {}
        self.copies = 0

    def __len__(self) -> int:
        """Return how many there are that are not alike."""
        return len(self._index)

    def number(self, image: Image) -> int:
        """Return the number of the image that stands for this one; a file is read once."""
        name = image.id or str(image.path)
        if name not in self._known:
            seen = look(image.path)
            found = self.find(seen)
            self.copies += found is not None
            self._known[name] = self._add(seen) if found is None else found
        return self._known[name]

    def find(self, seen: Look) -> int | None:
        """Return the number of the nearest image that looks like this, or nothing."""
        near = self._index.within(seen.code)
        if not near:
            return None
        numbers = [number for _, number in near]
        differ = np.abs(self._colours[numbers].astype(np.int16) - seen.colours).max(axis=1)
        alike = np.flatnonzero(differ <= self._most)
        return numbers[int(alike[0])] if alike.size else None

    def _add(self, seen: Look) -> int:
        number = self._index.add(seen.code)
        if number == len(self._colours):
            self._colours = np.concatenate([self._colours, np.empty_like(self._colours)])
        self._colours[number] = seen.colours
        return number
