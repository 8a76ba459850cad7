"""What some models do to their logits after the head: divide, multiply or cap them, as their configuration says."""

from typing import Any

import torch
from torch import Tensor, nn

Shape = tuple[float, float | None]
"""A factor and a cap."""
PLAIN: Shape = (1.0, None)

_CAP = "final_logit_softcapping"
_SCALES = ("logits_scaling", "logit_scale")


class Shaped(nn.Module):
    """A head whose logits z are multiplied, ``factor * z``, and capped, ``cap * tanh(z / cap)`` (arXiv 2408.00118)."""

    def __init__(self, head: nn.Module, factor: float = 1.0, cap: float | None = None) -> None:
        """Take the head as it is, with an adapter if it has one."""
        super().__init__()
        self.head, self.factor, self.cap = head, factor, cap

    @property
    def base_layer(self) -> "Shaped":
        """The same without what peft put around the head, by peft's own word for it."""
        head: Any = self.head
        inside = getattr(head, "original_module", getattr(head, "base_layer", head))
        return Shaped(inside, self.factor, self.cap)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the logits ``[..., vocabulary]``."""
        logits: Tensor = self.head(hidden)
        if self.factor != 1.0:
            logits = logits * self.factor
        return logits if self.cap is None else self.cap * torch.tanh(logits / self.cap)


def shapes(config: Any) -> list[Shape]:  # noqa: ANN401
    """Return the factors and caps that a configuration may mean, the plain head first.

    Models disagree on whether a scale multiplies or divides, and some ignore what their configuration holds.
    """
    text = config.get_text_config()
    cap = getattr(text, _CAP, None)
    found = [float(value) for name in _SCALES if (value := getattr(text, name, None))]
    factors = [1.0, *found, *(1 / value for value in found)]
    caps = [None, None if cap is None else float(cap)]
    return list(dict.fromkeys((factor, one) for factor in factors for one in caps))
