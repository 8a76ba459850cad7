"""From who sees whom in a tree to the masks of a decoder, whatever its layers are."""

from typing import Any

import torch
from torch import Tensor


def masks(sees: Tensor, config: Any, dtype: torch.dtype) -> Tensor | dict[str, Tensor]:  # noqa: ANN401
    """Return the additive mask ``[B, 1, L, L]`` of a decoder, or one for each kind of its layers.

    A layer with a sliding window sees no further back than that many tokens of the path, its own among them.

    Args:
        sees: ``[B, L, L]`` bool, true where the row's token may attend to the column's.
        config: the decoder's configuration.
        dtype: of the hidden states.
    """
    kinds = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)
    if not kinds:
        return additive(sees if window is None else windowed(sees, window), dtype)
    if kinds == {"full_attention"}:
        return additive(sees, dtype)
    return {
        "full_attention": additive(sees, dtype),
        "sliding_attention": additive(windowed(sees, int(window or sees.shape[-1])), dtype),
    }


def additive(sees: Tensor, dtype: torch.dtype) -> Tensor:
    """Return 0 where attention is allowed and the least number where it is not, ``[B, 1, L, L]``."""
    blocked = torch.finfo(dtype).min
    return torch.zeros(sees.shape, dtype=dtype, device=sees.device).masked_fill_(~sees, blocked)[:, None]


def windowed(sees: Tensor, window: int) -> Tensor:
    """Narrow what is seen to a window on each path, ``[B, L, L]``.

    >>> path = torch.ones(3, 3).tril().bool()[None]
    >>> windowed(path, 2).int().tolist()
    [[[1, 0, 0], [1, 1, 0], [0, 1, 1]]]
    """
    place = sees.tril().sum(-1)  # a path's tokens stand in their order, so each sees as many before it as its place
    return sees & (place[:, :, None] - place[:, None] < window)


def within_images(sees: Tensor, features: Tensor) -> Tensor:
    """Add that the tokens of one image see each other both ways, ``[B, L, L]``.

    An image's tokens stand together in a tree, in the order of their features; text stands between two images.

    >>> sees = torch.ones(4, 4).tril().bool()[None]
    >>> within_images(sees, torch.tensor([[-1, 0, 1, -1]])).int()[0].tolist()
    [[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    """
    follows = (features[:, 1:] == features[:, :-1] + 1) & (features[:, :-1] >= 0)
    begins = torch.cat([torch.ones_like(follows[:, :1]), ~follows], dim=1)
    image = begins.cumsum(-1)
    together = (image[:, :, None] == image[:, None]) & (features >= 0)[:, :, None]
    return sees | together
