"""Margins for which chosen and rejected answers are equally long on average.

Judges like long answers, and a model that learns from their pairs learns length before anything else. Where the chosen
answers of another selector are the longer ones on average, a pair whose chosen answer is the longer one must be won by a
larger margin; where they are the shorter ones, the other way round.
"""

from array import array
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from attrs import define, field

from pairsmith.builtin.inner import inner, survey
from pairsmith.builtin.options import LengthBalanceOptions
from pairsmith.errors import StageError
from pairsmith.hygiene import words
from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Demonstration, Dropped, Judged, Pair


@define
class _Lengths:
    """Number, and summed lengths of both sides, of some pairs."""

    pairs: int = 0
    chosen: int = 0
    rejected: int = 0

    def add(self, chosen: int, rejected: int) -> None:
        self.pairs += 1
        self.chosen += chosen
        self.rejected += rejected

    def said(self, unit: str) -> str:
        if not self.pairs:
            return "no pair"
        one, other = self.chosen / self.pairs, self.rejected / self.pairs
        return f"{one:.2f} against {other:.2f} {unit} ({one - other:+.2f}) in {self.pairs} pairs"


@define
class _Long:
    """The pairs whose longer side is the one that is longer on average: margin, draw and difference of each."""

    margins: "array[float]" = field(factory=lambda: array("d"))
    draws: "array[int]" = field(factory=lambda: array("Q"))
    differences: "array[int]" = field(factory=lambda: array("q"))

    def in_order(self) -> list[int]:
        return sorted(range(len(self.margins)), key=lambda k: (self.margins[k], self.draws[k]))


class LengthBalance:
    """Yields another selector's pairs but for those that make one side longer by the least margins."""

    def __init__(self, options: LengthBalanceOptions, run: Run) -> None:
        """Check the other selector's table."""
        self._options, self._inner = options, inner(options.selector, run)
        self._seed = derive(run.seed, "length-balance", options.seed)
        self._sign = 0
        self._least = (float("-inf"), 0)
        self._facts: dict[str, Any] = {}

    def survey(self, everything: Iterable[tuple[Judged, int]]) -> None:
        """Find the least margin, for pairs with the longer side, at which mean lengths agree best.

        Pairs of equal margins go in a drawn order. Raises :class:`StageError` where nothing balances: every pair has the
        same side longer.
        """
        survey(self._inner, everything)
        before = self._lengths(everything)
        bias = before.chosen - before.rejected
        self._sign = (bias > 0) - (bias < 0)
        if self._sign:
            self._least = self._cut(self._long(everything), abs(bias), before.pairs)
        after = self._lengths(everything, kept_only=True)
        unit, side = self._options.unit, {1: "longer", -1: "shorter"}.get(self._sign)
        self._facts = {"length before": before.said(unit), "length after": after.said(unit)}
        if side and isfinite(self._least[0]):
            self._facts[f"least margin where chosen is {side}"] = round(self._least[0], 9)

    def select(self, judged: Judged, *, seed: int) -> tuple[Pair | Dropped, ...]:
        """Return the pairs, and a note of each that is left out."""
        return tuple(self._looked_at(one) for one in self._inner.select(judged, seed=seed))

    def facts(self) -> Mapping[str, Any]:
        """Return the mean lengths before and after, and the margin that was chosen."""
        return self._facts

    def _looked_at(self, one: Pair | Demonstration | Dropped) -> Pair | Dropped:
        if isinstance(one, Dropped):
            return one
        one = self._pair(one)
        chosen, rejected = self._sides(one)
        if (chosen - rejected) * self._sign <= 0 or self._key(one) >= self._least:
            return one
        detail = f"{chosen} against {rejected} {self._options.unit}, margin {_margin(one):g}"
        return Dropped(id=one.id, reason="length-balance", detail=detail)

    def _pairs(self, everything: Iterable[tuple[Judged, int]]) -> Iterable[Pair]:
        for judged, seed in everything:
            for one in self._inner.select(judged, seed=seed):
                if not isinstance(one, Dropped):
                    yield self._pair(one)

    def _lengths(self, everything: Iterable[tuple[Judged, int]], *, kept_only: bool = False) -> _Lengths:
        found = _Lengths()
        for one in self._pairs(everything):
            if not kept_only or not isinstance(self._looked_at(one), Dropped):
                found.add(*self._sides(one))
        return found

    def _long(self, everything: Iterable[tuple[Judged, int]]) -> _Long:
        found = _Long()
        for one in self._pairs(everything):
            chosen, rejected = self._sides(one)
            if (difference := (chosen - rejected) * self._sign) > 0:
                margin, draw = self._key(one)
                found.margins.append(margin)
                found.draws.append(draw)
                found.differences.append(difference)
        return found

    def _cut(self, long: _Long, bias: int, pairs: int) -> tuple[float, int]:
        """Leave out the least margins until the summed difference is as near to nothing as it gets."""
        order = long.in_order()
        if len(order) == pairs:
            side = "chosen" if self._sign > 0 else "rejected"
            msg = (
                f"[pairs] use = 'length-balance': the {side} answer is the longer one in all {pairs} pairs, so no margin "
                f"makes both equally long; use another selector or generate shorter and longer answers"
            )
            raise StageError(msg)
        for k in order:
            left = bias - long.differences[k]
            if abs(left) >= abs(bias):
                return long.margins[k], long.draws[k]
            bias = left
        return float("inf"), 0

    def _pair(self, one: Pair | Demonstration) -> Pair:
        if isinstance(one, Demonstration):
            msg = f"[pairs] use = 'length-balance' compares two answers, and {one.id!r} is a demonstration"
            raise StageError(msg)
        return one

    def _key(self, one: Pair) -> tuple[float, int]:
        return round(_margin(one), 9), derive(self._seed, one.id)

    def _sides(self, one: Pair) -> tuple[int, int]:
        return self._length(one.chosen.text), self._length(one.rejected.text)

    def _length(self, text: str) -> int:
        return len(words(text)) if self._options.unit == "words" else len(text.strip())


def _margin(one: Pair) -> float:
    return 0.0 if one.scores is None else one.scores[0] - one.scores[1]
