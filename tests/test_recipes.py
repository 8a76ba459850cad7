"""Every packaged recipe fits, says where its values are from, and differs from its twin in names and sizes alone."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pairsmith.check import check
from pairsmith.options import plain
from pairsmith.recipe import Recipe, load, resolve
from pairsmith.registry import Registry
from pairsmith.testing.component import HEAVY

REGISTRY = Registry.discover()
RECIPES = REGISTRY.recipes()
FOLDER = Path(__file__).resolve().parents[1] / "recipes" / "pairsmith_recipes"
PUBLISHED = sorted(
    name for name in RECIPES if not name.endswith("-tiny") and not name.startswith(("toyworld", "published-pairs"))
)
PLAIN = {"schema", "seed", "part_size", "max_failures"}
TWINS = sorted(name for name in RECIPES if name.endswith("-tiny"))
SETTINGS = {"published-pairs": ["images.path=pairs.json"]}
"""What a recipe leaves to its user."""


def resolved(name: str) -> Recipe:
    return resolve(load(name, SETTINGS.get(name, ()), REGISTRY), REGISTRY)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_it_fits(name: str) -> None:
    assert check(name, SETTINGS.get(name, ()), REGISTRY)[-1] == "fits"


def test_checking_them_all_is_light() -> None:
    code = (
        "import sys\n"
        "from pairsmith.check import check\n"
        "from pairsmith.registry import Registry\n"
        "registry = Registry.discover()\n"
        f"settings = {SETTINGS!r}\n"
        "for name in registry.recipes():\n    check(name, settings.get(name, ()), registry)\n"
        f"print('LOADED', *(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "LOADED"


def test_the_published_systems_are_all_there() -> None:
    wanted = {
        "pds-dpo", "mllm-dpo", "mllm-dpo-sft", "mllm-dpo-rejection-sampling", "mllm-dpo-steerlm", "decompgen-llava",
        "decompgen-qwen", "alt-text-sft", "alt-text-dpo", "mcm-dpo", "mcm-dpo-a", "mcm-dpo-b", "mcm-dpo-c",
    }  # fmt: skip
    variants = {f"{name}-as-published" for name in wanted - {"mcm-dpo-a", "mcm-dpo-b", "mcm-dpo-c"}}
    one_gpu = {f"{name}-one-gpu" for name in wanted - {"mcm-dpo-a", "mcm-dpo-b", "mcm-dpo-c"}}
    wanted |= {
        "more-prompts",
        "alt-text-corrected",
        "alt-text-preferences",
    }  # what makes their data: no code was released
    assert set(PUBLISHED) == wanted | variants | one_gpu
    assert {name.removesuffix("-tiny") for name in TWINS} == wanted | variants


def commented_in(name: str) -> set[str]:
    """Return the lines that say where they are from, of a recipe and those it extends."""
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    base = re.search(r'^extends = "([\w-]+)"', text, re.MULTILINE)
    own = {said.strip() for said, _, why in (line.partition("  #") for line in text.splitlines()) if why}
    return own | (commented_in(base[1]) if base else set())


@pytest.mark.parametrize("name", [name for name in PUBLISHED if not name.endswith("-one-gpu")])
def test_every_number_says_where_it_is_from(name: str) -> None:
    """In a comment beside it, beside the same line further up, or in one that speaks for all below it."""
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    base = re.search(r'^extends = "([\w-]+)"', text, re.MULTILINE)
    commented = commented_in(base[1]) if base else set()
    silent, for_all = [], False
    for line in text.splitlines():
        said, _, why = line.partition("  #")
        for_all = (for_all and not line.startswith("[[")) or "as all below" in why
        value = re.fullmatch(r"(\w+) = (-?[\d.]+(?:e-?\d+)?|\[[\d., ]+\])\s*", said)
        if why:
            commented.add(said.strip())
        elif value and not for_all and value[1] not in PLAIN and said.strip() not in commented:
            silent.append(line)
    assert not silent


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("pds-dpo", "zero2"),
        ("mllm-dpo", "zero3"),
        ("mllm-dpo-steerlm-as-published", "zero3"),
        ("mcm-dpo", "zero3"),
        ("mcm-dpo-as-published", "zero3"),
    ],
)
def test_the_stage_of_deepspeed_is_named(name: str, stage: str) -> None:
    assert {training.train.options.parallel for training in resolved(name).trainings} == {stage}


def test_pds_dpo_as_published_names_it_in_the_trainer_inside() -> None:
    (training,) = resolved("pds-dpo-as-published").trainings
    own = resolved("pds-dpo").trainings[0].train.options
    inside = training.train.inner[0].options
    assert inside.parallel == "zero2"
    assert plain(inside) == {**plain(own), "over_long": "cut"}


@pytest.mark.parametrize("name", sorted(name for name in PUBLISHED if name.endswith("-one-gpu")))
def test_one_gpu_means_4_bits(name: str) -> None:
    recipe = resolved(name)
    assert recipe.model is not None
    assert recipe.model.options.quantization == "4bit"
    assert {(one.train.options.processes, one.train.options.parallel) for one in recipe.trainings} == {(1, "none")}


# Twins ---------------------------------------------------------------------------------------------------------------

SIZES = {
    "path", "images", "model", "tokenizer", "gate", "summary", "dtype", "quantization", "base_url", "key_env", "backoff",
    "steps", "categories", "max_new_tokens", "threshold", "gate_threshold", "size", "engine", "languages",
    "epochs", "learning_rate", "warmup_steps", "batch_size", "micro_batch_size", "processes", "parallel", "precision",
    "device", "max_length", "gradient_checkpointing", "r", "alpha", "share", "every", "floor", "per_image", "rounds",
}  # fmt: skip
"""The options in which a twin may differ: where things are, how large they are, and what a CPU can do."""


def flat(value: Any, place: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {key: one for name, below in value.items() for key, one in flat(below, f"{place}.{name}").items()}
    if isinstance(value, list | tuple):
        return {key: one for n, below in enumerate(value) for key, one in flat(below, f"{place}[{n}]").items()}
    return {place: value}


def said(recipe: Recipe) -> dict[str, Any]:
    options = {f"{use.where}": (use.key()["component"], plain(use.options)) for use in recipe.uses()}
    kept = {"keep": plain(recipe.image_keep), "hygiene": plain(recipe.hygiene), "seed": recipe.seed}
    return flat({**options, **kept})


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_differs_in_names_and_sizes_alone(name: str) -> None:
    whole, twin = said(resolved(name.removesuffix("-tiny"))), said(resolved(name))
    other = {place for place in whole.keys() | twin.keys() if whole.get(place) != twin.get(place)}
    wrong = {place for place in other if re.sub(r"\[\d+\]$", "", place).rpartition(".")[2] not in SIZES}
    assert not wrong


@pytest.mark.parametrize("name", sorted(name for name in PUBLISHED if name.endswith("-one-gpu")))
def test_one_gpu_keeps_data_loss_and_steps(name: str) -> None:
    own, whole = resolved(name), resolved(name.removesuffix("-one-gpu"))
    assert [use.key() for use in (own.images, own.pairs)] == [use.key() for use in (whole.images, whole.pairs)]
    for mine, theirs in zip(own.trainings, whole.trainings, strict=True):
        assert mine.loss.key() == theirs.loss.key()
        for option in ("epochs", "batch_size", "max_length", "schedule", "warmup_steps", "weight_decay", "precision"):
            assert getattr(mine.train.options, option) == getattr(theirs.train.options, option)


@pytest.mark.parametrize("variant", ["", "-tiny", "-as-published", "-as-published-tiny", "-one-gpu"])
@pytest.mark.parametrize("name", ["alt-text-dpo", "mcm-dpo"])
def test_the_alt_text_recipes_share_their_first_stage(name: str, variant: str) -> None:
    first, name = resolved(f"alt-text-sft{variant}"), f"{name}{variant}"
    own = resolved(name)
    assert own.trainings[0].train.key() == first.trainings[0].train.key()
    assert own.trainings[0].loss.key() == first.trainings[0].loss.key()
    assert [use.key() for use in (own.images, own.pairs, own.model)] == [
        use.key() for use in (first.images, first.pairs, first.model)
    ]


@pytest.mark.parametrize(("variant", "passes"), [("", (2, 2)), ("-as-published", (1, 2))])
def test_baseline_and_method_learn_as_long_unless_as_published(variant: str, passes: tuple[int, int]) -> None:
    """Published, the baseline has one epoch and MCM-DPO two: of pairs that are there twice, for noise of their own."""

    def often(name: str) -> int:
        last = resolved(f"{name}{variant}").trainings[-1]
        return int(last.train.options.epochs) * getattr(getattr(last.pairs, "options", None), "times", 1)

    assert (often("alt-text-dpo"), often("mcm-dpo")) == passes


def test_each_paradigm_freezes_the_tower_as_the_paper_says() -> None:
    every, most = ("vision", "projector", "language-model"), ("projector", "language-model")
    parts = {
        name: tuple(training.train.options.parts for training in resolved(name).trainings)
        for name in ("mcm-dpo-a", "mcm-dpo-b", "mcm-dpo-c", "mcm-dpo")
    }
    assert parts == {
        "mcm-dpo-a": (most, most),
        "mcm-dpo-b": (most, every),
        "mcm-dpo-c": (every, most),
        "mcm-dpo": (every, every),
    }
