"""From who sees whom in a tree to the masks of a decoder, whatever its layers are."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

Mask = TypeVar("Mask")


def masks(config: Any, make: Callable[[int | None], Mask]) -> Mask | dict[str, Mask]:  # noqa: ANN401
    """Return the mask of a decoder, or one for each kind of its layers.

    Args:
        config: the decoder's configuration.
        make: makes a mask for layers that see no further back than so many tokens of the path, their own among them.
    """
    kinds = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)
    if not kinds:
        return make(None if window is None else int(window))
    if kinds == {"full_attention"}:
        return make(None)
    return {"full_attention": make(None), "sliding_attention": make(int(window) if window else None)}


def dense(sees: Tensor, window: int | None, dtype: torch.dtype) -> Tensor:
    """Return the additive mask ``[B, 1, L, L]``.

    Args:
        sees: ``[B, L, L]`` bool, true where the row's token may attend to the column's.
        window: see :func:`masks`.
        dtype: of the hidden states.
    """
    return additive(sees if window is None else windowed(sees, window), dtype)


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

    >>> sees = torch.ones(4, 4).tril().bool()[None]
    >>> within_images(sees, torch.tensor([[-1, 0, 1, -1]])).int()[0].tolist()
    [[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    """
    run = runs(features)
    return sees | (run[:, :, None] == run[:, None])


def runs(features: Tensor) -> Tensor:
    """Return a number for each image, the same for all its tokens, and one of its own for every other token, ``[B, L]``.

    An image's tokens stand together in a tree, in the order of their features; text stands between two images.

    >>> runs(torch.tensor([[-1, 0, 1, -1, -1]])).tolist()
    [[1, 2, 2, 3, 4]]
    """
    follows = (features[:, 1:] == features[:, :-1] + 1) & (features[:, :-1] >= 0)
    return torch.cat([torch.ones_like(follows[:, :1]), ~follows], dim=1).cumsum(-1)
