"""Attention over a tree by FlexAttention: blocks of tokens that do not see each other are never computed (arXiv 2412.05496).

A tree in preorder needs no dense mask: a token sees the ``j``-th where ``j <= i <= last[j]``. Which blocks of 128 tokens are
empty, full or mixed follows from the extremes of ``last`` in each, so nothing as large as L x L is made.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention
from torch.nn.functional import pad, scaled_dot_product_attention

BLOCK = 128
FROM = 2048
"""Tokens of a pass from which FlexAttention is taken unasked: a dense mask is then 8 MiB and more for each row."""

_ISOLATED = {"isolate_recompiles": True} if "isolate_recompiles" in inspect.signature(torch.compile).parameters else {}


def bucket(length: int) -> int:
    """Return the length that is computed for: one of few, so that kernels are compiled for few; a quarter more at most.

    What is added sees itself only, and is padded inside attention alone.

    >>> [bucket(length) for length in (1, 700, 1024, 1025, 5000, 8192)]
    [128, 768, 1024, 1280, 5120, 8192]
    """
    step = max(BLOCK, (1 << (length - 1).bit_length()) // 8)
    return -(-length // step) * step


def block_mask(last: Tensor, runs: Tensor | None = None, window: int | None = None) -> BlockMask:
    """Return who sees whom in a batch of trees, as blocks.

    Args:
        last: ``[B, L]``, the last token below each, see :class:`pairsmith.interfaces.TreeBatch`.
        runs: ``[B, L]``, numbers that never fall: tokens with the same one see each other both ways.
        window: how many tokens of its path a token sees, itself among them.
    """
    length = last.shape[-1]
    place = torch.arange(bucket(length), device=last.device)
    ends = torch.cat([last, place[length:].expand(len(last), -1)], dim=-1)
    depth = None if window is None else depths(ends)
    if runs is not None:
        beyond = runs[:, -1:] + 1 + place[: len(place) - length]
        runs = torch.cat([runs, beyond], dim=-1)

    def visible(row: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        seen = (key <= query) & (query <= ends[row, key])
        if runs is not None:
            seen = seen | (runs[row, query] == runs[row, key])
        if depth is not None and window is not None:
            seen = seen & (depth[row, query] - depth[row, key] < window)
        return seen

    some, every = _blocks(ends, runs, depth, window)
    partly, wholly = _listed(some & ~every), _listed(every)
    return BlockMask.from_kv_blocks(
        *partly, *wholly, BLOCK_SIZE=BLOCK, mask_mod=visible, seq_lengths=(len(place), len(place))
    )


def depths(last: Tensor) -> Tensor:
    """Return how many tokens the path to each has, its own among them, ``[B, L]``.

    >>> depths(torch.tensor([[3, 2, 2, 3]])).tolist()
    [[1, 2, 3, 2]]
    """
    length = last.shape[-1]
    over = torch.zeros(len(last), length + 1, dtype=last.dtype, device=last.device)
    over.scatter_add_(1, last + 1, torch.ones_like(last))
    return torch.arange(1, length + 1, device=last.device) - over[:, :length].cumsum(-1)


def _blocks(ends: Tensor, runs: Tensor | None, depth: Tensor | None, window: int | None) -> tuple[Tensor, Tensor]:
    """Return in which blocks ``[B, queries, keys]`` some token may see another, and in which every one does."""
    lowest, highest = _extremes(ends)
    start = torch.arange(lowest.shape[-1], device=ends.device) * BLOCK
    before = start[:, None] > start
    some = before & (highest[:, None] >= start[:, None]) | torch.eye(len(start), dtype=torch.bool, device=ends.device)
    every = before & (lowest[:, None] >= start[:, None] + BLOCK - 1)
    if runs is not None:
        low, high = _extremes(runs)
        some = some | ((low[:, :, None] <= high[:, None]) & (low[:, None] <= high[:, :, None]))
    if depth is not None and window is not None:
        low, high = _extremes(depth)
        some = some & (low[:, :, None] - high[:, None] < window)
        every = every & (high[:, :, None] - low[:, None] < window)
    return some, every


def _extremes(values: Tensor) -> tuple[Tensor, Tensor]:
    by_block = values.reshape(len(values), -1, BLOCK)
    return by_block.amin(-1), by_block.amax(-1)


def _listed(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """Return of each row of blocks how many there are, ``[B, 1, queries]``, and which, in order and before all others."""
    order = blocks.int().argsort(dim=-1, descending=True, stable=True)
    return blocks.sum(-1, dtype=torch.int32)[:, None], order.to(torch.int32)[:, None]


def in_blocks(query: Tensor, key: Tensor, value: Tensor, mask: BlockMask, scale: float | None = None) -> Tensor:
    """Return the attention ``[B, heads, L, width]``, in the type that autocast computes in; several heads may share keys."""
    length, heads = query.shape[-2], query.shape[1]
    kind = query.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else query.dtype
    query, key, value = (pad(one.to(dtype), (0, 0, 0, mask.shape[-1] - length)) for one in (query, key, value))
    shared = heads // key.shape[1]
    # As transformers does: kernels are spared shared keys where the number of heads is no power of two.
    if shared > 1 and heads & (heads - 1):
        key, value = (one.repeat_interleave(shared, dim=1) for one in (key, value))
    kernel = compiled(kind, (*query.shape, *key.shape))
    out = kernel(query, key, value, block_mask=mask, scale=scale, enable_gqa=heads != key.shape[1])
    return out[:, :, :length]


@cache
def compiled(kind: str, shape: tuple[int, ...]) -> Callable[..., Tensor]:  # noqa: ARG001 - a kernel for each shape
    """Return FlexAttention, compiled for a shape where it runs on a GPU."""
    if kind == "cpu":
        return flex_attention
    # Kept apart, shapes do not count against each other's limit of recompilations, past which nothing would be compiled.
    return torch.compile(flex_attention, dynamic=False if _ISOLATED else None, **_ISOLATED)  # type: ignore[no-any-return,call-overload]


def why_not(decoder: Any, device: torch.device, dtype: torch.dtype) -> str | None:  # noqa: ANN401
    """Return why there is no FlexAttention here for a decoder, ``None`` where there is."""
    if device.type == "cpu":
        return "there is no backward pass on a CPU" if torch.is_grad_enabled() else None
    if find_spec("triton") is None:
        return "torch compiles it with Triton, which is not installed"
    config, heads = decoder.config, decoder.config.num_attention_heads
    of_keys = getattr(config, "num_key_value_heads", None) or heads
    shape = heads, of_keys, getattr(config, "head_dim", None) or config.hidden_size // heads
    autocast = torch.is_autocast_enabled(device.type)
    return trial(str(device), torch.get_autocast_dtype(device.type) if autocast else dtype, shape)


@cache
def trial(device: str, dtype: torch.dtype, shape: tuple[int, int, int]) -> str | None:
    """Compute a small tree forward and backward and compare it with SDPA; return what is wrong, once for each device.

    Whoever asks may be about to compute without gradients, and with them later. ``shape`` are the heads, those of the keys,
    and their width.
    """
    kind = torch.device(device).type
    try:
        with torch.inference_mode(mode=False), torch.enable_grad(), torch.autocast(kind, enabled=False):
            found, wanted = _small_trees(device, dtype, shape)
    except Exception as error:  # noqa: BLE001 - whatever a compiler raises, dense masks are left
        return f"it does not work here: {(str(error) or type(error).__name__).splitlines()[0]}"
    worst = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, wanted, strict=True))
    return None if worst < _CLOSE else f"a small tree came out {worst:.2g} from what SDPA makes of it"


def _small_trees(device: str, dtype: torch.dtype, shape: tuple[int, int, int]) -> Iterator[list[Tensor]]:
    """Yield the attention over a trunk of 150 tokens with two branches, and its gradients, by blocks and densely."""
    dice = torch.Generator().manual_seed(0)
    last = torch.cat([torch.full((150,), 299), torch.full((70,), 219), torch.full((80,), 299)])[None].to(device)
    place = torch.arange(last.shape[-1], device=device)
    sees = (place <= place[:, None]) & (place[:, None] <= last[:, None])
    heads, of_keys, width = shape
    query, key, value = (
        torch.randn(1, count, len(place), width, generator=dice).to(device, dtype).requires_grad_()
        for count in (heads, of_keys, of_keys)
    )
    keys, values = (one.repeat_interleave(heads // of_keys, dim=1) for one in (key, value))
    for one in (
        in_blocks(query, key, value, block_mask(last)),
        scaled_dot_product_attention(query, keys, values, attn_mask=sees[:, None]),
    ):
        yield [one.detach(), *torch.autograd.grad(one.float().square().sum(), (query, key, value))]


_CLOSE = 5e-2
"""Of the largest number, in whatever type is computed in: a wrong mask is off by more."""
