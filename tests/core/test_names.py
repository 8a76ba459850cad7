"""What the stages of a recipe are called: in order, and each its own folder."""

from pathlib import Path
from typing import Any

import pytest

import pairsmith.builtin
from doubles import Benchmark, Darker, Decomposer, Family, Generator, Judge, Loss, Selector, Source, Trainer
from pairsmith import names
from pairsmith.errors import RecipeError, UsageError
from pairsmith.recipe import Document, Recipe, resolve
from pairsmith.registry import Registry

HERE = Path()
DATA: dict[str, Any] = {
    "schema": 1,
    "images": {"use": Source(HERE)},
    "image_check": {"use": "none"},
    "responses": {"use": Generator()},
    "claims": {"use": Decomposer()},
    "judges": [{"use": Judge()}, {"use": Judge()}],
    "pairs": {"use": Selector()},
}
TRAINED: dict[str, Any] = {**DATA, "model": {"use": Family(HERE)}, "loss": {"use": Loss()}, "train": {"use": Trainer()}}


def recipe(tables: dict[str, Any], **more: Any) -> Recipe:
    registry = Registry()
    registry.add("pairsmith", lambda: pairsmith.builtin)
    return resolve(Document(name="mine", tables={**tables, **more}), registry)


def test_the_stages_of_data_come_in_the_order_of_their_work() -> None:
    assert list(names.ordered(recipe(DATA))) == [
        "images", "responses", "claims", "verdicts-1-judge", "verdicts-2-judge", "pairs",
    ]  # fmt: skip


def test_what_a_recipe_lacks_has_no_stage() -> None:
    least = {name: DATA[name] for name in ("schema", "images", "image_check")}
    assert list(names.ordered(recipe(least))) == ["images"]


def test_several_generators_are_numbered() -> None:
    several = recipe(DATA, responses=[{"use": Generator()}, {"use": Generator()}])
    assert names.response_stages(several) == ["responses-1-generator", "responses-2-generator"]


def test_a_control_repeats_what_comes_after_the_judges() -> None:
    whole = recipe(
        TRAINED,
        control={"pairs": {"use": Selector()}},
        corruptions={"image": {"use": Darker(None)}},
        benchmarks=[{"use": Benchmark(HERE)}, {"use": Benchmark(HERE)}],
    )
    assert list(names.ordered(whole))[5:] == [
        "pairs", "corruptions", "reference", "train",
        "control-pairs", "control-corruptions", "control-reference", "control-train",
        "benchmark-benchmark-1", "evaluate-benchmark-1-base", "evaluate-benchmark-1-trained", "evaluate-benchmark-1-control",
        "benchmark-benchmark-2", "evaluate-benchmark-2-base", "evaluate-benchmark-2-trained", "evaluate-benchmark-2-control",
    ]  # fmt: skip


def test_only_the_last_of_several_trainings_has_a_control() -> None:
    stages = [{"name": "sft", "pairs": {"use": Selector()}}, {"name": "dpo"}]
    whole = recipe(TRAINED, stages=stages, control={"pairs": {"use": Selector()}})
    assert list(names.ordered(whole))[5:] == [
        "sft-pairs", "sft-reference", "sft", "pairs", "dpo-reference", "dpo",
        "control-pairs", "control-dpo-reference", "control-dpo",
    ]  # fmt: skip
    names.check_names(whole)


@pytest.mark.parametrize(("wanted", "expected"), [
    ([], ["base", "trained"]),
    (["trained"], ["trained"]),
    (["trained", "base"], ["base", "trained"]),
])  # fmt: skip
def test_the_models_that_are_evaluated(wanted: list[str], expected: list[str]) -> None:
    assert names.models(recipe(TRAINED, evaluate=wanted)) == expected


@pytest.mark.parametrize("name", ["images", "claims", "pairs", "sft-reference", "control-dpo", "verdicts-1-judge"])
def test_a_training_does_not_take_another_stages_folder(name: str) -> None:
    stages = [{"name": "sft"}, {"name": name}, {"name": "dpo"}]
    taken = recipe(TRAINED, stages=stages, control={"pairs": {"use": Selector()}})
    with pytest.raises(RecipeError, match=f"the name '{name}' of one of .* makes a folder '{name}'"):
        names.check_names(taken)


@pytest.mark.parametrize("until", names.UNTIL)
def test_every_stage_that_is_offered_is_one(until: str) -> None:
    names.check_until(until)
    with pytest.raises(UsageError, match="is no stage; the stages are images, "):
        names.check_until(until.upper())
