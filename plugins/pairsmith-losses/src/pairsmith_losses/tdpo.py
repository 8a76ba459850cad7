"""Token-level direct preference optimization."""

from collections.abc import Mapping

from torch import Tensor

from pairsmith.errors import PluginError
from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.margins import sigmoid
from pairsmith_losses.options import TdpoOptions
from pairsmith_losses.rewards import CHOSEN, REJECTED, rewards, watched


class Tdpo:
    """TDPO2 (Zeng et al., arXiv 2404.11999).

    ``-log sigmoid(r_w - r_l - alpha * beta * (KL_l - sg(KL_w)))``, where ``KL`` is the sum over the answer's places of
    ``KL(pi_ref || pi)`` over the whole vocabulary and no gradient flows through ``sg``. DPO where ``alpha`` is 0; ln 2
    where policy and reference are one.
    """

    cells = (CHOSEN, REJECTED)
    uses_reference = True
    uses_kl = True

    def __init__(self, options: TdpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the strength and the weight of the divergences."""
        self._beta, self._alpha = options.beta, options.alpha

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        reward = rewards(policy, reference, self._beta)
        kept, moved = sequence_kl(policy[CHOSEN]), sequence_kl(policy[REJECTED])
        loss = sigmoid(reward[CHOSEN] - reward[REJECTED] - self._alpha * self._beta * (moved - kept.detach()))
        return LossTerms(loss, {**watched(reward), "kl/chosen": kept.detach(), "kl/rejected": moved.detach()})


def sequence_kl(answer: LogProbs) -> Tensor:
    """Return the divergence summed over the places of each answer, ``[B]`` in nats."""
    if answer.kl is None:
        msg = "the loss needs divergences over the vocabulary and the trainer gave none (LogProbs.kl); take another trainer"
        raise PluginError(msg)
    return (answer.kl * answer.mask).sum(-1)
