"""Losses that say where each answer's own reward is to go, not only which of two is to be higher."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import logsigmoid

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.options import AnchoredOptions
from pairsmith_losses.rewards import CHOSEN, REJECTED, rewards, watched


class _Anchored(ABC):
    """A loss of the rewards ``r = beta * (log pi - log pi_ref)`` of the two answers."""

    cells = (CHOSEN, REJECTED)
    uses_reference = True

    def __init__(self, options: AnchoredOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the strength."""
        self._beta = options.beta

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        reward = rewards(policy, reference, self._beta)
        return LossTerms(self.of(reward[CHOSEN], reward[REJECTED]), watched(reward))

    @abstractmethod
    def of(self, chosen: Tensor, rejected: Tensor) -> Tensor:
        """Return the loss of rewards, ``[B]``."""


class ApoZero(_Anchored):
    """APO-zero (D'Oosterlinck et al., arXiv 2408.06266, equation 7): chosen up, rejected down.

    ``1 - sigmoid(r_w) + sigmoid(r_l)``, for chosen answers better than the model's own. 1 where policy and reference are
    one.
    """

    def of(self, chosen: Tensor, rejected: Tensor) -> Tensor:
        """Return the loss of rewards, ``[B]``."""
        return 1 - chosen.sigmoid() + rejected.sigmoid()


class ApoDown(_Anchored):
    """APO-down (D'Oosterlinck et al., arXiv 2408.06266, equation 8): chosen down, rejected further down.

    ``sigmoid(r_w) + 1 - sigmoid(r_w - r_l)``, for chosen answers worse than the model's own. 1 where policy and reference
    are one.
    """

    def of(self, chosen: Tensor, rejected: Tensor) -> Tensor:
        """Return the loss of rewards, ``[B]``."""
        return chosen.sigmoid() + 1 - (chosen - rejected).sigmoid()


class Nca(_Anchored):
    """NCA for pairs (Chen et al., arXiv 2402.05369): the chosen answer against noise, both answers as noise.

    ``-log sigmoid(r_w) - log sigmoid(-r_w) / 2 - log sigmoid(-r_l) / 2``; 2 ln 2 where policy and reference are one.
    """

    def of(self, chosen: Tensor, rejected: Tensor) -> Tensor:
        """Return the loss of rewards, ``[B]``."""
        return -logsigmoid(chosen) - (logsigmoid(-chosen) + logsigmoid(-rejected)) / 2


class Sppo(_Anchored):
    """SPPO with hard preferences (Wu et al., arXiv 2405.00675, equation 4.7 with P = 1 and 0).

    ``(h_w - 1 / (2 beta))^2 + (h_l + 1 / (2 beta))^2`` with ``h = log pi - log pi_ref``; ``1 / (2 beta^2)`` where policy and
    reference are one.
    """

    def of(self, chosen: Tensor, rejected: Tensor) -> Tensor:
        """Return the loss of rewards, ``[B]``."""
        return ((chosen - 0.5) ** 2 + (rejected + 0.5) ** 2) / self._beta**2
