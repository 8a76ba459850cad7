"""Segments: what chosen and rejected do not share counts more."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

import torch
from torch import Tensor

from pairsmith.errors import PluginError
from pairsmith.interfaces import LogProbs, LossTerms, Run
from pairsmith.values import Cell
from pairsmith_losses.margins import sigmoid
from pairsmith_losses.options import DdpoOptions
from pairsmith_losses.rewards import CHOSEN, REJECTED, watched

_SHARED = 3
"""Tokens in a row that count as shared; fewer match by chance (as in the released code of RLHF-V and CHiP)."""


class Ddpo:
    """Dense DPO (Yu et al., "RLHF-V", arXiv 2312.00849).

    DPO on ``log pi(y) = 1 / N * (sum over shared tokens of log p + weight * sum over changed tokens of log p)``, ``N =
    |shared| + weight * |changed|``. A token is shared if it is in a run of at least 3 tokens that both answers have.
    ``log_probs = "sum"`` leaves out ``1 / N``, as the released code does. DPO, of mean or summed log-probabilities, where
    ``weight`` is 1; ln 2 where policy and reference are one.
    """

    cells = (CHOSEN, REJECTED)
    uses_reference = True

    def __init__(self, options: DdpoOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the strength and the weight."""
        self._beta, self._weight, self._mean = options.beta, options.weight, options.log_probs == "mean"

    def __call__(self, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> LossTerms:
        """Return the loss of each pair, ``[B]``."""
        weights = segment_weights(policy[CHOSEN], policy[REJECTED], self._weight)
        reward = {}
        for cell in self.cells:
            total = ((policy[cell].tokens - reference[cell].tokens) * weights[cell]).sum(-1)
            reward[cell] = self._beta * (total / weights[cell].sum(-1).clamp(min=1) if self._mean else total)
        return LossTerms(sigmoid(reward[CHOSEN] - reward[REJECTED]), watched(reward))


def segment_weights(chosen: LogProbs, rejected: LogProbs, weight: float) -> dict[Cell, Tensor]:
    """Return a weight for each token, ``[B, T]``: ``weight`` where the answers differ, 1 where not, 0 for padding."""
    found = {CHOSEN: chosen.mask.to(chosen.tokens.dtype), REJECTED: rejected.mask.to(rejected.tokens.dtype)}
    rows = zip(_ids(chosen), _ids(rejected), strict=True)
    for row, changes in enumerate(changed(one, other) for one, other in rows):
        for cell, places in zip((CHOSEN, REJECTED), changes, strict=True):
            if places:
                found[cell][row, torch.tensor(places, device=chosen.tokens.device)] = weight
    return found


def changed(one: Sequence[int], other: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the places of each sequence that are in no run of at least 3 tokens which both have, in order.

    >>> changed([1, 2, 3, 9, 4, 5, 6], [1, 2, 3, 8, 8, 4, 5, 6])
    ([3], [3, 4])
    """
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    runs = [block for block in blocks if block.size >= _SHARED]
    shared = {place for block in runs for place in range(block.a, block.a + block.size)}
    shared_too = {place for block in runs for place in range(block.b, block.b + block.size)}
    return [k for k in range(len(one)) if k not in shared], [k for k in range(len(other)) if k not in shared_too]


def _ids(answer: LogProbs) -> list[list[int]]:
    if answer.ids is None:
        msg = "a loss that weighs segments compares tokens, and the trainer gave none (LogProbs.ids); take another trainer"
        raise PluginError(msg)
    counts = answer.count.tolist()
    return [row[:count] for row, count in zip(answer.ids.tolist(), counts, strict=True)]
