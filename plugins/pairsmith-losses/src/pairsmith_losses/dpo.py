"""Direct Preference Optimization."""

from collections.abc import Mapping

from torch.nn.functional import logsigmoid

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.options import DpoOptions
from pairsmith_losses.rewards import CHOSEN, REJECTED, rewards, watched


class Dpo:
    """DPO (Rafailov et al., arXiv 2305.18290, equation 7).

    ``-log sigmoid(r_w - r_l)`` with ``r = beta * (log pi(y | x) - log pi_ref(y | x))``; ln 2 where policy and reference
    are one. ``nll`` adds that many times the mean negative log-likelihood of a token of the chosen answer, which keeps that
    answer likely (arXiv 2404.19733, equation 1). Both terms are of one pair alone, so batches may be cut anyhow.
    """

    cells = (CHOSEN, REJECTED)
    uses_reference = True

    def __init__(self, options: DpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the strength and the weight of the likelihood."""
        self._beta, self._nll = options.beta, options.nll

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        reward = rewards(policy, reference, self._beta)
        loss = -logsigmoid(reward[CHOSEN] - reward[REJECTED])
        metrics = watched(reward)
        if self._nll:
            likelihood = -policy[CHOSEN].mean
            loss = loss + self._nll * likelihood
            metrics["nll"] = likelihood.detach()
        return LossTerms(loss, metrics)
