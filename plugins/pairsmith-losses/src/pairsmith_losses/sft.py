"""Supervised fine-tuning on the chosen answer."""

from collections.abc import Mapping

from torch import Tensor

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.options import SftOptions
from pairsmith_losses.rewards import CHOSEN


class Sft:
    """The negative log-likelihood of a token of the chosen answer, ``-1/T sum_t log pi(y_t | x, y_<t)``."""

    cells = (CHOSEN,)
    uses_reference = False

    def __init__(self, options: SftOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Choose what counts the same: tokens, or answers."""
        self._by_token = options.reduction == "token"

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:  # noqa: ARG002
        """Return the loss of each item, ``[B]``."""
        loss = by_token(policy[CHOSEN]) if self._by_token else -policy[CHOSEN].mean
        return LossTerms(loss, {"logps/chosen": policy[CHOSEN].mean.detach()})


def by_token(chosen: LogProbs) -> Tensor:
    """Return the negative log-likelihood so that its mean over the items is the mean over all tokens of the batch."""
    return -chosen.sum * (chosen.count.numel() / chosen.count.sum().clamp(min=1))
