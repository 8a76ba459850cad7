"""Qwen2-VL (arXiv 2409.12191), Qwen2.5-VL (arXiv 2502.13923) and Qwen3-VL (arXiv 2511.21631).

An image keeps its own size: its patches are read as they are and merged four into one feature. A token has three
positions (M-RoPE): time, height and width.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from attrs import define, evolve
from torch import Tensor

from pairsmith.interfaces import EncodedPrompt, TreeBatch
from pairsmith_hf.codec import ImageTextCodec, Pixels
from pairsmith_hf.family import ROWS, Family, Features, Layout, Owned, flattened
from pairsmith_hf.llava import LAYOUT

_DEEPER = "deeper."
"""Before the numbers of the tower's layers whose features the decoder's first layers are given."""


@define
class QwenCodec(ImageTextCodec):
    """Places images on a grid of positions."""

    inputs = ("pixel_values", "image_grid_thw")
    placing = ("image_grid_thw",)

    def kinds(self, kinds: Tensor) -> Pixels:
        """Tell which tokens are an image's: the model counts its positions from that."""
        return {"mm_token_type_ids": kinds}

    def positions(self, prompt: EncodedPrompt, length: int, pixels: Sequence[Pixels]) -> Tensor:
        """Return time, height and width of every token, ``[3, len(prompt) + length]``.

        A text token has the same number three times, one more than the largest before it. An image's features lie on a
        grid that begins there (arXiv 2409.12191, section 2.1).
        """
        merge = int(self.processor.image_processor.merge_size)
        start, found = 0, []
        for image, size in (*_runs(prompt.image_of), (-1, length)):
            if image < 0:
                place = torch.arange(size).expand(3, -1)
                found.append(place + start)
                start += size
                continue
            grid = pixels[image]["image_grid_thw"][0] // torch.tensor([1, merge, merge])
            found.append(torch.cartesian_prod(*map(torch.arange, grid.tolist())).T + start)
            start += int(grid.max())
        return torch.cat(found, dim=1)


class Qwen2VLFamily(Family):
    """Qwen2-VL."""

    model_class = "Qwen2VLForConditionalGeneration"
    codec_class = QwenCodec
    layout = Layout(
        vision=Owned(r"model\.visual\.(patch_embed|blocks)\.", r"visual\.blocks\..*\.(qkv|proj|fc1|fc2)"),
        projector=Owned(r"model\.visual\.merger\.", r"visual\.merger\.mlp\.(0|2)"),
        language_model=LAYOUT.language_model,
    )


class Qwen25VLFamily(Qwen2VLFamily):
    """Qwen2.5-VL: as Qwen2-VL, with a tower that mostly attends within windows."""

    model_class = "Qwen2_5_VLForConditionalGeneration"
    layout = evolve(
        Qwen2VLFamily.layout,
        vision=Owned(
            Qwen2VLFamily.layout.vision.parameters, r"visual\.blocks\..*\.(qkv|proj|gate_proj|up_proj|down_proj)"
        ),
    )


class Qwen3VLFamily(Qwen2VLFamily):
    """Qwen3-VL: features of several layers of the tower are added to the first layers of the decoder (DeepStack)."""

    model_class = "Qwen3VLForConditionalGeneration"
    layout = Layout(
        vision=Owned(
            r"model\.visual\.(patch_embed|pos_embed|blocks)\.", r"visual\.blocks\..*\.(qkv|proj|linear_fc1|linear_fc2)"
        ),
        projector=Owned(
            r"model\.visual\.(merger|deepstack_merger_list)\.",
            r"visual\.(merger|deepstack_merger_list\.\d+)\.(linear_fc1|linear_fc2)",
        ),
        language_model=LAYOUT.language_model,
    )

    def tables(self, model: Any, images: Pixels, shown: Tensor | None) -> Pixels:  # noqa: ANN401, ARG002
        """Encode distinct images, and keep the deeper features beside those that stand for the tokens."""
        found = model.get_image_features(**self.inputs(images))
        deeper = {f"{_DEEPER}{number}": flattened(layer) for number, layer in enumerate(found.deepstack_features)}
        return {ROWS: flattened(found.pooler_output), **deeper}

    def placed(self, tables: Pixels, batch: TreeBatch) -> Features:
        """Return the features; the decoder adds the deeper ones where the image's tokens are."""
        is_image = batch.features >= 0
        wanted = batch.features[is_image]
        deeper = [tables[f"{_DEEPER}{number}"][wanted] for number in range(len(tables) - 1)]
        return Features(tables[ROWS], {"visual_pos_masks": is_image, "deepstack_visual_embeds": deeper})


def _runs(image_of: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield each image, or -1 for text, with the number of tokens that follow each other."""
    for image, run in groupby(image_of):
        yield image, len(list(run))
