"""Cross-modal hierarchical direct preference optimization."""

from collections.abc import Mapping

from torch import Tensor

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.image_options import ChipOptions
from pairsmith_losses.margins import sigmoid
from pairsmith_losses.mdpo import OTHER_IMAGE
from pairsmith_losses.rewards import CHOSEN, REJECTED, rewards, watched
from pairsmith_losses.segments import segment_weights
from pairsmith_losses.tdpo import sequence_kl


class Chip:
    """CHiP (Fu et al., arXiv 2501.16629; github.com/LVUGAI/CHiP): preferences of the answer, its segments, tokens, and image.

    With ``d = h(m, w) - h(m, l)``, ``v = h(m, w) - h(m', w)`` for the corrupted image ``m'``, ``h = log pi - log pi_ref``,
    ``d_s`` and ``v_s`` the same with ``weight`` on the tokens that the answers do not share (not divided by their number),
    and ``k = KL_l - sg(KL_w)`` as in TDPO2:

    - ``joint``, as released: ``-log sigmoid(beta * (d_s + image * v_s - token * k))``; ln 2 where policy and reference are
      one. In the release the reference's part of ``v_s`` is weighted by a slip; here as all others are.
    - ``sum``, the terms the paper names, each by itself: ``-log sigmoid(beta * d) - image * log sigmoid(beta * v) -
      segment * log sigmoid(beta * d_s) + token * beta * k``; ``(1 + image + segment) ln 2`` at the reference.

    DPO, in either form, with ``image``, ``token`` and ``segment`` 0 and ``weight`` 1.
    """

    cells: tuple[Cell, ...] = (CHOSEN, REJECTED, OTHER_IMAGE)
    uses_reference = True

    def __init__(self, options: ChipOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the weights; what has none is not asked for."""
        self._options = options
        self.uses_kl = options.token > 0
        if not options.image:
            self.cells = (CHOSEN, REJECTED)

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        options, beta = self._options, self._options.beta
        plain = rewards(policy, reference, beta)
        weights = segment_weights(policy[CHOSEN], policy[REJECTED], options.weight)
        dense = {
            cell: beta * ((policy[cell].tokens - reference[cell].tokens) * weights[Cell(cell.response)]).sum(-1)
            for cell in self.cells
        }
        metrics = watched(plain)
        token: Tensor | float = 0.0
        if options.token:
            kept, moved = sequence_kl(policy[CHOSEN]), sequence_kl(policy[REJECTED])
            token = options.token * beta * (moved - kept.detach())
            metrics |= {"kl/chosen": kept.detach(), "kl/rejected": moved.detach()}
        if options.image:
            metrics["rewards/image_margin"] = (plain[CHOSEN] - plain[OTHER_IMAGE]).detach()
        if options.combine == "joint":
            return LossTerms(sigmoid(self._text(dense) + self._image(dense) - token), metrics)
        loss = sigmoid(self._text(plain)) + options.segment * sigmoid(self._text(dense)) + token
        if options.image:
            loss = loss + options.image * sigmoid(plain[CHOSEN] - plain[OTHER_IMAGE])
        return LossTerms(loss, metrics)

    def _text(self, reward: Mapping[Cell, Tensor]) -> Tensor:
        return reward[CHOSEN] - reward[REJECTED]

    def _image(self, reward: Mapping[Cell, Tensor]) -> Tensor | float:
        return self._options.image * (reward[CHOSEN] - reward[OTHER_IMAGE]) if self._options.image else 0.0
