"""A recipe that extends another: what it changes, what it leaves out, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from pairsmith.errors import RecipeError
from pairsmith.extending import extended
from pairsmith.recipe import load
from pairsmith.registry import Registry

BASE: dict[str, Any] = {
    "schema": 1,
    "seed": 3,
    "loss": {"use": "dpo", "beta": 0.1, "nll": 1.0},
    "train": {"use": "tree", "epochs": 2, "lora": {"r": 8, "alpha": 16}},
    "judges": [{"use": "a", "n": 1, "m": 1}, {"use": "b"}],
    "pairs": {"use": "subset", "selector": {"use": "margin", "min_margin": 0.3}},
}
BASE_TEXT = """schema = 1
seed = 3
images = { use = "numbers" }
loss = { use = "dpo", beta = 0.1 }
"""


@pytest.mark.parametrize(
    ("over", "place", "expected"),
    [
        ({"seed": 4}, "seed", 4),
        ({"loss": {"beta": 0.5}}, "loss", {"use": "dpo", "beta": 0.5, "nll": 1.0}),
        ({"loss": {"use": "dpo", "beta": 0.5}}, "loss", {"use": "dpo", "beta": 0.5, "nll": 1.0}),
        ({"loss": {"use": "sft"}}, "loss", {"use": "sft"}),
        ({"train": {"lora": {"r": 4}}}, "train", {"use": "tree", "epochs": 2, "lora": {"r": 4, "alpha": 16}}),
        (
            {"pairs": {"selector": {"use": "random"}}},
            "pairs",
            {"use": "subset", "selector": {"use": "random"}},
        ),
        ({"judges": [{"use": "c"}]}, "judges", [{"use": "c"}]),
        ({"judges": {"use": "c"}}, "judges", {"use": "c"}),
        ({"judges": {"0": {"n": 5}}}, "judges", [{"use": "a", "n": 5, "m": 1}, {"use": "b"}]),
        ({"judges": {"1": {"use": "c", "n": 2}}}, "judges", [{"use": "a", "n": 1, "m": 1}, {"use": "c", "n": 2}]),
        (
            {"judges": {"3": {"use": "d"}, "2": {"use": "c"}}},
            "judges",
            [{"use": "a", "n": 1, "m": 1}, {"use": "b"}, {"use": "c"}, {"use": "d"}],
        ),
        ({"without": ["loss.nll"]}, "loss", {"use": "dpo", "beta": 0.1}),
        ({"without": ["judges[0]"]}, "judges", [{"use": "b"}]),
        ({"without": ["judges[0].m"]}, "judges", [{"use": "a", "n": 1}, {"use": "b"}]),
        (
            {"without": ["train.lora"], "train": {"lora": {"r": 2}}},
            "train",
            {"use": "tree", "epochs": 2, "lora": {"r": 2}},
        ),
        ({"benchmarks": [{"use": "x"}]}, "benchmarks", [{"use": "x"}]),
    ],
)
def test_what_a_recipe_changes(over: dict[str, Any], place: str, expected: Any) -> None:
    made = extended(BASE, {"extends": "base", **over}, "mine.toml")
    assert made[place] == expected
    assert {key: value for key, value in made.items() if key != place} == {
        key: value for key, value in BASE.items() if key != place
    }


def test_the_base_stays_as_it_is() -> None:
    extended(BASE, {"without": ["train.lora"], "judges": {"0": {"n": 9}}}, "mine.toml")
    assert BASE["train"]["lora"] == {"r": 8, "alpha": 16}
    assert BASE["judges"][0]["n"] == 1


@pytest.mark.parametrize(
    ("over", "said"),
    [
        (
            {"judges": {"3": {"n": 1}}},
            "mine.toml: judges: no entry 3; there are 2, counted from 0, and 2 would add one",
        ),
        ({"without": ["los"]}, "the recipe it extends has no 'los'; did you mean 'loss'?"),
        ({"without": ["loss.gamma"]}, "the recipe it extends has no 'loss.gamma'"),
        ({"without": ["judges[7]"]}, "the recipe it extends has no 'judges[7]'"),
        ({"without": ["a b"]}, "'a b' is no place in a recipe"),
        ({"without": "loss"}, "expected an array of places as ['benchmarks', 'train.lora'], got 'loss'"),
    ],
)
def test_what_cannot_be_meant(over: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        extended(BASE, over, "mine.toml")
    assert said in str(caught.value)


def written(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)


def test_a_chain_of_files_is_one_recipe_with_the_settings_on_top(tmp_path: Path) -> None:
    written(
        tmp_path,
        base=BASE_TEXT,
        middle='extends = "base.toml"\nsummary = "m"\n[loss]\nbeta = 0.2\n',
        mine='extends = "middle.toml"\nseed = 7\n',
    )
    document = load(tmp_path / "mine.toml", ["loss.beta=0.3"], Registry())
    assert document.name == "mine"
    assert document.tables == {
        "schema": 1,
        "seed": 7,
        "summary": "m",
        "images": {"use": "numbers"},
        "loss": {"use": "dpo", "beta": 0.3},
    }


def test_a_packaged_recipe_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, base=BASE_TEXT, mine='extends = "packaged"\nseed = 1\n')
    monkeypatch.setattr(Registry, "recipes", lambda _: {"packaged": tmp_path / "base.toml"})
    assert load(tmp_path / "mine.toml", (), Registry()).tables["seed"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('extends = "nothing"', "extends: 'nothing' is neither a file nor a packaged recipe"),
        ("extends = 3", "extends: expected the name of a recipe or a file beside this one, got 3"),
        ('extends = "mine.toml"', "'mine.toml' extends this recipe in turn; one of the two must stand alone"),
        ('extends = "round.toml"', "'mine.toml' extends this recipe in turn; one of the two must stand alone"),
        ('without = ["loss"]', "without: belongs to a recipe that extends another"),
    ],
)
def test_a_recipe_that_extends_nothing_sound_is_refused(text: str, said: str, tmp_path: Path) -> None:
    written(tmp_path, mine=f"{text}\n", round='extends = "mine.toml"\n')
    with pytest.raises(RecipeError) as caught:
        load(tmp_path / "mine.toml", (), Registry())
    assert said in str(caught.value)
