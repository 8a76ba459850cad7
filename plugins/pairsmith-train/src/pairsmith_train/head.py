"""From hidden states to log-probabilities, without ever holding logits of the whole vocabulary for all places.

The logits of 600 places over a vocabulary of 152,000 are 365 MB in float32, and a backward pass by the book holds them
three times. Here they exist for a few places at a time:

- A head that is not trained needs no backward pass of its own. The derivative of each log-probability by its hidden state
  has the hidden state's size, so it is taken at once, while the logits are there, and kept instead of them.
- A head that is trained, or whose weights are spread over processes, is run again in the backward pass, unless the logits
  of all places are few enough to be kept.

Either way the head is called as the module it is: an adapter on it, tied embeddings, a cap on its logits and ZeRO's hooks
all stay in force. Logits are normalised in float32.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from attrs import frozen
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.utils.checkpoint import checkpoint

_AT_ONCE = {"cpu": 2**22}
_AT_ONCE_ON_A_GPU = 2**26
"""Logits in memory at once, 16 MB in float32 on a CPU and 256 MB on a GPU, whose multiplications want more rows."""
_KEPT = {"cpu": 2**24}
"""Logits that are kept rather than computed again, 64 MB in float32: one of the four products of a head that is trained."""


@frozen
class Beside:
    """The reference's hidden states ``[U, hidden]`` at the same places, and what makes logits of them."""

    hidden: Tensor
    head: Callable[[Tensor], Tensor]


def log_probs(head: nn.Module, hidden: Tensor, targets: Tensor, beside: Beside | None = None) -> Tensor:
    """Return ``log pi(targets[u] | hidden[u])`` ``[U]`` in float32, ``[U, 2]`` with a reference beside.

    The second column is then the divergence ``KL(pi_ref || pi)`` over the whole vocabulary.

    Args:
        head: makes logits ``[n, vocabulary]`` of hidden states ``[n, hidden]``, each row of its own.
        hidden: ``[U, hidden]``.
        targets: ``[U]``.
        beside: the reference.
    """
    trained = torch.is_grad_enabled() and _runs_again(head)
    bounds = _bounds(head, hidden, _KEPT if trained else _AT_ONCE)
    if len(bounds) > 1 and torch.is_grad_enabled():
        if hidden.requires_grad and not trained:
            found: Tensor = _AtOnce.apply(hidden, head, targets, beside, bounds)  # type: ignore[no-untyped-call]
            return found
        again = [
            checkpoint(_piece, head, hidden[piece], targets[piece], _rows(beside, piece), use_reentrant=False)
            for piece in bounds
        ]
        together: Tensor = torch.cat(again)
        return together
    return torch.cat([_piece(head, hidden[piece], targets[piece], _rows(beside, piece)) for piece in bounds])


def vocabulary(head: nn.Module) -> int:
    """Return the number of logits that a head makes of a hidden state."""
    size = getattr(head, "out_features", None)
    if size is None:
        weight: Any = max(head.parameters(), key=lambda value: getattr(value, "ds_numel", value.numel()))
        size = max(getattr(weight, "ds_shape", weight.shape))
    return int(size)


def plain(head: Any) -> Any:  # noqa: ANN401 - a module, or what peft put around it
    """Return a head as it was before an adapter was put on it, or a trained copy in its place."""
    return getattr(head, "original_module", getattr(head, "base_layer", head))


def _bounds(head: nn.Module, hidden: Tensor, kept: Mapping[str, int]) -> Sequence[slice]:
    """Return the places in pieces: one where the logits of all may be kept, else of as many as are in memory at once."""
    each, device = vocabulary(head), hidden.device.type
    whole = len(hidden) * each <= kept.get(device, _AT_ONCE_ON_A_GPU)
    rows = len(hidden) if whole else _AT_ONCE.get(device, _AT_ONCE_ON_A_GPU) // each
    return [slice(start, start + max(1, rows)) for start in range(0, len(hidden), max(1, rows))] or [slice(0, 0)]


def _runs_again(head: nn.Module) -> bool:
    """Tell whether the head's own weights need a backward pass, or are only there while the head runs."""
    return any(
        value.requires_grad or hasattr(value, "ds_id") or isinstance(value, DTensor) for value in head.parameters()
    )


def _rows(beside: Beside | None, piece: slice) -> Beside | None:
    return None if beside is None else Beside(beside.hidden[piece], beside.head)


def _piece(head: nn.Module, hidden: Tensor, targets: Tensor, beside: Beside | None) -> Tensor:
    own: Tensor = head(hidden).float().log_softmax(-1)
    chosen = own.gather(-1, targets[:, None])[:, 0]
    if beside is None:
        return chosen
    with torch.no_grad():
        reference = beside.head(beside.hidden).float().log_softmax(-1)
    divergence = (reference.exp() * (reference - own)).sum(-1)
    return torch.stack([chosen, divergence], dim=-1)


class _AtOnce(torch.autograd.Function):
    """The log-probabilities of a head that is not trained, with their derivatives taken on the way.

    With logits z and their softmax p, ``d log p[t] / dz = 1[t] - p`` and ``d KL(q || p) / dz = p - q``.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's context
        hidden: Tensor,
        head: nn.Module,
        targets: Tensor,
        beside: Beside | None,
        bounds: Sequence[slice],
    ) -> Tensor:
        values = hidden.new_empty((len(hidden), 1 if beside is None else 2), dtype=torch.float32)
        slopes = hidden.new_empty((values.shape[1], *hidden.shape))
        for piece in bounds:
            with torch.enable_grad():
                inner = hidden[piece].detach().requires_grad_()
                logits = head(inner)
            own = logits.detach().float().log_softmax(-1)
            wanted = targets[piece, None]
            values[piece, 0] = own.gather(-1, wanted)[:, 0]
            chances = own.exp()
            if beside is not None:
                reference = beside.head(beside.hidden[piece]).float().log_softmax(-1)
                known = reference.exp()
                values[piece, 1] = (known * reference.sub_(own)).sum(-1)
                slopes[1, piece] = _slope(logits, inner, chances - known, last=False)
                del reference, known
            del own
            slope = chances.neg_().scatter_add_(-1, wanted, torch.ones_like(wanted, dtype=chances.dtype))
            slopes[0, piece] = _slope(logits, inner, slope, last=True)
        ctx.save_for_backward(slopes)
        return values[:, 0] if beside is None else values

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        (slopes,) = ctx.saved_tensors
        by_value = gradients[0].reshape(len(gradients[0]), -1).to(slopes.dtype)
        hidden = sum(slope * column[:, None] for slope, column in zip(slopes, by_value.unbind(-1), strict=True))
        return hidden, None, None, None, None


def _slope(logits: Tensor, inner: Tensor, by_logits: Tensor, *, last: bool) -> Tensor:
    """Return the derivative by the hidden states, given the one by the logits."""
    (found,) = torch.autograd.grad(logits, inner, by_logits.to(logits.dtype), retain_graph=not last)
    return found
