"""Direct Preference Optimization and what differs from it by little."""

from collections.abc import Mapping

import torch
from torch import Tensor

from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.margins import link, sigmoid
from pairsmith_losses.options import DpoOptions, DpopOptions
from pairsmith_losses.rewards import CHOSEN, REJECTED, rewards, watched


class Dpo:
    """DPO (Rafailov et al., arXiv 2305.18290, equation 7).

    ``-log sigmoid(r_w - r_l)`` with ``r = beta * (log pi(y | x) - log pi_ref(y | x))``; ln 2 where policy and reference
    are one. ``link`` puts another function in the place of ``-log sigmoid``, see :mod:`pairsmith_losses.margins`.

    ``log_probs = "mean"`` divides each answer's log-probability by its tokens. IPO does so unless told otherwise, as its
    authors do. ``tail`` counts the tokens beyond the shorter answer's length that many times: LD-DPO (Liu et al., arXiv
    2409.06411), which is DPO at 1. ``nll`` adds that many times the mean negative log-likelihood of a token of the chosen
    answer, which keeps that answer likely: RPO (Pang et al., arXiv 2404.19733, equation 1). All of it is of one pair
    alone, so batches may be cut anyhow.
    """

    cells = (CHOSEN, REJECTED)
    uses_reference = True

    def __init__(self, options: DpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the options."""
        self._beta, self._nll, self._tail = options.beta, options.nll, options.tail
        self._link = link(options)
        self._mean = options.averages

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        shorter = torch.minimum(policy[CHOSEN].count, policy[REJECTED].count)
        reward = {
            cell: self._beta * (self._of(policy[cell], shorter) - self._of(reference[cell], shorter))
            for cell in self.cells
        }
        loss = self._link(reward[CHOSEN] - reward[REJECTED])
        metrics = watched(reward)
        if self._nll:
            likelihood = -policy[CHOSEN].mean
            loss = loss + self._nll * likelihood
            metrics["nll"] = likelihood.detach()
        return LossTerms(loss, metrics)

    def _of(self, answer: LogProbs, shorter: Tensor) -> Tensor:
        total = answer.sum
        if self._tail != 1:
            beyond = answer.mask.cumsum(-1) > shorter[:, None]
            total = total - (1 - self._tail) * (answer.tokens * (answer.mask & beyond)).sum(-1)
        return total / answer.count.clamp(min=1) if self._mean else total


class Dpop:
    """DPO-Positive (Pal et al., "Smaug", arXiv 2402.13228, equation 3).

    ``-log sigmoid(beta * (h_w - h_l - penalty * max(0, -h_w)))`` with ``h = log pi - log pi_ref``: a chosen answer that
    becomes less likely than it was costs extra. DPO where ``penalty`` is 0 or the chosen answer is likelier than it was;
    ln 2 where policy and reference are one.
    """

    cells = (CHOSEN, REJECTED)
    uses_reference = True

    def __init__(self, options: DpopOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the strength and the penalty."""
        self._beta, self._penalty = options.beta, options.penalty

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        reward = rewards(policy, reference, self._beta)
        lost = (-reward[CHOSEN]).clamp(min=0)
        loss = sigmoid(reward[CHOSEN] - reward[REJECTED] - self._penalty * lost)
        return LossTerms(loss, {**watched(reward), "rewards/lost": lost.detach()})
