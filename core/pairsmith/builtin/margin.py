"""Every pair of answers whose scores are far enough apart (DecompGen, arXiv 2411.13697)."""

import re
from itertools import combinations

from attrs import evolve, frozen

from pairsmith.builtin.choosing import pair, rated
from pairsmith.builtin.options import MarginOptions
from pairsmith.interfaces import Run
from pairsmith.scores import TOLERANCE
from pairsmith.values import Judged, Pair, Response


@frozen
class Margin:
    """Yields the pairs with ``|S_i - S_j| >= min_margin``, the higher score chosen.

    The largest margin comes first, and of equal margins the pair whose answers came first, so that ``per_image`` always
    keeps the same ones. Margins are compared to nine decimals.
    """

    options: MarginOptions
    run: Run

    def select(self, judged: Judged, *, seed: int) -> tuple[Pair, ...]:  # noqa: ARG002 - nothing is drawn
        """Return the pairs of one sample."""
        least = max(self.options.min_margin - TOLERANCE, TOLERANCE)
        found = []
        for (one, one_score), (other, other_score) in combinations(rated(judged, self.options), 2):
            if self.options.same_prompt and one.prompt != other.prompt:
                continue
            if abs(one_score - other_score) >= least:
                sides = (one, one_score, other, other_score)
                found.append(sides if one_score > other_score else (*sides[2:], *sides[:2]))
        found.sort(key=lambda sides: -round(sides[1] - sides[3], 9))  # a stable sort keeps equals in order
        return tuple(
            pair(judged.sample, self._cut(chosen), self._cut(rejected), (high, low))
            for chosen, high, rejected, low in found[: self.options.per_image]
        )

    def _cut(self, response: Response) -> Response:
        if self.options.cut_words is None:
            return response
        kept = re.match(rf"(?:\s*\S+){{0,{self.options.cut_words}}}", response.text)
        return evolve(response, text=kept.group() if kept else "")
