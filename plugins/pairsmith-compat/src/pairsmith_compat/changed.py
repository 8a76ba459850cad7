"""Items that are changed as they are read."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import frozen

from pairsmith.values import Item


@frozen
class Changed(Sequence[Item]):
    """The items of a training, each changed when it is asked for: they are read from the disk as the others are."""

    items: Sequence[Item]
    change: Callable[[Item], Item]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.items)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a number or a slice
        """Return one of them, or several."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return self.change(self.items[index])

    def __iter__(self) -> Iterator[Item]:
        """Yield them in order."""
        return (self[number] for number in range(len(self)))
