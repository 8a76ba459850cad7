"""Every family holds to the contract, on a tiny model of its own with a real processor."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pairsmith.testing import ModelFamilyContract


class OfATinyModel(ModelFamilyContract):
    @pytest.fixture(autouse=True)
    def _tiny(self, tiny: Callable[[str], Path]) -> None:
        self.tiny = tiny

    def make_options(self, tmp_path: Path):
        return {"path": str(self.tiny(self.name.partition("/")[2]))}


class TestQwen25VL(OfATinyModel):
    name = "pairsmith-hf/qwen2-5-vl"


class TestQwen2VL(OfATinyModel):
    name = "pairsmith-hf/qwen2-vl"


class TestLlavaNext(OfATinyModel):
    name = "pairsmith-hf/llava-next"


class TestLlavaOneVision(OfATinyModel):
    name = "pairsmith-hf/llava-onevision"


class TestQwen3VL(OfATinyModel):
    name = "pairsmith-hf/qwen3-vl"


class TestInternVL(OfATinyModel):
    name = "pairsmith-hf/internvl"


class TestIdefics3(OfATinyModel):
    name = "pairsmith-hf/idefics3"


class TestSmolVLM(OfATinyModel):
    name = "pairsmith-hf/smolvlm"


class TestGemma3(OfATinyModel):
    name = "pairsmith-hf/gemma3"


class TestAuto(OfATinyModel):
    """Of a model that has no family of its own, and whose decoder reads trees."""

    name = "pairsmith-hf/auto"

    def make_options(self, tmp_path: Path):
        return {"path": str(self.tiny("aya-vision"))}


@pytest.mark.parametrize("of", ["aya-vision", "qwen2-5-vl", "qwen3-vl", "gemma3", "internvl"])
class TestAutoInSeparatePasses(OfATinyModel):
    """Of models that do not allow it, or are told not to: every path is a sequence of its own."""

    name = "pairsmith-hf/auto"

    @pytest.fixture(autouse=True)
    def _of(self, of: str) -> None:
        self.of = of

    def make_options(self, tmp_path: Path):
        told = {"passes": "separate"} if self.of in {"aya-vision", "internvl"} else {}
        return {"path": str(self.tiny(self.of)), **told}
