"""Options of training that both trainers read alike: an adapter by one word, and how long the learning rate rises."""

import re
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pairsmith.errors import OptionsError
from pairsmith.options import read
from pairsmith.recipe import load, resolve
from pairsmith.registry import Registry
from pairsmith.testing import make_run
from pairsmith_train.arguments import training_arguments
from pairsmith_train.options import TreeOptions
from pairsmith_trl.options import TrlOptions

TRAINERS = [TreeOptions, TrlOptions]
REGISTRY = Registry.discover()
MODULES = {  # of each family: a linear module of the language model, one of the vision tower, one of what lies between
    "llava": (
        "model.language_model.layers.0.self_attn.q_proj",
        "model.vision_tower.vision_model.encoder.layers.0.self_attn.q_proj",
        "model.multi_modal_projector.linear_1",
    ),
    "qwen2-5-vl": (
        "model.language_model.layers.11.mlp.up_proj",
        "model.visual.blocks.0.attn.qkv",
        "model.visual.merger.mlp.0",
    ),
    "idefics3": (
        "model.text_model.layers.3.mlp.down_proj",
        "model.vision_model.encoder.layers.0.self_attn.k_proj",
        "model.connector.modality_projection.proj",
    ),
}


@pytest.mark.parametrize("family", MODULES)
@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_word_is_the_scope_of_an_adapter_whatever_the_base_model(
    trainer: type[Any], family: str, tmp_path: Path
) -> None:
    component = REGISTRY.find("model_families", family).component
    made = component.build(component.options_class(path="org/model"), make_run(tmp_path))
    for number, word in enumerate(("language-model", "vision", "projector")):
        options = read({"lora": word}, trainer, "train")
        assert options == read({"lora": {"scope": [word]}}, trainer, "train")
        targets = made.lora_targets(options.lora.scope)
        assert [bool(re.fullmatch(targets, module)) for module in MODULES[family]] == [n == number for n in range(3)]


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize(("table", "said"), [
    ({"lora": "language_model"}, r"^train.lora: expected one of .*, got 'language_model'; did you mean 'language-model'\?"),
    ({"warmup_steps": 5, "warmup_ratio": 0.1}, "^train: warmup_steps = 5 and warmup_ratio = 0.1 both say how long"),
    ({"warmup_ratio": 1.0}, "'warmup_ratio' must be < 1.0: 1.0"),
    ({"warmup_ratio": -0.1}, "'warmup_ratio' must be >= 0.0: -0.1"),
])  # fmt: skip
def test_what_cannot_be_meant_is_one_sentence(trainer: type[Any], table: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionsError, match=said):
        read(table, trainer, "train")


@pytest.mark.parametrize(("options", "steps"), [
    ({"warmup_ratio": 0.03}, [270, 3, 1]),
    ({"warmup_steps": 5}, [5, 5, 5]),
    ({"warmup_steps": 5, "warmup_ratio": 0.0}, [5, 5, 5]),
    ({}, [0, 0, 0]),
])  # fmt: skip
def test_a_share_of_the_steps_is_rounded_up(options: dict[str, Any], steps: list[int], tmp_path: Path) -> None:
    made = training_arguments(read({**options, "device": "cpu"}, TreeOptions, "train"), tmp_path, 0)
    assert [made.get_warmup_steps(every) for every in (9_000, 90, 1)] == steps


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_constant_rate_rises_first_too(trainer: type[Any]) -> None:
    made = [
        read({"schedule": "constant", **more}, trainer, "train")
        for more in ({}, {"warmup_steps": 5}, {"warmup_ratio": 0.1})
    ]
    assert [one.scheduled for one in made] == ["constant", "constant_with_warmup", "constant_with_warmup"]
    assert [one.warm_up for one in made] == [0, 5, 0.1]


@pytest.mark.parametrize("name", ["pds-dpo", "pds-dpo-as-published", "pds-dpo-one-gpu", "pds-dpo-tiny"])
def test_pds_dpo_warms_up_for_its_published_share_of_however_many_pairs(name: str, tmp_path: Path) -> None:
    """0.03 of 9,000 steps are the published 270, which would outlast two epochs of the 90 prompts that come with it."""
    (training,) = resolve(load(name, (), REGISTRY), REGISTRY).trainings
    options = training.train.inner[0].options if training.train.inner else training.train.options
    assert (options.warmup_steps, options.warmup_ratio) == (0, 0.03)
    alone = evolve(options, device="cpu", precision="fp32", parallel="none", processes=1)
    made = training_arguments(alone, tmp_path, 0)
    assert [made.get_warmup_steps(steps) for steps in (9_000, 90)] == [270, 3]
