"""What passes between a trainer and a loss: log-probabilities in, a loss per item out.

Torch is named for type checkers only: importing this module imports no model library.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from torch import Tensor


@frozen
class LogProbs:
    """Log-probabilities of the tokens of one cell, for a batch of B items.

    ``tokens`` is ``[B, T]`` in nats, zero where ``mask`` ``[B, T]`` (bool) is false. A trainer gives the policy's also
    ``ids`` ``[B, T]``, the tokens themselves (-1 where the mask is false), and, to a loss that asks for it, ``kl``
    ``[B, T]``: the divergence ``KL(pi_ref || pi)`` over the whole vocabulary in nats of the distribution each token was
    drawn from, zero where the mask is false.
    """

    tokens: "Tensor"
    mask: "Tensor"
    ids: "Tensor | None" = None
    kl: "Tensor | None" = None

    @property
    def sum(self) -> "Tensor":
        """Log-probability of each whole response, ``[B]``."""
        return (self.tokens * self.mask).sum(-1)

    @property
    def count(self) -> "Tensor":
        """Number of tokens of each response, ``[B]``."""
        return self.mask.sum(-1)

    @property
    def mean(self) -> "Tensor":
        """Mean log-probability of a token of each response, ``[B]``."""
        return self.sum / self.count.clamp(min=1)


@frozen
class LossTerms:
    """A loss per item, ``[B]``, and what is worth watching: named tensors ``[B]``."""

    loss: "Tensor"
    metrics: "Mapping[str, Tensor]" = field(factory=dict)
