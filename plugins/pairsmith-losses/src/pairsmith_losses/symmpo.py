"""Symmetric multimodal preference optimization."""

from collections.abc import Mapping

from torch.nn.functional import logsigmoid

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.image_options import SymmpoOptions
from pairsmith_losses.margins import sigmoid
from pairsmith_losses.mdpo import OTHER_IMAGE
from pairsmith_losses.rewards import CHOSEN, REJECTED, rewards, watched

OTHER_ANSWER = Cell("rejected", image="corrupted")
"""The rejected answer with the image that it is the right answer to."""


class Symmpo:
    """SymMPO (Liu et al., arXiv 2506.11712; github.com/Liuwq-bit/SymMPO): each of two images prefers its own answer.

    The rejected answer must be a right answer to the corrupted image, a similar but other one. With the margins ``d1 =
    h(m, w) - h(m, l)`` and ``d2 = h(m', l) - h(m', w)`` of ``h = log pi - log pi_ref``:

    ``-log sigmoid(beta * d1) - symmetric * (log sigmoid(beta * d1) + log sigmoid(beta * d2)) - anchor * (log sigmoid(beta *
    h(m, w)) + log sigmoid(beta * h(m', l))) + consistency * (d1 - d2)^2``

    The release has a third answer, one rejected for ``m`` alone, in the first term; with pairs it is the second image's.
    DPO where the three weights are 0; ``(1 + 2 symmetric + 2 anchor) ln 2`` where policy and reference are one.
    """

    cells: tuple[Cell, ...] = (CHOSEN, REJECTED, OTHER_IMAGE, OTHER_ANSWER)
    uses_reference = True

    def __init__(self, options: SymmpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the weights; what has none is not asked for."""
        self._options = options
        if not (options.symmetric or options.consistency):
            self.cells = (CHOSEN, REJECTED, OTHER_ANSWER) if options.anchor else (CHOSEN, REJECTED)

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        options, beta = self._options, self._options.beta
        ratio = rewards(policy, reference)
        first = ratio[CHOSEN] - ratio[REJECTED]
        loss = sigmoid(beta * first)
        metrics = watched({cell: beta * value for cell, value in ratio.items()})
        if OTHER_IMAGE in self.cells:
            second = ratio[OTHER_ANSWER] - ratio[OTHER_IMAGE]
            loss = loss + options.symmetric * (sigmoid(beta * first) + sigmoid(beta * second))
            loss = loss + options.consistency * (first - second) ** 2
            metrics["rewards/other_margin"] = beta * second.detach()
        if options.anchor:
            anchors = logsigmoid(beta * ratio[CHOSEN]) + logsigmoid(beta * ratio[OTHER_ANSWER])
            loss = loss - options.anchor * anchors
        return LossTerms(loss, metrics)
