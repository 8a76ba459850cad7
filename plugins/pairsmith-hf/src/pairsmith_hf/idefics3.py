"""Idefics3 (arXiv 2408.12637) and SmolVLM (arXiv 2504.05299): rows of tiles, and text that says where each lies."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define
from torch import Tensor

from pairsmith_hf.codec import ImageTextCodec, Pixels
from pairsmith_hf.family import Family, Layout, Owned
from pairsmith_hf.llava import LINEAR


@define
class Idefics3Codec(ImageTextCodec):
    """Reads a picture as tiles, with a mask of what is padding in each."""

    inputs = ("pixel_values", "pixel_attention_mask")

    def flat(self, name: str, values: Tensor) -> Tensor:  # noqa: ARG002
        """Return the tiles of a picture as rows: pictures differ in how many they have."""
        return values[0]

    def together(self, prompts: Sequence[Sequence[Pixels]]) -> Pixels:
        """Return the tiles as if all belonged to one prompt: the model numbers them by their order alone."""
        return {name: values[None] for name, values in super().together(prompts).items()}


class Idefics3Family(Family):
    """Idefics3."""

    model_class = "Idefics3ForConditionalGeneration"
    codec_class = Idefics3Codec
    layout = Layout(
        vision=Owned(r"model\.vision_model\.", rf"vision_model\..*\.{LINEAR}"),
        projector=Owned(r"model\.connector\.", r"connector\.modality_projection\.proj"),
        language_model=Owned(r"(model\.text_model\.|lm_head\.)", rf"text_model\..*\.{LINEAR}"),
        decoder="text_model",
    )

    def inputs(self, images: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return the tiles as the model reads them: as of one prompt."""
        return {name: values[None] for name, values in images.items()}


class SmolVLMFamily(Idefics3Family):
    """SmolVLM and SmolVLM2: Idefics3's make in small."""

    model_class = "SmolVLMForConditionalGeneration"
