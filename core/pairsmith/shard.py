"""A share of a run's parts, for one of several processes or machines that work side by side.

Each makes its share in a run directory of its own, up to the verdicts. A run of the same recipe beside them takes all of
them over, as it does with whatever another run has finished, and goes on from there. So the result is that of one process.
"""

import re

from attrs import frozen

from pairsmith import names
from pairsmith.errors import UsageError

LAST = "verdicts"
"""The last stage whose parts depend on nothing but the same part of the stages before."""


@frozen
class Shard:
    """The ``number``-th of ``of`` shares, from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        """Return it as it is given on the command line."""
        return f"{self.number}/{self.of}"

    def holds(self, part: int) -> bool:
        """Tell whether a part is of this share.

        >>> [part for part in range(7) if Shard(2, 3).holds(part)]
        [1, 4]
        """
        return part % self.of == self.number - 1


def parse(text: str) -> Shard:
    """Return the share that a text such as ``2/4`` means."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        msg = f"--shard {text!r} must be a share such as 2/4: the second of four"
        raise UsageError(msg)
    return Shard(int(found[1]), int(found[2]))


def until(shard: Shard, asked: str | None) -> str:
    """Return the stage after which a share ends, and refuse one that needs all parts."""
    if asked is None:
        return LAST
    if names.UNTIL.index(asked) > names.UNTIL.index(LAST):
        msg = f"--shard {shard} makes parts up to the {LAST}; {asked!r} needs all of them, in a run without --shard"
        raise UsageError(msg)
    return asked
