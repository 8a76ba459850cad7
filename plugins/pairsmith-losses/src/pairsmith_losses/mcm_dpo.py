"""Preference optimization over every combination of image, context and answer."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import logsigmoid

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.image_options import McmDpoOptions
from pairsmith_losses.rewards import CHOSEN, REJECTED, rewards, watched

COMPARED = (
    REJECTED,
    Cell("chosen", image="corrupted"),
    Cell("chosen", context="corrupted"),
    Cell("rejected", image="corrupted"),
    Cell("rejected", context="corrupted"),
    Cell("chosen", image="corrupted", context="corrupted"),
    Cell("rejected", image="corrupted", context="corrupted"),
)
"""What the chosen answer to the true image and context is compared with, in the order of the weights."""


class McmDpo:
    """MCM-DPO (github.com/LVUGAI/MCM-DPO): seven margins ``d_k = r(chosen, true) - r(other corner k)``.

    ``joint``, as published: ``-log sigmoid(sum_k w_k d_k / n)`` with ``n = sum_k w_k`` (2.8 with the published weights);
    ln 2 where policy and reference are one. ``sum``: ``sum_k w_k / n * -log sigmoid(d_k)``. With weights
    ``(1, 0, 0, 0, 0, 0, 0)`` both are DPO. A comparison of weight 0 is not computed at all.
    """

    uses_reference = True

    def __init__(self, options: McmDpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Keep the comparisons that have a weight."""
        self._beta, self._joint = options.beta, options.combine == "joint"
        total = sum(options.weights)
        weighted = zip(COMPARED, options.weights, strict=True)
        self._weights = {cell: weight / total for cell, weight in weighted if weight}
        # The rejected answer to the true image is always there, for the accuracy that every loss reports.
        self.cells = (CHOSEN, *(cell for cell in COMPARED if cell in self._weights or cell == REJECTED))

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        reward = rewards(policy, reference, self._beta)
        margins = {cell: reward[CHOSEN] - reward[cell] for cell in self._weights}
        return LossTerms(self._combined(margins), watched(reward))

    def _combined(self, margins: Mapping[Cell, Tensor]) -> Tensor:
        weighted = [(self._weights[cell], margin) for cell, margin in margins.items()]
        if self._joint:
            total: Tensor = sum((weight * margin for weight, margin in weighted), start=0 * weighted[0][1])
            return -logsigmoid(total)
        return sum((-weight * logsigmoid(margin) for weight, margin in weighted), start=0 * weighted[0][1])
