"""What the losses have in common: rewards, and what is watched of them."""

from collections.abc import Mapping

from torch import Tensor

from pairsmith.interfaces import LogProbs
from pairsmith.values import Cell

CHOSEN, REJECTED = Cell("chosen"), Cell("rejected")


def rewards(
    policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs], beta: float = 1.0
) -> dict[Cell, Tensor]:
    """Return the implicit reward of each cell, ``beta * (log pi - log pi_ref)`` of the whole response, ``[B]``."""
    return {cell: beta * (policy[cell].sum - reference[cell].sum) for cell in policy}


def watched(reward: Mapping[Cell, Tensor]) -> dict[str, Tensor]:
    """Return the rewards of chosen and rejected, their margin, and whether it is positive, ``[B]`` each."""
    chosen, rejected = reward[CHOSEN].detach(), reward[REJECTED].detach()
    return {
        "rewards/chosen": chosen,
        "rewards/rejected": rejected,
        "rewards/margin": chosen - rejected,
        "rewards/accuracy": (chosen > rejected).float(),
    }
