"""Every component of this plugin keeps the contract of its kind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from PIL import Image as Pillow
from test_judges import network, published

from pairsmith.interfaces import Run
from pairsmith.testing import ImageJudgeContract, ImageSourceContract
from pairsmith.values import Image


class TestTextToImage(ImageSourceContract):
    name = "pairsmith-diffusion/text-to-image"

    @pytest.fixture(autouse=True)
    def _pipeline(self, pipelines: dict[str, Path]) -> None:
        self.path = str(pipelines["sd1"])

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "prompts.txt").write_text("a fox\na pond\nblue penguins\na line\n")
        small = {"height": 16, "width": 16, "steps": 1, "n": 2, "batch_size": 3}
        return {"path": self.path, "prompts": str(tmp_path / "prompts.txt"), **small}


class Noise(ImageJudgeContract):
    def make_image(self, run: Run, number: int) -> Image:
        path = run.directory / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (36, 40, 3), dtype=np.uint8)
        Pillow.fromarray(pixels).save(path)
        return run.images.add_file(path)

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        directory = str(tiny.clip(tmp_path / "clip"))
        return {"path": directory, "processor": directory}


class TestClipScore(Noise):
    name = "pairsmith-diffusion/clip-score"


class TestPickScore(Noise):
    name = "pairsmith-diffusion/pick-score"


class TestImageReward(Noise):
    name = "pairsmith-diffusion/image-reward"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        torch.save(published(network()), tmp_path / "ImageReward.pt")
        tiny.tokenizer(512, start="[CLS]", end="[SEP]").save_pretrained(tmp_path / "bert")
        return {"path": str(tmp_path / "ImageReward.pt"), "tokenizer": str(tmp_path / "bert")}
