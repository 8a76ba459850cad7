"""Conditional preference optimization for multimodal models."""

from collections.abc import Mapping

from torch.nn.functional import logsigmoid

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.image_options import MdpoOptions
from pairsmith_losses.rewards import CHOSEN, REJECTED, rewards, watched

OTHER_IMAGE = Cell("chosen", image="corrupted")


class Mdpo:
    """mDPO (Wang et al., arXiv 2406.11839, equations 3 to 6).

    ``-log sigmoid(r(m, w) - r(m, l)) - log sigmoid(r(m, w) - r(m', w)) - log sigmoid(r(m, w))``, where ``m'`` is the
    corrupted image: DPO, the preference of the chosen answer with its own image, and the anchor that keeps its reward
    positive. 3 ln 2 where policy and reference are one and all weights are 1.
    """

    cells = (CHOSEN, REJECTED, OTHER_IMAGE)
    uses_reference = True

    def __init__(self, options: MdpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the weights."""
        self._options = options

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        reward = rewards(policy, reference, self._options.beta)
        text = -logsigmoid(reward[CHOSEN] - reward[REJECTED])
        image = -logsigmoid(reward[CHOSEN] - reward[OTHER_IMAGE])
        anchor = -logsigmoid(reward[CHOSEN])
        loss = text + self._options.image * image + self._options.anchor * anchor
        if self._options.nll:
            loss = loss + self._options.nll * -policy[CHOSEN].mean
        by_image = (reward[CHOSEN] - reward[OTHER_IMAGE]).detach()
        return LossTerms(loss, {**watched(reward), "rewards/image_margin": by_image})
