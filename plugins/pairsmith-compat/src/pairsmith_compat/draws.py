"""MCM-DPO's noise, drawn anew in every epoch (arXiv 2510.00647, its released code)."""

from collections.abc import Iterable, Sequence

from attrs import evolve

from pairsmith.interfaces import Run
from pairsmith.values import Demonstration, Dropped, Judged, Pair
from pairsmith_compat.options import FreshDrawsOptions
from pairsmith_compat.wrapped import Wrapped


class FreshDraws(Wrapped):
    """Yields another selector's pairs several times, each time under an id of its own.

    A worse image is drawn by the id, and kept with its reference. So a pair that is there twice, and seen once each, has
    another noise each time, as where an epoch draws it anew.
    """

    def __init__(self, options: FreshDrawsOptions, run: Run) -> None:
        """Check the selector's table."""
        super().__init__("pair_selectors", options.selector, run, "selector")
        self._times = options.times

    def survey(self, everything: Iterable[tuple[Judged, int]]) -> None:
        """Show the other selector everything, where it asks for that."""
        if hasattr(self.inside, "survey"):
            self.inside.survey(everything)

    def select(self, judged: Judged, *, seed: int) -> Sequence[Pair | Demonstration | Dropped]:
        """Return the pairs, once for each draw."""
        return [
            one if isinstance(one, Dropped) or not draw else evolve(one, id=f"{one.id}:draw-{draw + 1}")
            for one in self.inside.select(judged, seed=seed)
            for draw in range(1 if isinstance(one, Dropped) else self._times)
        ]
