"""Picks a few of a stream whose length is not known, evenly spread and always the same ones."""

from typing import Generic, TypeVar

from attrs import define, field

T = TypeVar("T")


@define
class Spread(Generic[T]):
    """Keeps every ``stride``-th of what is added, and doubles the stride when that becomes too many.

    >>> spread = Spread(wanted=3)
    >>> for number in range(100):
    ...     spread.add(number)
    >>> spread.picked()
    [0, 48, 96]
    """

    wanted: int
    stride: int = 1
    seen: int = 0
    kept: list[T] = field(factory=list)

    def add(self, value: T) -> None:
        """See one more."""
        if self.wanted and self.seen % self.stride == 0:
            self.kept.append(value)
            if len(self.kept) > 4 * self.wanted:
                self.kept = self.kept[::2]
                self.stride *= 2
        self.seen += 1

    def picked(self) -> list[T]:
        """Return those wanted: the first, the last that was kept, and as many between them at even distances."""
        if len(self.kept) <= self.wanted:
            return list(self.kept)
        if self.wanted == 1:
            return self.kept[:1]
        last = len(self.kept) - 1
        return [self.kept[k * last // (self.wanted - 1)] for k in range(self.wanted)]
