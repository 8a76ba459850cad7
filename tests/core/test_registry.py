"""Plugins as people have them: installed distributions that a real process discovers, some of them broken."""

import re
from pathlib import Path

import pytest

from pairsmith import Component, hookimpl
from pairsmith.errors import ComponentNotFoundError, PluginError, RecipeError
from pairsmith.hookspecs import ModelDirectory, RecipeDirectory
from pairsmith.model import located
from pairsmith.recipe import Use
from pairsmith.registry import KINDS, Registry, absent, install, word
from processes import Workplace, distribution

JUDGE = """
from pairsmith import Component, hookimpl

@hookimpl
def pairsmith_judges():
    yield Component(name="{name}", factory="{module}:Judge", summary="Judges.")
"""


def hook(body: str, name: str = "judges") -> str:
    return f"from pairsmith import Component, hookimpl\n\n@hookimpl\ndef pairsmith_{name}():\n    {body}\n"


BROKEN = {
    "raises": ("raise RuntimeError('no licence\\nfound')", "RuntimeError: no licence"),
    "lacks": ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
    "syntax": ("def (", "SyntaxError: "),
    "exits": ("import sys; sys.exit('needs Linux')", "SystemExit: needs Linux"),
    "typo": (hook("yield 1", "judgez"), "unknown hook 'pairsmith_judgez'"),
    "argument": (hook("yield 1").replace("judges()", "judges(config)"), "Argument(s) {'config'}"),
    "hook-raises": (hook("raise KeyError('x')"), "its hook pairsmith_judges raised KeyError: 'x'"),
    "hook-exits": (hook("raise SystemExit(3)"), "its hook pairsmith_judges raised SystemExit: 3"),
    "hook-late": (hook("yield 3; raise ValueError('late')"), "its hook pairsmith_judges raised ValueError: late"),
    "hook-none": (hook("return None"), "its hook pairsmith_judges raised TypeError: 'NoneType'"),
    "hook-number": (hook("yield 3"), "its hook pairsmith_judges yielded 3, which is no Component"),
    "hook-text": (hook("return 'words'"), "yielded 'w', which is no Component"),
    "hook-class": (hook("yield Component"), "yielded <class 'pairsmith.component.Component'>, which is no Component"),
    "hook-name": (hook("yield Component(name='Bad Name', factory='a:b', summary='s')"), "'name' must match regex"),
    "hook-twice": (hook("yield from [Component(name='a', factory='a:b', summary='s')] * 2"), "it offers 'a' twice"),
    "recipe-dir": (hook("yield 'recipes'", "recipe_dirs"), "yielded 'recipes', which is no RecipeDirectory"),
    "recipe-package": (
        "from pairsmith.hookspecs import RecipeDirectory\n"
        + hook("yield RecipeDirectory(package='nowhere')", "recipe_dirs"),
        "it offers a folder of package 'nowhere': No module named 'nowhere'",
    ),
    "model-folder": (
        "from pairsmith.hookspecs import ModelDirectory\n"
        + hook("yield ModelDirectory(name='tiny', package='pairsmith', path='weights')", "model_dirs"),
        "it offers the folder 'weights' of 'pairsmith', which is none",
    ),
}  # fmt: skip


@pytest.fixture
def work(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_named_and_hurts_no_other(work: Workplace, kind: str) -> None:
    source, why = BROKEN[kind]
    distribution(work.site, "pairsmith-broken", "broken", source, "0.7")
    listed = work.well("plugins").stdout
    (failed,) = re.findall("^FAILED .*$", listed, re.MULTILINE)
    assert "pairsmith-broken 0.7: " in failed
    assert why in failed
    assert len(failed) < 300
    assert "pairsmith-probe/words" in listed
    strict = work.refused("plugins", PAIRSMITH_STRICT_PLUGINS="1")
    assert strict.startswith("plugin 'pairsmith-broken' failed to load: ")
    assert why in strict
    assert "\n" not in strict


def test_a_recipe_that_needs_a_broken_plugin_says_why_it_is_not_there(work: Workplace) -> None:
    distribution(work.site, "pairsmith-broken", "broken", "raise RuntimeError('no licence')")
    first, judge, broken = work.refused("check", "six.toml", "--set", "judges[0].use=zzzz").splitlines()
    assert first == "recipe six.toml does not fit:"
    assert judge.startswith("  judges[0].use: no judge 'zzzz'; installed: ")
    assert judge.endswith("words")
    assert broken == "  installed: plugin 'pairsmith-broken' failed to load: RuntimeError: no licence"


def test_what_failed_is_said_where_one_looks_for_recipes_and_components(work: Workplace) -> None:
    distribution(work.site, "pairsmith-broken", "broken", BROKEN["recipe-package"][0])
    assert "FAILED" in work.well("recipes").stdout
    distribution(work.site, "pairsmith-worse", "worse", BROKEN["raises"][0])
    said = work.refused("plugins", "wordz")
    assert said.splitlines() == [
        "no component 'wordz'; did you mean 'words'?",
        "  plugin 'pairsmith-worse' failed to load: RuntimeError: no licence",
    ]


def test_a_disabled_plugin_is_not_even_imported(work: Workplace) -> None:
    distribution(work.site, "pairsmith-broken", "broken", "open('imported', 'w')")
    disabled = work.well("plugins", PAIRSMITH_DISABLE_PLUGINS="pairsmith-x, pairsmith_Broken pairsmith-probe").stdout
    assert not (work.folder / "imported").exists()
    assert "pairsmith-probe" not in disabled
    assert "pairsmith/stored" in disabled
    work.well("plugins")
    assert (work.folder / "imported").exists()


def test_a_recipe_that_needs_a_disabled_plugin_says_so(work: Workplace) -> None:
    said = work.refused("check", "six.toml", PAIRSMITH_DISABLE_PLUGINS="pairsmith-probe")
    assert "  images.use: no image source 'numbers'" in said
    assert said.count("plugin 'pairsmith-probe' is left out, for PAIRSMITH_DISABLE_PLUGINS names it") == 1


def test_a_failing_plugin_that_is_disabled_is_no_failure(work: Workplace) -> None:
    distribution(work.site, "pairsmith-broken", "broken", "raise RuntimeError")
    listed = work.well("plugins", PAIRSMITH_DISABLE_PLUGINS="pairsmith-broken", PAIRSMITH_STRICT_PLUGINS="1").stdout
    assert "FAILED" not in listed


def test_strict_means_strict_unless_it_is_0(work: Workplace) -> None:
    distribution(work.site, "pairsmith-broken", "broken", "raise RuntimeError")
    work.well("plugins", PAIRSMITH_STRICT_PLUGINS="0")
    work.refused("run", "six.toml", PAIRSMITH_STRICT_PLUGINS="yes")
    assert not (work.folder / "runs").exists()


def test_two_plugins_with_one_component_name(work: Workplace) -> None:
    distribution(work.site, "pairsmith-other", "other", JUDGE.format(name="words", module="other"))
    assert "pairsmith-other/words" in work.well("plugins").stdout
    assert work.well("plugins", "words").stdout.count("(judges)") == 2
    said = work.refused("run", "six.toml")
    assert (
        "judges[0].use: 'words' is offered by 2 plugins. Write 'pairsmith-other/words' or 'pairsmith-probe/words'"
        in said
    )
    work.well("run", "six.toml", "--set", "judges[0].use=pairsmith-probe/words")


def test_a_damaged_installation_has_a_name_all_the_same(work: Workplace) -> None:
    distribution(work.site, "pairsmith-other", "other", JUDGE.format(name="others", module="other"))
    (work.site / "pairsmith_other-1.0.dist-info" / "METADATA").unlink()
    listed = work.well("plugins").stdout
    assert "other/others" in listed
    assert "pairsmith-probe/words" in listed


def test_two_entry_points_of_one_distribution(work: Workplace) -> None:
    distribution(work.site, "pairsmith-other", "other", JUDGE.format(name="others", module="other"))
    points = work.site / "pairsmith_other-1.0.dist-info" / "entry_points.txt"
    points.write_text(points.read_text() + "more = probe\n")
    listed = work.well("plugins").stdout
    assert "pairsmith-other 1.0: a second plugin of this name was left out" in listed


def test_options_that_cannot_be_read_are_their_plugins_fault(work: Workplace) -> None:
    odd = """
    from attrs import frozen

    @frozen
    class Options:
        when: complex = 1j

    @frozen
    class Lost:
        when: "Nowhere" = 1

    yield Component(name="odd", factory="a:b", summary="s", options=Options)
    yield Component(name="lost", factory="a:b", summary="s", options=Lost)
    yield Component(name="gone", factory="a:b", summary="s", options="nowhere:Options")
    yield Component(name="plain", factory="a:b", summary="s", options="json:JSONDecoder")
"""
    distribution(work.site, "pairsmith-odd", "odd", hook(odd.strip()))
    work.recipe(Path(work.folder / "six.toml").read_text().replace('"words"', '"odd"\nwhen = 3'), "odd.toml")
    assert "judges[0].when: options cannot hold <class 'complex'>" in work.refused("check", "odd.toml")
    assert "name 'Nowhere' is not defined" in work.refused("plugins", "lost")
    said = work.refused("plugins", "gone")
    assert "component 'gone': options 'nowhere:Options' raised ModuleNotFoundError: No module named 'nowhere'" in said
    assert "component 'plain': options 'json:JSONDecoder' is no attrs class" in work.refused("plugins", "plain")


def test_options_may_be_said_to_be_elsewhere_and_are_read_when_they_are_asked_for(work: Workplace) -> None:
    (work.site / "odd_options.py").write_text(
        "from attrs import frozen\n\n@frozen\nclass Options:\n    size: int = 3\n"
    )
    body = "yield Component(name='far', factory='a:b', summary='s', options='odd_options:Options')"
    distribution(work.site, "pairsmith-odd", "odd", hook(body))
    assert "size" in work.well("plugins", "far").stdout
    (work.site / "odd_options.py").unlink()
    assert "far" in work.well("plugins").stdout


def test_what_a_component_says_of_itself_may_be_broken(work: Workplace) -> None:
    for name, target in (("needs", "json:loads"), ("inputs", "nowhere:inputs")):
        body = f"yield Component(name='with-{name}', factory='probe:Words', summary='s', {name}='{target}')"
        distribution(work.site, f"pairsmith-{name}", f"with_{name}", hook(body))
    said = work.refused("check", "six.toml", "--set", "judges[0].use=with-needs")
    assert said.startswith("component 'with-needs': json:loads raised TypeError: the JSON object must be str")
    said = work.refused("run", "six.toml", "--set", "judges[0].use=with-inputs")
    assert said.startswith(
        "component 'with-inputs': nowhere:inputs raised ModuleNotFoundError: No module named 'nowhere'"
    )


def test_a_factory_that_is_not_there_stops_the_run_in_one_sentence(work: Workplace) -> None:
    distribution(work.site, "pairsmith-gone", "gone", JUDGE.format(name="gone", module="gone"))
    said = work.refused("run", "six.toml", "--out", "r", "--set", "judges[0].use=gone", code=1)
    assert said.startswith("verdicts-1-gone: AttributeError: module 'gone' has no attribute 'Judge'")
    assert "AttributeError" in (work.folder / "r" / "error.txt").read_text()


# In this process ---------------------------------------------------------------------------------------------------


class Plugin:
    """Offers what it is given."""

    def __init__(self, *offers: object) -> None:
        self.offers = offers

    @hookimpl
    def pairsmith_pair_selectors(self):
        return [one for one in self.offers if isinstance(one, Component)]

    @hookimpl
    def pairsmith_recipe_dirs(self):
        return [one for one in self.offers if isinstance(one, RecipeDirectory)]

    @hookimpl
    def pairsmith_model_dirs(self):
        return [one for one in self.offers if isinstance(one, ModelDirectory)]


def component(name: str) -> Component:
    return Component(name=name, factory="a:b", summary="s")


def registry(**plugins: Plugin) -> Registry:
    made = Registry()
    for name, plugin in plugins.items():
        made.add(name, lambda plugin=plugin: plugin, "1.0")
    return made


def not_found(registry: Registry, kind: str, name: str) -> str:
    with pytest.raises(ComponentNotFoundError) as error:
        registry.find(kind, name)  # type: ignore[arg-type]
    return str(error.value)


def test_a_component_is_found_by_its_name_and_by_its_full_name() -> None:
    there = registry(a=Plugin(component("margin"), component("random")))
    assert there.find("pair_selectors", "margin") == there.find("pair_selectors", "a/margin")
    assert there.find("pair_selectors", "margin").full_name == "a/margin"


@pytest.mark.parametrize(("name", "expected"), [
    ("margni", "no pair selector 'margni'; did you mean 'margin'?"),
    ("a/margni", "no pair selector 'a/margni'; did you mean 'a/margin'?"),
    ("zzz", "no pair selector 'zzz'; installed: margin, random"),
    ("", "no pair selector ''; installed: margin, random"),
])  # fmt: skip
def test_the_nearest_name_is_suggested(name: str, expected: str) -> None:
    assert not_found(registry(a=Plugin(component("margin"), component("random"))), "pair_selectors", name) == expected


def test_a_name_of_another_kind_is_said_to_be_one() -> None:
    there = registry(a=Plugin(component("margin")))
    assert not_found(there, "losses", "margin") == "'margin' is no loss but a pair selector; none is installed"


def test_kinds_have_a_name_for_one_of_them() -> None:
    assert [word(kind) for kind in KINDS] == [
        "image source", "image check", "image judge", "generator", "decomposer", "judge", "pair selector", "corruption",
        "loss", "model family", "trainer", "benchmark", "engine", "exporter", "reporter",
    ]  # fmt: skip


def test_two_plugins_of_one_name_do_not_replace_each_other() -> None:
    there = registry(a=Plugin(component("margin")))
    there.add("a", lambda: Plugin(component("random")))
    assert [offer.component.name for offer in there.offers("pair_selectors")] == ["margin"]
    assert "a second plugin of this name" in there.failures["a"]


def test_recipes_of_one_name_are_told_apart_by_their_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pairsmith.reading import load

    monkeypatch.syspath_prepend(tmp_path)
    for package in ("mine", "yours"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "same.toml").write_text(f"summary = '{package}'")
    (tmp_path / "yours" / "own.toml").write_text("")
    there = registry(a=Plugin(RecipeDirectory(package="mine")), b=Plugin(RecipeDirectory(package="yours")))
    assert list(there.recipes()) == ["a/same", "b/same", "own"]
    assert load("b/same", registry=there).tables == {"summary": "yours"}
    assert load("own", registry=there).name == "own"
    with pytest.raises(RecipeError, match=r"'same' is offered by 2 plugins\. Write 'a/same' or 'b/same'"):
        load("same", registry=there)


def test_models_of_one_name_are_told_apart_by_their_plugin() -> None:
    from attrs import frozen

    @frozen
    class Options:
        path: str

    models = [ModelDirectory(name="tiny", package="pairsmith", path=path) for path in ("builtin", "cli")]
    there = registry(a=Plugin(models[0]), b=Plugin(models[1])).models()
    assert [(name, path.name) for name, path in there.items()] == [("a/tiny", "builtin"), ("b/tiny", "cli")]

    def model(path: str) -> Use:
        return Use(kind="model_families", where="model", offer=None, options=Options(path))

    assert located(model("b/tiny"), there).options.path.endswith("cli")
    assert located(model("else/where"), there).options.path == "else/where"
    with pytest.raises(RecipeError, match=r"model\.path: 'tiny' is shipped by 2 plugins\. Write 'a/tiny' or 'b/tiny'"):
        located(model("tiny"), there)


def test_strictness_is_asked_for_when_a_plugin_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> object:
        raise OSError("gone")

    there = Registry()
    there.add("a", load)
    assert there.failures == {"a": "OSError: gone"}
    monkeypatch.setenv("PAIRSMITH_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="plugin 'b' failed to load: OSError: gone"):
        there.add("b", load)


def test_what_is_not_installed_is_told_from_what_is() -> None:
    assert absent(["pairsmith", "pairsmith-nowhere", "attrs"]) == ["pairsmith-nowhere"]


def test_the_install_command_is_that_of_the_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clone = Path(__file__).parents[2]
    assert install("pairsmith-images") == f"pip install -c {clone}/constraints.txt -e {clone}/plugins/pairsmith-images"
    assert install("pairsmith-recipes") == f"pip install -c {clone}/constraints.txt -e {clone}/recipes"
    assert install("pairsmith-by-others") == "pip install pairsmith-by-others"
    spaced = tmp_path / "my clone"
    (spaced / "plugins" / "pairsmith-x").mkdir(parents=True)
    (spaced / "plugins" / "pairsmith-x" / "pyproject.toml").touch()
    monkeypatch.setattr("pairsmith.registry.__file__", str(spaced / "core" / "pairsmith" / "registry.py"))
    assert install("pairsmith-x") == f"pip install -c '{spaced}/constraints.txt' -e '{spaced}/plugins/pairsmith-x'"
