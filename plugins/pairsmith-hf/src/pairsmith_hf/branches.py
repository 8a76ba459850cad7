"""Attention over a tree on a CPU, branch by branch: what a mask would leave out is never computed, and there is no mask.

A branch is a run of tokens without a fork. What its tokens see is their path: the branches above it, and their own up to
themselves. That is the causal attention of the branch's tokens over the keys of the path. So two images at the root cost
the square of each and not of both, and an answer pays nothing for the answers beside it.

Keys are read by all branches below them. Autograd's own slices would write the gradients of all tokens once for each
branch; here they are summed in place, and only queries, keys, values and the result are kept for the backward pass.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import torch
from attrs import frozen
from torch import Tensor

FROM = 512
"""Tokens of a row from which this is faster than a dense mask, which fewer calls compute: measured with 15 branches."""

AT_ONCE = 128
"""Queries at once of a branch with a path above it: of their own keys, half of so many are computed in vain."""

# What SDPA calls on a CPU, forward and backward. Given apart, nothing is kept that can be cut out again.
_forward: Any = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None)
_backward: Any = getattr(torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu_backward", None)

THERE = _forward is not None and _backward is not None
"""Whether this torch has them: they are not public, so a release may take them away. A dense mask then serves."""


@frozen
class Branch:
    """The tokens ``start`` to ``stop`` of a row, and the parts of the row that are their path, of which they are the end.

    Of tokens that are ``alone``, as padding is, each is a path of its own.
    """

    row: slice
    start: int
    stop: int
    path: Sequence[slice]
    alone: bool = False

    @property
    def own(self) -> slice:
        """The branch's tokens."""
        return slice(self.start, self.stop)

    @property
    def above(self) -> int:
        """How many tokens of the path come before the branch's own."""
        return int(sum(part.stop - part.start for part in self.path)) - (self.stop - self.start)

    def pieces(self) -> Iterator[tuple[slice, int]]:
        """Yield which queries are computed together, and how many keys of the path the last of them sees."""
        above, step = self.above, AT_ONCE if self.above else self.stop - self.start
        for start in range(self.start, self.stop, step):
            stop = min(start + step, self.stop)
            yield slice(start, stop), above + stop - self.start


def mask(last: Tensor) -> Tensor:
    """Return what a decoder is given for a mask, ``[B, 1, 1, L]``: of each token the last one that sees it.

    transformers hands whatever has four axes to the attention as it is, and no other mask is of whole numbers.
    """
    return last[:, None, None]


def branches(last: Tensor) -> list[Branch]:
    """Return the branches of a batch of trees, each behind those above it.

    Args:
        last: ``[B, L]``, the last token below each, see :class:`pairsmith.interfaces.TreeBatch`. A token and the next are
            of one branch where that is the same: the first then has no other child.

    >>> [(one.start, one.stop, one.path) for one in branches(torch.tensor([[4, 4, 3, 3, 4]]))]
    [(0, 2, [slice(0, 2, None)]), (2, 4, [slice(0, 4, None)]), (4, 5, [slice(0, 2, None), slice(4, 5, None)])]
    >>> [(one.start, one.stop, one.alone) for one in branches(torch.tensor([[1, 1, 2, 3]]))]
    [(0, 2, False), (2, 4, True)]
    """
    found: list[Branch] = []
    for row, ends in enumerate(last.tolist()):
        rows, above = slice(row, row + 1), list[Branch]()
        forks = (last[row].diff().nonzero()[:, 0] + 1).tolist()
        for start, stop in pairwise([0, *forks, len(ends)]):
            while above and ends[above[-1].start] < start:
                above.pop()
            path = _joined([*(above[-1].path if above else ()), slice(start, stop)])
            alone = not above and ends[start] == start
            if alone and found and found[-1].alone and found[-1].row == rows:
                found[-1] = Branch(rows, found[-1].start, stop, (), alone=True)
                continue
            found.append(Branch(rows, start, stop, path, alone))
            above = [] if alone else [*above, found[-1]]
    return found


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, scale: float | None = None) -> Tensor:
    """Return the attention ``[B, heads, L, width]``, in the type that autocast computes in.

    Args:
        query: ``[B, heads, L, width]``.
        key: ``[B, heads of keys, L, width]``; several heads may share keys.
        value: as ``key``.
        mask: see :func:`mask`.
        scale: of the scores, one over the square root of the width where it is ``None``.
    """
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else query.dtype
    found: Tensor = _ByBranch.apply(  # type: ignore[no-untyped-call]
        query.to(dtype), key.to(dtype), value.to(dtype), branches(mask[:, 0, 0]), scale
    )
    return found


class _ByBranch(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch's context
        query: Tensor,
        key: Tensor,
        value: Tensor,
        found: Sequence[Branch],
        scale: float | None,
    ) -> Tensor:
        size, heads, length, width = query.shape
        out = query.new_empty(size, length, heads, width).transpose(1, 2)  # as the model reads it, without a copy
        norms = []
        for branch in found:
            if branch.alone:
                out[branch.row, :, branch.own] = _shared(value[branch.row, :, branch.own], heads)
                continue
            keys, values = (_along(one, branch, heads) for one in (key, value))
            for own, seen in branch.pieces():
                out[branch.row, :, own], norm = _forward(
                    query[branch.row, :, own], keys[:, :, :seen], values[:, :, :seen], **_how(query, own, seen, scale)
                )
                norms.append(norm)
        ctx.save_for_backward(query, key, value, out, *norms)
        ctx.found, ctx.scale = found, scale
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        query, key, value, out, *norms = ctx.saved_tensors
        by_query = torch.zeros_like(query)
        exact = torch.promote_types(query.dtype, torch.float32)
        by_key, by_value = (torch.zeros_like(one, dtype=exact) for one in (key, value))
        (by_out,), norm = gradients, iter(norms)
        for branch in ctx.found:
            if branch.alone:
                by_value[branch.row, :, branch.own] = _summed(by_out[branch.row, :, branch.own], value.shape[1])
                continue
            keys, values = (_along(one, branch, query.shape[1]) for one in (key, value))
            for own, seen in branch.pieces():
                by_query[branch.row, :, own], *others = _backward(
                    by_out[branch.row, :, own],
                    query[branch.row, :, own],
                    keys[:, :, :seen],
                    values[:, :, :seen],
                    out[branch.row, :, own],
                    next(norm),
                    **_how(query, own, seen, ctx.scale),
                )
                for total, one in zip((by_key, by_value), others, strict=True):
                    _add(total, one, branch)
        return by_query, by_key.to(key.dtype), by_value.to(value.dtype), None, None


def _joined(path: Sequence[slice]) -> Sequence[slice]:
    """Return a path with its last two parts as one where they stand side by side."""
    if len(path) > 1 and path[-2].stop == path[-1].start:
        return [*path[:-2], slice(path[-2].start, path[-1].stop)]
    return path


def _along(values: Tensor, branch: Branch, heads: int) -> Tensor:
    """Return the keys or values of a path, ``[1, heads, path, width]``, a view where its parts stand side by side."""
    parts = [values[branch.row, :, part] for part in branch.path]
    return _shared(parts[0] if len(parts) == 1 else torch.cat(parts, dim=2), heads)


def _shared(values: Tensor, heads: int) -> Tensor:
    """Return keys or values once for each head that reads them."""
    shared = heads // values.shape[1]
    return values if shared == 1 else values.repeat_interleave(shared, dim=1)


def _summed(gradient: Tensor, heads: int) -> Tensor:
    """Return the sum of what the heads that share keys say of them."""
    size, count, *other = gradient.shape
    return gradient if count == heads else gradient.reshape(size, heads, count // heads, *other).sum(2)


def _how(query: Tensor, own: slice, seen: int, scale: float | None) -> dict[str, Any]:
    """Return how queries attend to the keys of their path, of which they are the last: each to those up to itself."""
    count = own.stop - own.start
    above = seen - count
    later = query.new_full((count, seen), float("-inf")).triu_(above + 1) if above else None
    return {"dropout_p": 0.0, "is_causal": not above, "attn_mask": later, "scale": scale}


def _add(total: Tensor, gradient: Tensor, branch: Branch) -> None:
    """Add what the first keys of a path are given, ``[1, heads, seen, width]``, to the gradient of all keys."""
    there, begin = _summed(gradient, total.shape[1]), 0
    for part in branch.path:
        count = min(part.stop - part.start, there.shape[2] - begin)
        total[branch.row, :, part.start : part.start + count] += there[:, :, begin : begin + count]
        begin += count
