"""What every component must do, of whatever kind."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Kind, Run
from pairsmith.options import describe, plain, read
from pairsmith.registry import Offer, Registry

HEAVY = ("torch", "transformers", "trl", "deepspeed", "diffusers", "numpy", "PIL", "matplotlib", "pandas", "datasets")
"""Libraries that listing a plugin must not import."""


def make_run(directory: Path, **more: Any) -> Run:
    """Return a run in an empty directory, for building a component in a test."""
    return Run(directory=directory, images=DirectoryImageStore(directory / "images"), **more)


class ComponentContract:
    """Set ``name`` to the component's full name, and ``options`` where its defaults are not for a test."""

    kind: ClassVar[Kind]
    name: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}

    def make_options(self, tmp_path: Path) -> Mapping[str, Any]:
        """Return the options as a recipe's table; override where they depend on files."""
        del tmp_path
        return self.options

    def make_run(self, tmp_path: Path) -> Run:
        """Return the run; override where the component needs a model."""
        return make_run(tmp_path / "run")

    @pytest.fixture
    def offer(self) -> Offer:
        """The component, found as a recipe finds it."""
        return Registry.discover().find(self.kind, self.name)

    @pytest.fixture
    def component(self, offer: Offer, tmp_path: Path) -> Any:
        """The component, built as a recipe builds it."""
        options = read(self.make_options(tmp_path), offer.component.options_class, self.name)
        return offer.component.build(options, self.make_run(tmp_path))

    def test_every_option_says_what_it_is(self, offer: Offer) -> None:
        """Without this, ``pairsmith plugins NAME`` would leave a reader guessing."""
        silent = [option.name for option in describe(offer.component.options_class) if not option.help]
        assert not silent, f"no metadata={{'help': ...}} on {silent}"

    def test_options_can_be_written_down(self, offer: Offer, tmp_path: Path) -> None:
        """Options are part of a stage's key and of ``run.json``: they must survive being JSON."""
        options = read(self.make_options(tmp_path), offer.component.options_class, self.name)
        assert read(_written(plain(options)), offer.component.options_class, self.name) == options

    def test_listing_it_is_light(self, offer: Offer) -> None:
        """A plugin that imports a model library makes every command slow, even for those who do not use it."""
        package = offer.component.factory.partition(":")[0].partition(".")[0]
        code = f"import sys, {package}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert not done.stdout.split(), f"importing {package} imports {done.stdout.split()}"


def _written(value: Any) -> Any:
    """Return options as TOML could hold them: without those that were left out."""
    if isinstance(value, Mapping):
        return {name: _written(one) for name, one in value.items() if one is not None}
    return value
