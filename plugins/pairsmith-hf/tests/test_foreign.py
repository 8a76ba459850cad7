"""Checkpoints that transformers would misread are refused before anything is loaded, and what to take is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from pairsmith.errors import OptionsError, StageError
from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.recipe import Document, resolve
from pairsmith.registry import Registry
from pairsmith_hf.foreign import TWINS
from pairsmith_hf.options import ModelOptions

REGISTRY = Registry.discover()


@pytest.mark.parametrize(("path", "said"), [
    ("liuhaotian/llava-v1.5-7b", "take its twin: use = 'llava', path = 'llava-hf/llava-1.5-7b-hf'"),
    ("liuhaotian/LLaVA-v1.6-vicuna-13b/", "use = 'llava-next', path = 'llava-hf/llava-v1.6-vicuna-13b-hf'"),
    ("liuhaotian/llava-v1.5-7b-lora", "has no twin that is known here; look among 'llava-hf/...'"),
    ("Qwen/Qwen-VL", "take Qwen2.5-VL: use = 'qwen2-5-vl', path = 'Qwen/Qwen2.5-VL-7B-Instruct'"),
    ("Qwen/Qwen-VL-Chat", "path = 'Qwen/Qwen2.5-VL-7B-Instruct', or let that code run: use = 'qwen-vl-chat', trust_remote_code = true"),
])  # fmt: skip
@pytest.mark.parametrize("family", ["llava", "llava-next", "qwen2-5-vl", "auto"])
def test_a_recipe_that_names_one_is_refused_when_it_is_checked(path: str, said: str, family: str) -> None:
    options = REGISTRY.find("model_families", f"pairsmith-hf/{family}").component.options_class
    for more in ({}, {"trust_remote_code": True}):
        with pytest.raises(OptionsError) as error:
            read({"path": path, **more}, options, "model")
        assert str(error.value).startswith("model.path: ")
        assert said in str(error.value)
        assert "\n" not in str(error.value)


def test_so_is_one_that_a_generator_names() -> None:
    own = {"use": "llava", "path": "liuhaotian/llava-v1.5-13b"}
    tables = {
        "schema": 1,
        "images": {"use": "none"},
        "image_check": {"use": "none"},
        "responses": {"use": "hf", "model": own},
    }
    with pytest.raises(Exception, match=r"take its twin: use = 'llava', path = 'llava-hf/llava-1\.5-13b-hf'"):
        resolve(Document(name="test", tables=tables), REGISTRY)


def test_the_twins_are_taken_and_recipes_name_them() -> None:
    for family, path in TWINS.values():
        assert REGISTRY.find("model_families", family)
        assert read({"path": path}, ModelOptions, "model").path == path
    assert read({"path": "liuhaotian-of-mine/llava"}, ModelOptions, "model")


LLAVA = {"model_type": "llava", "mm_vision_tower": "openai/clip-vit-large-patch14-336", "hidden_size": 8}


@pytest.mark.parametrize(("config", "said"), [
    (LLAVA, "is in the format of LLaVA's own code, which transformers does not read; convert it, or train from its twin"),
    ({**LLAVA, "model_type": "llava_llama"}, "is in the format of LLaVA's own code"),
    ({"model_type": "qwen", "visual": {}, "auto_map": {"AutoConfig": "x.Y"}}, "is a Qwen-VL, which needs Python code"),
])  # fmt: skip
@pytest.mark.parametrize("family", ["llava", "qwen2-5-vl", "auto"])
@pytest.mark.parametrize("step", ["codec", "load"])
def test_a_folder_with_one_is_refused_by_its_configuration(
    tmp_path: Path, config: dict[str, Any], said: str, family: str, step: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    component = REGISTRY.find("model_families", f"pairsmith-hf/{family}").component
    run = Run(directory=tmp_path, images=DirectoryImageStore(tmp_path / "images"))
    made = component.build(read({"path": str(tmp_path)}, component.options_class, "model"), run)
    with pytest.raises(StageError) as error:
        made.codec(made.weights) if step == "codec" else made.load(made.weights, device="cpu", dtype="float32")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
