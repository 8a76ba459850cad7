"""How a decoder of transformers is given another attention, whose mask says of a tree what a dense one would.

transformers lets models call an attention function by its name. The one here takes the blocks of FlexAttention, on a CPU the
branches of a tree, and passes every other mask on to SDPA.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask
from transformers import AttentionInterface, AttentionMaskInterface

from pairsmith_hf import branches, flex

NAME = "pairsmith_tree"


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | BlockMask | None,
    **more: Any,  # noqa: ANN401
) -> tuple[Tensor, Tensor | None]:
    """Compute the attention of a layer as transformers asks for it: ``[B, L, heads, width]``, and no weights."""
    if isinstance(attention_mask, BlockMask):
        out = flex.in_blocks(query, key, value, attention_mask, more.get("scaling"))
    elif attention_mask is not None and attention_mask.dtype == torch.long:
        out = branches.attention(query, key, value, attention_mask, more.get("scaling"))
    else:
        found: tuple[Tensor, Tensor | None] = AttentionInterface()["sdpa"](
            module, query, key, value, attention_mask, **more
        )
        return found
    return out.transpose(1, 2).contiguous(), None


def prepare(decoder: Any) -> bool:  # noqa: ANN401 - a transformers model
    """Make a decoder call :func:`attend`. Return whether it does."""
    if decoder.config._attn_implementation != NAME:  # noqa: SLF001 - there is no other way to ask
        AttentionInterface.register(NAME, attend)
        AttentionMaskInterface.register(NAME, AttentionMaskInterface()["sdpa"])  # for whoever generates with the model
        decoder.set_attn_implementation(NAME)
    return bool(decoder.config._attn_implementation == NAME)  # noqa: SLF001


def why_not(decoder: Any) -> str | None:  # noqa: ANN401
    """Return what a decoder's attention does that :func:`attend` does not, ``None`` where that is nothing."""
    if decoder.training and getattr(decoder.config, "attention_dropout", 0.0):
        return "its attention has dropout"
    if getattr(decoder.config, "attn_logit_softcapping", None):
        return "it caps the scores of its attention"
    return None
