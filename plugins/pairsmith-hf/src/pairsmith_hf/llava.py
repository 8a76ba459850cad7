"""LLaVA-1.5 and models of its make (arXiv 2304.08485, 2310.03744)."""

from typing import Any

from attrs import define
from PIL import Image as Pillow

from pairsmith.interfaces import Run, Weights
from pairsmith.values import Image
from pairsmith_hf import processors
from pairsmith_hf.codec import ImageTextCodec
from pairsmith_hf.family import Family, Layout, Owned
from pairsmith_hf.options import LlavaOptions

LINEAR = "(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj|fc1|fc2|out_proj)"
"""The linear modules of a Llama-like decoder, and of a CLIP or SigLIP tower."""


LAYOUT = Layout(
    vision=Owned(r"model\.vision_tower\.", rf"vision_tower\..*\.{LINEAR}"),
    projector=Owned(r"model\.(multi_modal_projector\.|image_newline$)", r"multi_modal_projector\.linear_\d"),
    language_model=Owned(r"(model\.language_model\.|lm_head\.)", rf"language_model\..*\.{LINEAR}"),
)
"""LLaVA's parts, and those of the models that descend from it."""


@define
class LlavaCodec(ImageTextCodec):
    """Reads an image as transformers does, cropped to its middle, or as the original LLaVA-1.5 did, padded."""

    pad_to_square: bool = False

    def opened(self, image: Image) -> Pillow.Image:
        """Return the picture, square where that is asked for."""
        picture = super().opened(image)
        return squared(picture, self.processor.image_processor.image_mean) if self.pad_to_square else picture


class LlavaFamily(Family):
    """LLaVA-1.5: a vision tower, a projector, a Llama, and as many tokens for every image."""

    model_class = "LlavaForConditionalGeneration"
    layout = LAYOUT
    options: LlavaOptions

    def __init__(self, options: LlavaOptions, run: Run) -> None:
        """Remember where the model is; nothing is loaded yet."""
        super().__init__(options, run)

    def reading(self) -> str:
        """Name the way of reading that is not the processor's own."""
        return "pad_to_square" if self.options.pad_to_square else ""

    def codec(self, weights: Weights) -> LlavaCodec:
        """Load the processor."""
        self.check(weights)
        processor = processors.load(weights, trust_remote_code=self.options.trust_remote_code)
        return LlavaCodec(processor, weights, pad_to_square=self.options.pad_to_square)


def squared(picture: Pillow.Image, mean: Any) -> Pillow.Image:  # noqa: ANN401 - three numbers, as a list or a tuple
    """Return a picture in the middle of a square of the mean colour, as LLaVA-1.5 was trained (arXiv 2310.03744).

    Args:
        picture: an RGB picture.
        mean: the mean of each channel that the processor subtracts, from 0 to 1.
    """
    width, height = picture.size
    side = max(width, height)
    square = Pillow.new("RGB", (side, side), tuple(int(channel * 255) for channel in mean))
    square.paste(picture, ((side - width) // 2, (side - height) // 2))
    return square
