"""Gemma 3 (arXiv 2503.19786): an image's tokens see each other both ways, and most layers see a window only."""

from attrs import define
from torch import Tensor

from pairsmith_hf.codec import ImageTextCodec, Pixels
from pairsmith_hf.family import Family, Layout, Owned
from pairsmith_hf.llava import LAYOUT


@define
class Gemma3Codec(ImageTextCodec):
    """Writes an image as a start mark, its features and an end mark."""

    @property
    def image_token(self) -> int:
        """The token that stands for one feature; what the template writes is the start mark."""
        return int(self.processor.tokenizer.image_token_id)

    def kinds(self, kinds: Tensor) -> Pixels:
        """Tell which tokens are an image's: they see each other both ways."""
        return {"token_type_ids": kinds}


class Gemma3Family(Family):
    """Gemma 3 with vision, 4B and larger."""

    model_class = "Gemma3ForConditionalGeneration"
    codec_class = Gemma3Codec
    both_ways = True
    layout = Layout(
        vision=LAYOUT.vision,
        projector=Owned(LAYOUT.projector.parameters, r"multi_modal_projector\.no linear module"),
        language_model=LAYOUT.language_model,
    )
