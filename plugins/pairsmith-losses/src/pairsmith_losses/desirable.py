"""Losses made for answers that are each desirable or not. Of a pair, the chosen answer is and the rejected is not."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.options import BcoOptions, KtoOptions
from pairsmith_losses.rewards import CHOSEN, REJECTED, rewards, watched


class Kto:
    """KTO (Ethayarajh et al., arXiv 2402.01306, equation 7).

    The mean of ``desirable * (1 - sigmoid(r_w - z))`` and ``undesirable * (1 - sigmoid(z - r_l))``, with ``r = beta * (log
    pi - log pi_ref)`` and a reference point ``z`` through which no gradient flows. ``(desirable + undesirable) / 4`` where
    policy and reference are one. APO-zero, halved, where ``z`` is 0.

    In the paper ``z`` is beta times the divergence ``KL(pi || pi_ref)`` over all answers, estimated by pairing each prompt
    with another one's answer. Here, ``reference_point = "batch"``, it is the mean reward of the batch's own 2 B answers,
    at least 0, which costs no further pass: an estimate that is higher, as answers fit their own prompts better, and that
    depends on which pairs share a pass (``train.micro_batch_size``). ``"zero"`` takes 0.
    """

    cells = (CHOSEN, REJECTED)
    uses_reference = True

    def __init__(self, options: KtoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the strength, the weights and the reference point."""
        self._options = options

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        options = self._options
        reward = rewards(policy, reference, options.beta)
        mean = _mean(reward)
        point = mean.clamp(min=0) if options.reference_point == "batch" else torch.zeros_like(mean)
        loss = kto(reward[CHOSEN], reward[REJECTED], point, options.desirable, options.undesirable)
        return LossTerms(loss, {**watched(reward), "rewards/reference_point": point.expand_as(loss)})


def kto(chosen: Tensor, rejected: Tensor, point: Tensor, desirable: float = 1.0, undesirable: float = 1.0) -> Tensor:
    """Return KTO's loss of rewards ``[B]`` at a reference point."""
    wanted = desirable * (1 - (chosen - point).sigmoid())
    unwanted = undesirable * (1 - (point - rejected).sigmoid())
    return (wanted + unwanted) / 2


class Bco:
    """Binary Classifier Optimization (Jung et al., arXiv 2404.04656).

    ``-log sigmoid(r_w - d) - log sigmoid(-(r_l - d))``, where the shift ``d`` is the mean of the chosen and the rejected
    answers' mean rewards, through which no gradient flows. 2 ln 2 where policy and reference are one. It bounds DPO from
    above. The authors follow ``d`` by a moving average over batches; here, ``shift = "batch"``, it is the batch's own and
    so depends on which pairs share a pass. ``"zero"`` leaves it out. Prompts are not weighted: in pairs chosen and
    rejected answers have the same ones.
    """

    cells = (CHOSEN, REJECTED)
    uses_reference = True

    def __init__(self, options: BcoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the strength and the shift."""
        self._beta, self._shifts = options.beta, options.shift == "batch"

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        reward = rewards(policy, reference, self._beta)
        mean = _mean(reward)
        shift = mean if self._shifts else torch.zeros_like(mean)
        loss = -logsigmoid(reward[CHOSEN] - shift) - logsigmoid(shift - reward[REJECTED])
        return LossTerms(loss, {**watched(reward), "rewards/shift": shift.expand_as(loss)})


def _mean(reward: Mapping[Cell, Tensor]) -> Tensor:
    mean: Tensor = (reward[CHOSEN].mean() + reward[REJECTED].mean()).detach() / 2
    return mean
