"""Vision-guided direct preference optimization."""

from collections.abc import Mapping

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.image_options import VDpoOptions
from pairsmith_losses.margins import sigmoid
from pairsmith_losses.mdpo import OTHER_IMAGE
from pairsmith_losses.rewards import CHOSEN, REJECTED, rewards, watched

BLIND = {CHOSEN: OTHER_IMAGE, REJECTED: Cell("rejected", image="corrupted")}


class VDpo:
    """V-DPO (Xie et al., arXiv 2411.02712): DPO on log-probabilities guided by the image, as in classifier-free guidance.

    ``-log sigmoid(r_w - r_l)`` with ``r = beta * (guidance * h(m, y) - (guidance - 1) * h(m0, y))`` and ``h = log pi - log
    pi_ref``; ``m0`` is an image without content, so take ``[corruptions.image] use = "black"``. The guided distribution is
    not normalised again over the vocabulary; the paper gives it up to that factor. DPO where ``guidance`` is 1; ln 2
    where policy and reference are one.
    """

    cells: tuple[Cell, ...] = (CHOSEN, REJECTED, *BLIND.values())
    uses_reference = True

    def __init__(self, options: VDpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the strengths; without guidance the image without content is not asked for."""
        self._beta, self._guidance = options.beta, options.guidance
        if self._guidance == 1:
            self.cells = (CHOSEN, REJECTED)

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        seen = rewards(policy, reference, self._beta)
        guided = {cell: self._guidance * seen[cell] for cell in BLIND}
        if self._guidance != 1:
            guided = {cell: value - (self._guidance - 1) * seen[BLIND[cell]] for cell, value in guided.items()}
        return LossTerms(sigmoid(guided[CHOSEN] - guided[REJECTED]), watched(guided))
