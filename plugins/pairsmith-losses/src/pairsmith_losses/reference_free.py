"""Losses that compare the policy's own log-probabilities and need no reference."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import logsigmoid

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.options import OrpoOptions, SimpoOptions, SlicOptions
from pairsmith_losses.rewards import CHOSEN, REJECTED, watched

_CERTAIN = -1e-6
"""Above this mean log-probability the odds of an answer are no finite number in float32."""


class Simpo:
    """SimPO (Meng et al., arXiv 2405.14734, equation 6).

    ``-log sigmoid(beta * (l_w - l_l) - margin)`` with ``l`` the mean log-probability of a token. DPO on mean
    log-probabilities where ``margin`` is 0 and a reference finds all answers equally likely. ``-log sigmoid(-margin)``
    where both answers are equally likely.
    """

    cells = (CHOSEN, REJECTED)
    uses_reference = False

    def __init__(self, options: SimpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the strength and the margin."""
        self._beta, self._margin = options.beta, options.margin

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:  # noqa: ARG002
        """Return the loss of each pair, ``[B]``."""
        reward = {cell: self._beta * policy[cell].mean for cell in self.cells}
        loss = -logsigmoid(reward[CHOSEN] - reward[REJECTED] - self._margin)
        return LossTerms(loss, watched(reward))


class Orpo:
    """ORPO (Hong et al., arXiv 2403.07691, equations 6 and 7).

    ``-l_w - weight * log sigmoid(log odds_w - log odds_l)`` with ``l`` the mean log-probability of a token and ``odds = p /
    (1 - p)`` of ``p = exp(l)``. Supervised fine-tuning on the chosen answer where ``weight`` is 0; ``-l_w + weight * ln
    2`` where both answers are equally likely. The likelihood is of the answer alone; the prompt is not learnt.
    """

    cells = (CHOSEN, REJECTED)
    uses_reference = False

    def __init__(self, options: OrpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the weight of the odds."""
        self._weight = options.weight

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:  # noqa: ARG002
        """Return the loss of each pair, ``[B]``."""
        odds = {cell: log_odds(policy[cell].mean) for cell in self.cells}
        likelihood = -policy[CHOSEN].mean
        loss = likelihood - self._weight * logsigmoid(odds[CHOSEN] - odds[REJECTED])
        reward = {cell: self._weight * policy[cell].mean for cell in self.cells}
        return LossTerms(loss, {**watched(reward), "nll": likelihood.detach()})


def log_odds(log_probability: Tensor) -> Tensor:
    """Return ``log(p / (1 - p))`` of ``log p``, finite also where ``p`` is 1."""
    return log_probability - (-log_probability.clamp(max=_CERTAIN).expm1()).log()


class Slic:
    """SLiC-HF (Zhao et al., arXiv 2305.10425).

    ``max(0, margin - log pi(y_w) + log pi(y_l)) - nll * log pi(y_w)``, where the regulariser's target is the chosen answer
    and counted per token. ``margin`` where both answers are equally likely and ``nll`` is 0. With a reference and a
    strength this is DPO's ``link = "hinge"``.
    """

    cells = (CHOSEN, REJECTED)
    uses_reference = False

    def __init__(self, options: SlicOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the margin and the weight of the likelihood."""
        self._margin, self._nll = options.margin, options.nll

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:  # noqa: ARG002
        """Return the loss of each pair, ``[B]``."""
        reward = {cell: policy[cell].sum for cell in self.cells}
        loss = (self._margin - reward[CHOSEN] + reward[REJECTED]).clamp(min=0)
        if self._nll:
            loss = loss - self._nll * policy[CHOSEN].mean
        return LossTerms(loss, watched(reward))
