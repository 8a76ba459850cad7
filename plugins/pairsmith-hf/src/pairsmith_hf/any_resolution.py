"""LLaVA-NeXT (LLaVA-1.6) and LLaVA-OneVision (arXiv 2408.03326): a picture as a whole, and as tiles (any-res)."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from attrs import define
from PIL import Image as Pillow
from torch import Tensor
from torch.nn import Module
from transformers import LlavaModel

from pairsmith.interfaces import Run, Weights
from pairsmith.values import Image
from pairsmith_hf.codec import Expansion, ImageTextCodec, Pixels
from pairsmith_hf.family import ROWS, Family, inner
from pairsmith_hf.llava import LAYOUT, squared
from pairsmith_hf.options import LlavaNextOptions


@define
class TiledCodec(ImageTextCodec):
    """Reads a picture as a row of tiles, the whole picture first."""

    inputs = ("pixel_values", "image_sizes")

    def flat(self, name: str, values: Tensor) -> Tensor:
        """Return the tiles ``[tiles, 3, height, width]``: pictures differ in how many they have."""
        return values[0] if name == "pixel_values" else values


@define
class SquareCodec(ImageTextCodec):
    """Reads a picture as one padded square, which has as many tokens whatever the picture's shape."""

    def expansion(self, size: tuple[int, int]) -> Expansion:  # noqa: ARG002 - every picture has as many
        """Return the image tokens of a square."""
        height, width = self._square(Pillow.new("RGB", (8, 8))).shape[-2:]
        patches = (height // self.processor.patch_size) * (width // self.processor.patch_size)
        first_dropped = self.processor.vision_feature_select_strategy == "default"
        count = patches + self.processor.num_additional_image_tokens - int(first_dropped)
        return Expansion(self.mark * count, range(count))

    def pixels(self, image: Image) -> Pixels:
        """Return the square ``[1, 3, height, width]``."""
        return {"pixel_values": self._square(self.opened(image))}

    def _square(self, picture: Pillow.Image) -> Tensor:
        whole: Tensor = self.read([squared(picture, self.processor.image_processor.image_mean)])["pixel_values"][:, 0]
        return whole


class LlavaNextFamily(Family):
    """LLaVA-NeXT: LLaVA-1.5's parts, and tiles."""

    model_class = "LlavaNextForConditionalGeneration"
    layout = LAYOUT
    options: LlavaNextOptions

    def __init__(self, options: LlavaNextOptions, run: Run) -> None:
        """Remember where the model is; nothing is loaded yet."""
        super().__init__(options, run)
        self.codec_class = TiledCodec if options.tiles else SquareCodec  # type: ignore[misc]

    def reading(self) -> str:
        """Name the way of reading that is not the processor's own."""
        return "" if self.options.tiles else "squares"

    def load(self, weights: Weights, *, device: str, dtype: str) -> Module:
        """Load the model; without tiles its features are LLaVA-1.5's, which end no line."""
        module = super().load(weights, device=device, dtype=dtype)
        if not self.options.tiles:
            model: Any = inner(module).model

            def features(pixel_values: Tensor, image_sizes: Tensor | None = None, **more: Any) -> Any:  # noqa: ANN401, ARG001
                return LlavaModel.get_image_features(model, pixel_values, **more)

            model.get_image_features = features
        return module


@define
class OneVisionCodec(TiledCodec):
    """Reads a picture that is alone in its prompt as tiles, and one of several only as a whole, padded to a square.

    So a picture has the features of two readings: the W of the padded whole, then the A of the tiles, of which the last
    ends a line. Alone it shows the second kind; one of several shows the first and the end of a line.
    """

    @property
    def whole(self) -> int:
        """The number of features of a whole picture."""
        dropped = self.processor.vision_feature_select_strategy == "default"
        return int(self.processor.num_image_tokens) - int(dropped)

    def expansions(self, images: Sequence[Image]) -> list[Expansion]:
        """Return what stands in a prompt for each of its images."""
        tiled = super().expansions(images)
        if len(images) == 1:
            return [Expansion(one.text, range(self.whole, self.whole + len(one.slots))) for one in tiled]
        text = self.mark * (self.whole + 1)
        return [Expansion(text, (*range(self.whole), self.whole + len(one.slots) - 1)) for one in tiled]

    def pixels(self, image: Image) -> Pixels:
        """Return the padded whole and the tiles as rows, and ``counts`` ``[1, 3]``: of tiles, W and A."""
        picture = self.opened(image)
        alone, beside = self.read([picture]), self.read([picture, picture])
        tiles = alone["pixel_values"][0]
        return {
            "pixel_values": torch.cat([beside["pixel_values"][0, :1], tiles]),
            "image_sizes": alone["image_sizes"],
            "counts": torch.tensor([[len(tiles), self.whole, len(self.expansion(picture.size).slots)]]),
        }

    def together(self, prompts: Sequence[Sequence[Pixels]]) -> Pixels:
        """Return the images as ``generate`` reads them."""
        shown = [(one, len(images) == 1) for images in prompts for one in images]
        if not shown:
            return {}
        return {
            "pixel_values": torch.cat(
                [one["pixel_values"][1:] if alone else one["pixel_values"][:1] for one, alone in shown]
            ),
            "image_sizes": torch.cat([one["image_sizes"] for one, _ in shown]),
            "batch_num_images": torch.tensor([len(images) for images in prompts]),
        }


class LlavaOneVisionFamily(Family):
    """LLaVA-OneVision: as LLaVA-NeXT, with a limit on the tiles' features and several images in a prompt."""

    model_class = "LlavaOnevisionForConditionalGeneration"
    codec_class = OneVisionCodec
    layout = LAYOUT

    def tables(self, model: Any, images: Pixels, shown: Tensor | None) -> Pixels:  # noqa: ANN401
        """Encode of each distinct image what is shown of it: the tiles, the padded whole, or both."""
        counts = images["counts"].tolist()
        readings = torch.split(images["pixel_values"], [tiles + 1 for tiles, _, _ in counts])
        ends = list(accumulate(whole + tiled for _, whole, tiled in counts))
        read = set(range(ends[-1]) if shown is None else shown[shown >= 0].tolist())
        starts = [end - whole - tiled for end, (_, whole, tiled) in zip(ends, counts, strict=True)]
        wholes = [k for k, start in enumerate(starts) if start in read]
        tileds = [k for k, start in enumerate(starts) if start + counts[k][1] in read]
        of_whole = self._encoded(model, images, wholes, [readings[k][:1] for k in wholes], several=True)
        of_tiles = self._encoded(model, images, tileds, [readings[k][1:] for k in tileds], several=False)
        line = model.image_newline[None]
        rows = []
        for k, (_, whole, tiled) in enumerate(counts):
            rows.append(of_whole[k][:whole] if k in of_whole else line.expand(whole, -1))
            rows.append(of_tiles[k] if k in of_tiles else line.expand(tiled, -1))
        return {ROWS: torch.cat([row.to(line.dtype) for row in rows])}

    def _encoded(
        self,
        model: Any,  # noqa: ANN401
        images: Pixels,
        wanted: Sequence[int],
        rows: Sequence[Tensor],
        *,
        several: bool,
    ) -> dict[int, Tensor]:
        """Return the features of these images in one of the two readings."""
        if not wanted:
            return {}
        # The model tells the readings apart by the images of a prompt: what stands alone is doubled to be one of several.
        again = 2 if several and len(wanted) == 1 else 1
        found = model.get_image_features(
            pixel_values=torch.cat([*rows] * again),
            image_sizes=images["image_sizes"][[*wanted] * again],
            batch_num_images=[len(wanted) * again] if several else [1] * len(wanted),
        ).pooler_output
        return dict(zip(wanted, found[: len(wanted)], strict=True))
