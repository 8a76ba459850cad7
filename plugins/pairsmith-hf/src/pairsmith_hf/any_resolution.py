"""LLaVA-NeXT (LLaVA-1.6) and LLaVA-OneVision (arXiv 2408.03326): a picture as a whole, and as tiles (any-res)."""

from collections.abc import Sequence

import torch
from attrs import define
from torch import Tensor

from pairsmith.values import Image
from pairsmith_hf.codec import Expansion, ImageTextCodec, Pixels
from pairsmith_hf.family import Family
from pairsmith_hf.llava import LAYOUT


@define
class TiledCodec(ImageTextCodec):
    """Reads a picture as a row of tiles, the whole picture first."""

    inputs = ("pixel_values", "image_sizes")

    def flat(self, name: str, values: Tensor) -> Tensor:
        """Return the tiles ``[tiles, 3, height, width]``: pictures differ in how many they have."""
        return values[0] if name == "pixel_values" else values


class LlavaNextFamily(Family):
    """LLaVA-NeXT: LLaVA-1.5's parts, and tiles."""

    model_class = "LlavaNextForConditionalGeneration"
    codec_class = TiledCodec
    layout = LAYOUT


@define
class OneVisionCodec(TiledCodec):
    """Reads a picture that is alone in its prompt as tiles, and one of several as a whole only."""

    def expansions(self, images: Sequence[Image]) -> list[Expansion]:
        """Return what stands in a prompt for each of its images: of several, the whole picture and the end of a line."""
        if len(images) < 2:  # noqa: PLR2004 - more than one
            return super().expansions(images)
        count = int(self.processor.num_image_tokens) + 1
        count -= self.processor.vision_feature_select_strategy == "default"
        return [Expansion(self.mark * count, count) for _ in images]

    def slots(self, expansion: Expansion, image: Image) -> Sequence[int]:
        """Return which features its tokens stand for: the last feature of a picture is always the end of a line."""
        alone = self.expansion(self.size(image)).features
        return (*range(expansion.features - 1), alone - 1)

    def together(self, prompts: Sequence[Sequence[Pixels]]) -> Pixels:
        """Return the tiles of all images; of those that share a prompt, the whole picture."""
        shown = [
            {**one, "pixel_values": one["pixel_values"][:1]} if len(images) > 1 else one
            for images in prompts
            for one in images
        ]
        if not shown:
            return {}
        counts = torch.tensor([len(images) for images in prompts])
        return {**{name: torch.cat([one[name] for one in shown]) for name in shown[0]}, "batch_num_images": counts}


class LlavaOneVisionFamily(Family):
    """LLaVA-OneVision: as LLaVA-NeXT, with a limit on the tiles' features and several images in a prompt."""

    model_class = "LlavaOnevisionForConditionalGeneration"
    codec_class = OneVisionCodec
    layout = LAYOUT
