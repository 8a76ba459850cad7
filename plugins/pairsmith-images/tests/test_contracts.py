"""Every component of this plugin keeps the contract of its kind."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from pairsmith.interfaces import Run
from pairsmith.testing import CorruptionContract, ImageCheckContract, ImageSourceContract
from pairsmith.values import Image
from pairsmith_images.pixels import png


class TestFolder(ImageSourceContract):
    name = "pairsmith-images/folder"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        folder = tmp_path / "photos"
        folder.mkdir(exist_ok=True)
        for number in range(3):
            Pillow.new("RGB", (4, 4), (number, 0, 0)).save(folder / f"{number}.png")
        return {"path": str(folder), "prompts": ["What is this?", "Describe it."]}


class TestPillow(ImageCheckContract):
    name = "pairsmith-images/pillow"


class Worse(CorruptionContract):
    def make_image(self, run: Run, number: int) -> Image:
        pixels = np.random.default_rng(number).integers(1, 255, (24, 32, 3), dtype=np.uint8)
        return run.images.add_bytes(png(Pillow.fromarray(pixels)), ".png")


class TestCrop(Worse):
    name = "pairsmith-images/crop"


class TestBlack(Worse):
    name = "pairsmith-images/black"


class TestMean(Worse):
    name = "pairsmith-images/mean"


class TestRotate(Worse):
    name = "pairsmith-images/rotate"


class TestMaskPatches(Worse):
    name = "pairsmith-images/mask-patches"


class TestDiffusionNoise(Worse):
    name = "pairsmith-images/diffusion-noise"
