from pathlib import Path

import numpy as np
from attrs import evolve
from PIL import Image as Pillow

from pairsmith.interfaces import Run
from pairsmith.testing import GeneratorContract, ModelFamilyContract, make_run
from pairsmith.values import Image
from pairsmith_hf.options import RandomLlavaOptions
from pairsmith_hf.random_llava import RandomLlavaFamily

TINY = {"image_size": 32, "patch_size": 8, "vocabulary": 400, "std": 0.3}


class TestRandomLlava(ModelFamilyContract):
    name = "pairsmith-hf/random-llava"
    options = TINY

    def make_image(self, tmp_path: Path) -> Image:
        path = tmp_path / "noise.png"
        Pillow.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
        return Image(path=path)


class TestLlava(TestRandomLlava):
    """The same model, loaded from a directory as any LLaVA is."""

    name = "pairsmith-hf/llava"

    def make_options(self, tmp_path: Path):
        family = RandomLlavaFamily(RandomLlavaOptions(**TINY), make_run(tmp_path / "made"))
        return {"path": family.weights.path, "attention": "eager"}


class TestGenerator(GeneratorContract):
    name = "pairsmith-hf/hf"
    options = {"n": 3, "max_new_tokens": 8}

    def make_run(self, tmp_path: Path) -> Run:
        run = make_run(tmp_path / "run")
        family = RandomLlavaFamily(RandomLlavaOptions(**TINY), run)
        return evolve(run, family=family, weights=family.weights)
