"""Recipes: the file, the settings on the command line, and every fault of its tables at once."""

from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen
from attrs.validators import ge

import pairsmith.builtin
from doubles import Family, Generator, Judge, Loss, Selector, Source
from pairsmith import Component, hookimpl
from pairsmith.errors import RecipeError
from pairsmith.recipe import Document, Recipe, load, resolve
from pairsmith.registry import Registry
from processes import RECIPE, Workplace


@frozen(kw_only=True)
class TrainOptions:
    epochs: float = field(default=1, validator=ge(0))
    lora: bool = False


@frozen(kw_only=True)
class SumOptions:
    terms: tuple[dict[str, Any], ...] = field(metadata={"component": "losses", "besides": ("weight",)})


class Plugin:
    """A component of every kind that a whole recipe needs."""

    @hookimpl
    def pairsmith_image_sources(self):
        return [Component(name="numbers", factory="a:b", summary="s")]

    @hookimpl
    def pairsmith_judges(self):
        return [Component(name="toyworld-oracle", factory="a:b", summary="s")]

    @hookimpl
    def pairsmith_losses(self):
        return [
            Component(name="dpo", factory="a:b", summary="s"),
            Component(name="sum", factory="a:b", summary="s", options=SumOptions),
        ]

    @hookimpl
    def pairsmith_trainers(self):
        return [Component(name="tree", factory="a:b", summary="s", options=TrainOptions)]

    @hookimpl
    def pairsmith_model_families(self):
        return [Component(name="llava", factory="a:b", summary="s")]

    @hookimpl
    def pairsmith_benchmarks(self):
        return [Component(name="chair", factory="a:b", summary="s")]


@pytest.fixture
def registry() -> Registry:
    made = Registry()
    made.add("pairsmith", lambda: pairsmith.builtin)
    made.add("plugin", Plugin)
    return made


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


LEAST: dict[str, Any] = {"schema": 1, "images": {"use": "numbers"}, "image_check": {"use": "none"}}
WHOLE: dict[str, Any] = {
    **LEAST,
    "model": {"use": "llava"},
    "pairs": {"use": "best-worst"},
    "loss": {"use": "dpo"},
    "train": {"use": "tree"},
}


def made(registry: Registry, tables: dict[str, Any]) -> Recipe:
    return resolve(Document(name="mine", tables=tables, path=Path("mine.toml")), registry)


def faults(registry: Registry, **tables: Any) -> list[str]:
    """What is wrong with the least recipe after these tables are put in; ``None`` takes one out."""
    changed = {name: table for name, table in {**LEAST, **tables}.items() if table is not None}
    with pytest.raises(RecipeError) as error:
        made(registry, changed)
    first, *rest = str(error.value).splitlines()
    assert first == "recipe mine.toml does not fit:"
    assert all(line.startswith("  ") for line in rest)
    return [line[2:] for line in rest]


# The file ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [
    lambda text: b"\xef\xbb\xbf" + text,
    lambda text: text.replace(b"\n", b"\r\n"),
    lambda text: b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"),
], ids=["bom", "crlf", "both"])  # fmt: skip
def test_a_recipe_from_windows_is_a_recipe(work: Workplace, change: Any) -> None:
    (work.folder / "six.toml").write_bytes(change(RECIPE.encode()))
    assert work.well("check", "six.toml").stdout.splitlines()[0] == "six: Numbers, described twice."


@pytest.mark.parametrize(("data", "said"), [
    (b'schema = 1\nsummary = "\xe4"\n', "line 2 is not UTF-8; save the file as UTF-8"),
    ("schema = 1".encode("utf-16"), "line 1 is not UTF-8; save the file as UTF-8"),
    (b"schema = 1\n\n[images\nuse = 1\n", "is not valid TOML: Expected ']' at the end of a table declaration (at line 3, column 8)"),
    (b"schema = 1\nschema = 2\n", "is not valid TOML: Cannot overwrite a value (at line 2, column 11)"),
    (b"[images]\nuse = folder\n", "is not valid TOML: Invalid value (at line 2, column 7)"),
    (b"seed = " + b"9" * 5000, "is not valid TOML: Exceeds the limit"),
    (b"a = " + b"[" * 9000, "is not valid TOML: it is nested too deeply"),
], ids=["latin-1", "utf-16", "bracket", "twice", "unquoted", "long", "deep"])  # fmt: skip
def test_a_file_that_is_no_recipe_is_one_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(data)
    with pytest.raises(RecipeError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: {said}")
    assert "\n" not in str(error.value)


def test_a_broken_file_is_refused_by_every_command_that_reads_it(work: Workplace) -> None:
    work.recipe("schema = 1\n[images\n", "bad.toml")
    for command in ("check", "run"):
        assert work.refused(command, "bad.toml").startswith("bad.toml: is not valid TOML: ")
    assert work.refused("copy", "bad.toml", "new.toml").startswith("bad.toml: is not valid TOML: ")
    assert not (work.folder / "new.toml").exists()


def test_a_recipe_that_does_not_exist(work: Workplace) -> None:
    lists = "'pairsmith recipes' lists them"
    assert work.refused("run", "mine.toml") == f"'mine.toml' is neither a file nor a packaged recipe; {lists}"
    assert work.refused("check", "site").startswith("'site' is a folder and no run, for it has no run.json")
    long = "x" * 300
    assert work.refused("run", long) == f"recipe '{long}' cannot be looked up: File name too long"
    assert not (work.folder / "runs").exists()


def test_a_packaged_recipe_is_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Registry()
    monkeypatch.setattr(Registry, "recipes", lambda _: {"toyworld": tmp_path, "toyworld-base": tmp_path})
    with pytest.raises(RecipeError, match=r"'toyworl' is neither .*; did you mean 'toyworld'\? 'pairsmith recipes'"):
        load("toyworl", registry=there)


# Its tables ----------------------------------------------------------------------------------------------------------


def test_a_recipe_needs_only_the_tables_it_uses(registry: Registry) -> None:
    recipe = made(registry, LEAST)
    assert (recipe.seed, recipe.part_size, recipe.trainings, recipe.model) == (0, 256, (), None)
    assert [use.where for use in recipe.uses()] == ["images", "image_check"]


def test_all_faults_of_all_tables_are_said_at_once(registry: Registry) -> None:
    assert faults(
        registry,
        judges=[{"use": "toyworld-orakel"}],
        model={"use": "llava"},
        loss={"use": "dpo"},
        train={"use": "tree", "epochs": "two"},
        pairs={"use": "best-worst", "min_margn": 1},
    ) == [
        "pairs.min_margn: unknown option; did you mean 'min_margin'?",
        "train.epochs: expected a number, got 'two'",
        "judges[0].use: no judge 'toyworld-orakel'; did you mean 'toyworld-oracle'?",
    ]


def test_the_documentation_shows_these_faults() -> None:
    page = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text()
    for line in (
        "  pairs.min_margn: unknown option; did you mean 'min_margin'?\n  train.epochs: expected a number, got 'two'\n"
        "  judges[0].use: no judge 'toyworld-orakel'; did you mean 'toyworld-oracle'?\n"
    ).splitlines():
        assert line in page


@pytest.mark.parametrize(("tables", "said"), [
    ({"schema": None}, "schema: is required, and missing"),
    ({"schema": 2}, "schema: is 2, and this pairsmith reads 1; update one of them"),
    ({"schema": "1"}, "schema: expected an integer, got '1'"),
    ({"images": None}, "images: is missing; every recipe begins with a table [images] that names where its samples come from"),
    ({"part_size": 0}, "part_size: must be at least 1: 0"),
    ({"seed": "x"}, "seed: expected an integer, got 'x'"),
    ({"on_bad_image": "skp"}, "on_bad_image: expected one of 'skip', 'stop', got 'skp'; did you mean 'skip'?"),
    ({"evaluate": ["basis"]}, "evaluate[0]: expected one of 'base', 'rounds', 'trained', 'control', got 'basis'; did you mean 'base'?"),
    ({"requires": "pairsmith-hf"}, "requires: expected an array, got 'pairsmith-hf'"),
    ({"requires": ["attrs>=1"]}, "requires: 'attrs>=1' is no name of a distribution; write it without a version, as 'pairsmith-x'"),
    ({"requires": [""]}, "requires: '' is no name of a distribution; write it without a version, as 'pairsmith-x'"),
    ({"imags": {}}, "imags: unknown table; did you mean 'images'?"),
    ({"images": {"use": "numbrs"}}, "images.use: no image source 'numbrs'; did you mean 'numbers'?"),
    ({"images": {}}, 'images: needs a line use = "NAME"; installed: none, several, stored, numbers'),
    ({"images": "numbers"}, "images: expected a table with a line use = \"NAME\", got 'numbers'"),
    ({"images": {"use": 3}}, "images.use: expected a component's name, got 3"),
    ({"images": {"use": ["numbers"]}}, "images.use: expected a component's name, got ['numbers']"),
    ({"images": {"use": "best-worst"}}, "images.use: 'best-worst' is no image source but a pair selector; installed: none, numbers, several, stored"),
    ({"images": {"use": "numbers", "n": 3}}, "images.n: unknown option; there are none"),
    ({"engine": {"use": "threads"}}, "engine.use: no engine 'threads'; none is installed"),
    ({"responses": "stored"}, "responses: expected a table or several, got 'stored'"),
    ({"responses": ["stored"]}, "responses[0]: expected a table with a line use = \"NAME\", got 'stored'"),
    ({"responses": {"use": "stored"}}, "responses.path: is required, and missing"),
    ({"responses": [{"use": "stored"}]}, "responses[0].path: is required, and missing"),
    ({"hygiene": 3}, "hygiene: expected a table, got 3"),
    ({"hygiene": {"fragmnt": False}}, "hygiene.fragmnt: unknown option; did you mean 'fragment'?"),
    ({"corruptions": {"image": "crop"}}, "corruptions.image: expected a table with a line use = \"NAME\", got 'crop'"),
    ({"corruptions": {"sound": {}}}, "corruptions.sound: unknown axis; there are image, context"),
    ({"control": {"pairs": "images"}, **WHOLE}, "control.pairs: expected a table with a line use = \"NAME\", got 'images'"),
    ({"control": {"loss": {}, "pairs": {}}, **WHOLE}, "control: holds one table, [control.pairs], that names the control's selector; there is loss, pairs"),
    ({"control": {"pairs": {"use": "random"}}}, "control: is there and [train] is not; a control is a second training"),
    ({"benchmarks": {"use": "chair"}, "model": {"use": "llava"}}, "evaluation: is missing; [[benchmarks]] need a generator, from it or [responses]"),
    ({**WHOLE, "stages": {"name": "a"}}, "stages: expected several tables [[stages]], got {'name': 'a'}"),
    ({**WHOLE, "stages": ["a"]}, "stages[0]: expected a table, got 'a'"),
    ({**WHOLE, "stages": [{"loss": "dpo"}]}, "stages[0].loss: expected a table with a line use = \"NAME\", got 'dpo'"),
    ({**WHOLE, "stages": [{"nam": "a"}]}, "stages[0].nam: unknown key; there are name, pairs, loss, train"),
    ({**WHOLE, "stages": [{"name": "a/b"}]}, "stages[0].name: expected a name of letters, digits and hyphens, got 'a/b'"),
    ({**WHOLE, "stages": [{"name": "a"}, {"name": "a"}]}, "stages: two stages have the name 'a'"),
    ({**WHOLE, "evaluate": ["trained", "control"]}, "evaluate: names 'control', and the recipe makes no such model"),
    ({"evaluate": ["base", "trained"]}, "evaluate: names 'trained', and the recipe makes no such model"),
    ({**WHOLE, "pairs": None}, "pairs: is missing; training needs a table [pairs]"),
    ({**WHOLE, "loss": None}, "loss: is missing; training needs a table [loss]"),
    ({**WHOLE, "model": None}, "model: is missing; training needs a table [model] that names a model family"),
])  # fmt: skip
def test_a_fault_is_one_line_with_its_place(registry: Registry, tables: dict[str, Any], said: str) -> None:
    assert faults(registry, **tables) == [said]


def test_a_benchmark_needs_a_model_and_someone_who_answers(registry: Registry) -> None:
    assert [fault.partition(":")[0] for fault in faults(registry, benchmarks=[{"use": "chair"}])] == [
        "model",
        "evaluation",
    ]


def test_an_unknown_table_near_to_none_gets_the_list(registry: Registry) -> None:
    (fault,) = faults(registry, zzz={})
    assert fault.startswith("zzz: unknown table; there are schema, summary, requires")


def test_what_is_required_and_missing_is_said_once_with_its_command(registry: Registry) -> None:
    said = faults(registry, requires=["pairsmith-nowhere", "attrs"], judges=[{"use": "a"}, {"use": "b"}])
    assert said == [
        "requires: 'pairsmith-nowhere' is not installed: pip install pairsmith-nowhere",
        "judges[0].use: no judge 'a'; installed: stored, toyworld-oracle",
        "judges[1].use: no judge 'b'; installed: stored, toyworld-oracle",
    ]


def test_without_the_default_check_of_images_the_way_out_is_said(registry: Registry) -> None:
    (fault,) = faults(registry, image_check=None)
    assert fault.startswith("image_check: is missing; install 'pillow': pip install ")
    assert fault.endswith('pairsmith-images; or write use = "none" where images are known to be sound')


# Objects in place of names -------------------------------------------------------------------------------------------


def test_objects_stand_in_for_components(registry: Registry, tmp_path: Path) -> None:
    source, judge = Source(tmp_path), Judge()
    recipe = made(
        registry, {**LEAST, "images": {"use": source}, "judges": [{"use": judge}, {"use": "toyworld-oracle"}]}
    )
    assert recipe.images.build(None) is source  # type: ignore[arg-type]
    assert (recipe.images.name, recipe.judges[0].name, recipe.judges[1].name) == ("source", "judge", "toyworld-oracle")
    made_with = {"folder": str(tmp_path), "number": 10}
    assert recipe.document["images"] == {"use": f"doubles.Source(folder={str(tmp_path)!r}, number=10)"}
    assert recipe.images.key() == {"component": "doubles.Source", "revision": 1, "options": made_with}


@pytest.mark.parametrize(("tables", "said"), [
    ({"images": {"use": object()}}, "images.use: an object of object is no image source, for it has no 'samples'"),
    ({"images": {"use": Source}}, "images.use: Source is a class; pass an object of it"),
    ({"judges": [{"use": Generator()}]}, "judges[0].use: an object of Generator is no judge, for it has no 'judge'"),
    ({"loss": {"use": Selector()}}, "loss.use: an object of Selector is no loss, for it has no 'cells'"),
    ({"pairs": {"use": Selector(), "min_margin": 1}}, "pairs.use: an object of Selector brings its own options; leave out min_margin"),
])  # fmt: skip
def test_objects_that_do_not_fit(registry: Registry, tables: dict[str, Any], said: str) -> None:
    assert faults(registry, **tables) == [said]


def test_objects_of_every_kind_fit(registry: Registry, tmp_path: Path) -> None:
    recipe = made(registry, {**WHOLE, "model": {"use": Family(tmp_path)}, "loss": {"use": Loss()}})
    assert recipe.trainings[0].loss.name == "loss"


# Settings ------------------------------------------------------------------------------------------------------------

WITH_SEVERAL = """
schema = 1
seed = 0
[images]
use = "numbers"
[[judges]]
use = "one"
weights = [1, 2]
[[judges]]
use = "two"
[[stages]]
[stages.train]
epochs = 1
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "several.toml"
    path.write_text(WITH_SEVERAL)
    return path


@pytest.mark.parametrize(("setting", "place", "value"), [
    ("seed=7", ("seed",), 7),
    ("seed = 7 ", ("seed",), 7),
    ("images.count=3", ("images", "count"), 3),
    ("images.rate=1e-3", ("images", "rate"), 1e-3),
    ("images.rate=-0.5", ("images", "rate"), -0.5),
    ("images.on=true", ("images", "on"), True),
    ("images.on=True", ("images", "on"), "True"),
    ("images.path=a/b c.jsonl", ("images", "path"), "a/b c.jsonl"),
    ("images.path=C:\\data", ("images", "path"), "C:\\data"),
    ("images.path='3'", ("images", "path"), "3"),
    ('images.path="3"', ("images", "path"), "3"),
    ("images.path=2024-01-01", ("images", "path"), "2024-01-01"),
    ("images.path=", ("images", "path"), ""),
    ("images.prompt=Is 1 + 1 = 2?", ("images", "prompt"), "Is 1 + 1 = 2?"),
    ("images.prompt=1\nseed = 3", ("images", "prompt"), "1\nseed = 3"),
    ('images.prompts=["a", "b"]', ("images", "prompts"), ["a", "b"]),
    ("train.lora={r = 4, alpha = 8.0}", ("train", "lora"), {"r": 4, "alpha": 8.0}),
    ("a.b.c=1", ("a", "b", "c"), 1),
    ("judges[1].use=three", ("judges", 1, "use"), "three"),
    ("stages[0].train.epochs=2", ("stages", 0, "train", "epochs"), 2),
])  # fmt: skip
def test_a_setting_changes_one_option(path: Path, setting: str, place: tuple[Any, ...], value: object) -> None:
    found: Any = load(path, [setting]).tables
    for step in place:
        found = found[step]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("setting", "said"), [
    ("seed", "--set 'seed' must look like table.key=value"),
    ("=3", "--set '=3' must look like table.key=value"),
    (" = 3", "--set ' = 3' must look like table.key=value"),
    ("images..count=3", "'images..count' is no place in a recipe; write table.key or table[0].key"),
    ("images.=3", "'images.' is no place in a recipe"),
    ("judges[].use=x", "'judges[].use' is no place in a recipe"),
    ("judges[-1].use=x", "'judges[-1].use' is no place in a recipe"),
    ("judges[²].use=x", "'judges[²].use' is no place in a recipe"),
    ("judges[0.use=x", "'judges[0.use' is no place in a recipe"),
    ("judges[2].use=x", "no entry [2]; there are 2, counted from 0"),
    ("images[0].use=x", "no entry [0]; it is one table, not several"),
    ("judges.use=x", "which entry's 'use'? One of several tables is written table[0].key"),
    ("judges.use.x=x", "which entry's 'use'? One of several tables is written table[0].key"),
    ("judges[0]=x", "'judges[0]' names a whole entry; name an option of it, judges[0].key"),
    ("seed.x=1", "'seed' is 0, not a table"),
    ("judges[0].weights[0]=3", "'judges[0].weights[0]' names a whole entry"),
])  # fmt: skip
def test_a_setting_that_has_no_place(path: Path, setting: str, said: str) -> None:
    with pytest.raises(RecipeError) as error:
        load(path, [setting])
    assert said in str(error.value)
    assert str(error.value).startswith(f"--set {setting!r}")


def test_settings_are_applied_in_order(path: Path) -> None:
    assert load(path, ["seed=1", "seed=2"]).tables["seed"] == 2


def test_an_unknown_key_that_is_set_is_a_fault_like_any_other(work: Workplace) -> None:
    said = work.refused(
        "run", "six.toml", "--set", "images.cont=3", "--set", "trian.epochs=1", "--set", "judges[0].ideal=x"
    )
    assert said.splitlines() == [
        "recipe six.toml does not fit:",
        "  trian: unknown table; did you mean 'train'?",
        "  images.cont: unknown option; did you mean 'count'?",
        "  judges[0].ideal: expected a number, got 'x'",
    ]
    assert not (work.folder / "runs").exists()


def test_an_option_may_hold_several_tables_of_components_with_keys_of_its_own(registry: Registry) -> None:
    recipe = made(registry, {**WHOLE, "loss": {"use": "sum", "terms": [{"use": "dpo", "weight": 0.8}, {"use": "dpo"}]}})
    assert recipe.trainings[0].loss.options.terms[0]["weight"] == 0.8
    assert faults(registry, loss={"use": "sum", "terms": [{"use": "dpo", "wieght": 1}, {"use": "pdo"}]}) == [
        "loss.terms[0].wieght: unknown option; there are none",
        "loss.terms[1].use: no loss 'pdo'; did you mean 'dpo'?",
    ]
