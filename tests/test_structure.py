"""The shape of the repository: where a thing lives, how large it may grow, what each plugin must have."""

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

from pairsmith import hookspecs
from pairsmith.options import describe
from pairsmith.registry import KINDS, Registry

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
LIMIT = 300
LARGER = {"core/pairsmith/interfaces.py": 480, "core/pairsmith/recipe.py": 424, "core/pairsmith/hookspecs.py": 521}
"""Modules over the limit; these numbers may only fall. One file each holds all protocols, all hooks, and the recipe."""


def test_modules_stay_small() -> None:
    found = {}
    for path in (*ROOT.glob("core/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        name = str(path.relative_to(ROOT))
        if lines > LARGER.get(name, LIMIT):
            found[name] = lines
    assert not found


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_has_what_a_plugin_has(plugin: Path) -> None:
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    package = plugin / "src" / plugin.name.replace("-", "_")
    assert project["name"] == plugin.name
    assert project["entry-points"]["pairsmith"] == {plugin.name.removeprefix("pairsmith-"): package.name}
    assert project["requires-python"] == ">=3.11"
    assert project["license"] == "Apache-2.0"
    assert "pairsmith>=0.1,<0.3" in project["dependencies"]
    assert (package / "py.typed").exists()
    assert len((plugin / "README.md").read_text()) > 100
    assert list((plugin / "tests").glob("test_*.py"))
    assert re.search(r"\w+Contract", "".join(path.read_text() for path in plugin.glob("tests/*.py")))


def test_tox_knows_every_plugin() -> None:
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    listed = re.search(r"pairsmith-\{([\w,-]+)\}", tox["tox"]["env_list"])
    assert listed
    assert {f"pairsmith-{name}" for name in listed[1].split(",")} == {plugin.name for plugin in PLUGINS}


def test_import_contracts_know_every_plugin() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    packages = {plugin.name.replace("-", "_") for plugin in PLUGINS} | {"pairsmith_recipes"}
    assert set(settings["root_packages"]) == packages | {"pairsmith"}
    independent = next(one for one in settings["contracts"] if one["type"] == "independence")
    assert set(independent["modules"]) == packages


def test_everything_can_be_installed_at_once() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["all"]
    assert set(extras) == {plugin.name for plugin in PLUGINS} | {"pairsmith-recipes"}


def test_every_hook_is_documented() -> None:
    page = (ROOT / "docs" / "plugins.md").read_text()
    hooks = [name for name in vars(hookspecs) if name.startswith("pairsmith_")]
    assert len(hooks) == len(KINDS) + 2
    assert not [name for name in hooks if f"`{name}`" not in page]


def test_every_hook_has_a_complete_example() -> None:
    for name in (name for name in vars(hookspecs) if name.startswith("pairsmith_")):
        text = vars(hookspecs)[name].__doc__
        example = text.partition("::\n")[2].partition(".. versionadded")[0]
        lines = [line.removeprefix("        ") for line in example.splitlines()]
        names: dict[str, object] = {}
        exec("\n".join(lines), names)  # noqa: S102 - our own documentation
        assert list(names[name]()), name


def test_every_option_of_ours_says_what_it_is() -> None:
    registry = Registry.discover()
    silent = [
        f"{offer.full_name}: {option.name}"
        for kind in KINDS
        for offer in registry.offers(kind)
        for option in describe(offer.component.options)
        if not option.help
    ]
    assert not silent
    assert not registry.failures


def test_changelog_fragments_are_short() -> None:
    fragments = [path for path in (ROOT / "changelog.d").glob("*") if path.suffix == ".md"]
    assert fragments
    for path in fragments:
        assert re.fullmatch(r"\+?[\w-]+\.(added|changed|deprecated|removed|fixed)\.md", path.name), path.name
        assert len(path.read_text().split()) <= 25, path.name
