"""DPO as two released codes compute it."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import logsigmoid

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_compat.options import DpoOptions

_CHOSEN, _REJECTED = Cell("chosen"), Cell("rejected")


class PublishedDpo:
    """``-log sigmoid(beta * (h_w - h_l))`` with ``h = log pi - log pi_ref``, and a mistake where the options ask for it.

    ``reference = "mean"`` is DecompGen's (arXiv 2411.13697, its released code): the policy's tokens are summed and the
    reference's averaged, which makes it almost reference-free. The first loss is then not ln 2.

    ``empty = "nothing"`` is PDS-DPO's (arXiv 2412.17417, its released code): all labels of an empty answer are masked, so
    that policy and reference both give it 0, and the loss only pushes the chosen answer up. Here an answer of its end
    token alone is an empty one. With neither it is DPO.
    """

    cells = (_CHOSEN, _REJECTED)
    uses_reference = True

    def __init__(self, options: DpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the options."""
        self._options = options

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        reward = {cell: self._options.beta * self._gain(policy[cell], reference[cell]) for cell in self.cells}
        margin = reward[_CHOSEN] - reward[_REJECTED]
        metrics = {
            "rewards/chosen": reward[_CHOSEN].detach(),
            "rewards/rejected": reward[_REJECTED].detach(),
            "rewards/margin": margin.detach(),
            "rewards/accuracy": (margin > 0).float().detach(),
        }
        return LossTerms(-logsigmoid(margin), metrics)

    def _gain(self, policy: LogProbs, reference: LogProbs) -> Tensor:
        gain = policy.sum - (reference.mean if self._options.reference == "mean" else reference.sum)
        return gain * (policy.count > 1) if self._options.empty == "nothing" else gain
