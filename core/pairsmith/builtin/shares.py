"""Studies with a share of another selector's pairs: a subset of them, or some the wrong way round.

The survey counts what the other selector makes, so that shares are exact. What falls within a share is decided by a draw
per pair, so that a smaller share of the same seed is contained in a larger one.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve

from pairsmith.builtin.inner import inner, survey
from pairsmith.builtin.options import FlipOptions, SubsetOptions
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Demonstration, Dropped, Judged, Pair

_HIGHEST = 2**63


class _Share:
    """Tells which of another selector's pairs fall within a share."""

    def __init__(self, options: SubsetOptions | FlipOptions, run: Run, name: str) -> None:
        self._inner = inner(options.selector, run)
        self._seed = derive(run.seed, name, options.seed)
        self._share = options.share
        self._below = int(options.share * _HIGHEST)
        self._number = self._all = 0

    def survey(self, everything: Iterable[tuple[Judged, int]]) -> None:
        """Find where to cut, so that the share is exact."""
        survey(self._inner, everything)
        draws = array("Q")
        for judged, seed in everything:
            draws.extend(self._draw(one) for one in self._chosen(judged, seed) if not isinstance(one, Dropped))
        self._all, self._number = len(draws), self._wanted(len(draws))
        self._below = sorted(draws)[self._number] if self._number < len(draws) else _HIGHEST

    def _wanted(self, number: int) -> int:
        return round(self._share * number)

    def _chosen(self, judged: Judged, seed: int) -> Sequence[Pair | Demonstration | Dropped]:
        chosen: Sequence[Pair | Demonstration | Dropped] = self._inner.select(judged, seed=seed)
        return chosen

    def _draw(self, one: Pair | Demonstration) -> int:
        return derive(self._seed, one.id)

    def _within(self, one: Pair | Demonstration) -> bool:
        return self._draw(one) < self._below


class Subset(_Share):
    """Yields a share of another selector's pairs or demonstrations, for studies of how much data is enough."""

    def __init__(self, options: SubsetOptions, run: Run) -> None:
        """Check the other selector's table."""
        super().__init__(options, run, "subset")
        self._count = options.count

    def select(self, judged: Judged, *, seed: int) -> tuple[Pair | Demonstration | Dropped, ...]:
        """Return what falls within the share, and a note of what does not."""
        return tuple(
            one if isinstance(one, Dropped) or self._within(one) else Dropped(id=one.id, reason="not in the subset")
            for one in self._chosen(judged, seed)
        )

    def facts(self) -> Mapping[str, Any]:
        """Return how many there were and how many were taken."""
        return {"subset": f"{self._number} of {self._all}"} if self._all else {}

    def _wanted(self, number: int) -> int:
        if self._count is None:
            return super()._wanted(number)
        if self._count > number:
            msg = f"[pairs] count = {self._count}: the selector makes only {number}; ask for fewer"
            raise StageError(msg)
        return self._count


class Flip(_Share):
    """Yields another selector's pairs, a share of them with chosen and rejected exchanged, for studies of noise.

    An exchanged pair's scores are exchanged too, and its id ends with ``:flipped``.
    """

    def __init__(self, options: FlipOptions, run: Run) -> None:
        """Check the other selector's table."""
        super().__init__(options, run, "flip")

    def select(self, judged: Judged, *, seed: int) -> tuple[Pair | Dropped, ...]:
        """Return the pairs."""
        return tuple(self._flipped(one) for one in self._chosen(judged, seed))

    def facts(self) -> Mapping[str, Any]:
        """Return how many there were and how many were exchanged."""
        return {"flipped": f"{self._number} of {self._all}"} if self._all else {}

    def _flipped(self, one: Pair | Demonstration | Dropped) -> Pair | Dropped:
        if isinstance(one, Demonstration):
            msg = f"[pairs] use = 'flip' exchanges chosen and rejected, and {one.id!r} is a demonstration"
            raise StageError(msg)
        if isinstance(one, Dropped) or not self._within(one):
            return one
        return evolve(
            one,
            id=f"{one.id}:flipped",
            chosen=one.rejected,
            rejected=one.chosen,
            scores=None if one.scores is None else (one.scores[1], one.scores[0]),
        )
