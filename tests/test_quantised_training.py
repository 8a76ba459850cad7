"""A quantised model is trained by one adapter, and ``pairsmith check`` says so before anything is loaded."""

from pathlib import Path

import pytest

from pairsmith.check import check
from pairsmith.errors import RecipeError
from pairsmith.registry import Registry

RECIPE = """
schema = 1
summary = "s"
[images]
use = "folder"
path = "images"
prompt = "What is this?"
[model]
use = "llava"
path = "org/some-7b"
quantization = "4bit"
[responses]
use = "hf"
[pairs]
use = "best-worst"
[loss]
use = "dpo"
[train]
use = "tree"
"""


def test_check_says_that_only_an_adapter_can_be_trained(tmp_path: Path) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    with pytest.raises(
        RecipeError, match=r"model.quantization = '4bit': .* by an adapter only; add a table \[train.lora\]"
    ):
        check(recipe, [], Registry.discover())
    recipe.write_text(f"{RECIPE}\n[train.lora]\nr = 8\n", encoding="utf-8")
    assert check(recipe, [], Registry.discover())[-1] == "fits"
    twice = '[[stages]]\nname = "one"\n[[stages]]\nname = "two"\n'
    recipe.write_text(f"{RECIPE}\n[train.lora]\nr = 8\n{twice}")
    with pytest.raises(RecipeError, match=r"the next training starts from 'one'.*set merge = true"):
        check(recipe, [], Registry.discover())
    recipe.write_text(f"{RECIPE}\n[train.lora]\nr = 8\nmerge = true\n{twice}")
    assert check(recipe, [], Registry.discover())[-1] == "fits"
