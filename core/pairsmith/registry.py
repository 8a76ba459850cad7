"""Finds plugins, collects what they offer, looks a component up by name.

pluggy collects and never decides: each offer keeps the name of the plugin it came from, a plugin that fails is noted and
hurts no other, and a name that two plugins offer is an error only for the recipe that uses it bare.
"""

import os
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, get_args

import pluggy
from attrs import define, field, frozen

from pairsmith import hookspecs
from pairsmith.component import Component
from pairsmith.errors import ComponentNotFoundError, PluginError, in_short
from pairsmith.hookspecs import ModelDirectory, RecipeDirectory
from pairsmith.kinds import Kind

GROUP = "pairsmith"
DISABLE, STRICT = "PAIRSMITH_DISABLE_PLUGINS", "PAIRSMITH_STRICT_PLUGINS"
KINDS: tuple[Kind, ...] = get_args(Kind)
T = TypeVar("T")


@frozen
class Offer:
    """A component and the plugin it came from."""

    component: Component
    plugin: str
    version: str

    @property
    def full_name(self) -> str:
        """The name that is never ambiguous."""
        return f"{self.plugin}/{self.component.name}"

    def refuses(self, other: "Offer", where: str) -> str | None:
        """Return why this cannot be joined to ``other``, whose table is ``where``, or ``None``."""
        partners = self.component.only_with
        if not partners or other.full_name in partners:
            return None
        known = " or ".join(", ".join(repr(name.rpartition("/")[2]) for name in partners).rsplit(", ", 1))
        return (
            f"{self.component.name!r} works with {known} only, not with {other.component.name!r}; write {where}.use = "
            f"{known}, or take another"
        )


@define
class Registry:
    """The plugins of this process. Tests make their own and register into it."""

    manager: pluggy.PluginManager = field(init=False)
    failures: dict[str, str] = field(init=False, factory=dict)
    disabled: list[str] = field(init=False, factory=list)
    versions: dict[str, str] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Learn the hooks."""
        self.manager = pluggy.PluginManager("pairsmith")
        self.manager.add_hookspecs(hookspecs)

    @classmethod
    def discover(cls, found: Iterable[EntryPoint] | None = None) -> "Registry":
        """Load every installed plugin except those named in ``PAIRSMITH_DISABLE_PLUGINS``."""
        registry = cls()
        unwanted = {_normal(name) for name in os.environ.get(DISABLE, "").replace(",", " ").split()}
        points = [(*_distribution(point), point) for point in (entry_points(group=GROUP) if found is None else found)]
        for name, release, point in sorted(points, key=lambda one: one[0]):
            if _normal(name) in unwanted:
                registry.disabled.append(name)
            else:
                registry.add(name, point.load, release)
        return registry

    def add(self, name: str, load: Callable[[], object], release: str = "") -> None:
        """Register one plugin. One that cannot be loaded is noted; with ``PAIRSMITH_STRICT_PLUGINS`` it is an error."""
        if self.manager.has_plugin(name):
            self._fail(
                name, f"a second plugin of this name was left out; a distribution has one entry point in {GROUP!r}"
            )
            return
        self.versions[name] = release
        try:
            self.manager.register(load(), name=name)
            self.manager.check_pending()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin raises is that plugin's failure
            if self.manager.has_plugin(name):  # a wrong hook is found after registering
                self.manager.unregister(name=name)
            wrong_hook = isinstance(error, pluggy.PluginValidationError)
            why = ". ".join(str(error).splitlines()) if wrong_hook else f"{type(error).__name__}: {in_short(error)}"
            self._fail(name, why)

    def _fail(self, plugin: str, why: str) -> None:
        if os.environ.get(STRICT, "") not in {"", "0"}:
            msg = f"plugin {plugin!r} failed to load: {why}"
            raise PluginError(msg)
        self.failures.setdefault(plugin, why)

    def _offered(self, hook: str) -> Iterator[tuple[str, Any]]:
        """Yield what each plugin offers, with its name; a plugin that raises, offers nothing of that kind."""
        for implementation in getattr(self.manager.hook, f"pairsmith_{hook}").get_hookimpls():
            plugin = implementation.plugin_name
            try:
                offered = list(implementation.function())
            except (Exception, SystemExit) as error:  # noqa: BLE001
                self._fail(plugin, f"its hook pairsmith_{hook} raised {type(error).__name__}: {in_short(error)}")
                continue
            for one in offered:
                yield plugin, one

    def _of(self, hook: str, kind: type[T]) -> Iterator[tuple[str, T]]:
        """Yield what is of the right type, and note what is not."""
        for plugin, one in self._offered(hook):
            if isinstance(one, kind):
                yield plugin, one
            else:
                self._fail(plugin, f"its hook pairsmith_{hook} yielded {repr(one)[:100]}, which is no {kind.__name__}")

    def offers(self, kind: Kind) -> list[Offer]:
        """Return what all plugins offer of a kind, by name."""
        found: dict[str, Offer] = {}
        for plugin, component in self._of(kind, Component):
            offer = Offer(component, plugin, self.versions.get(plugin, ""))
            if offer.full_name in found:
                self._fail(plugin, f"it offers {component.name!r} twice in pairsmith_{kind}; the second is left out")
            else:
                found[offer.full_name] = offer
        return sorted(found.values(), key=lambda offer: offer.full_name)

    def find(self, kind: Kind, name: str) -> Offer:
        """Return the offer that a recipe means by ``name`` or ``plugin/name``.

        Raises :class:`ComponentNotFoundError` that says on its first line what is near, and then what is left out.
        """
        offers = self.offers(kind)
        hits = [offer for offer in offers if name in {offer.component.name, offer.full_name}]
        if len(hits) == 1:
            return hits[0]
        if hits:
            choice = " or ".join(repr(offer.full_name) for offer in hits)
            msg = f"{name!r} is offered by {len(hits)} plugins. Write {choice}"
            raise ComponentNotFoundError(msg)
        raise ComponentNotFoundError("\n".join([self._not_found(kind, name, offers), *self.left_out()]))

    def _not_found(self, kind: Kind, name: str, offers: list[Offer]) -> str:
        from difflib import get_close_matches

        if "." in name and "/" not in name:  # what run.json says of an object
            return f"{name!r} was an object in Python, not a component's name; go on with the run from Python"
        for other in KINDS:
            if any(name in {offer.component.name, offer.full_name} for offer in self.offers(other)):
                return f"{name!r} is no {word(kind)} but a {word(other)}; {_listed(offers)}"
        names = [offer.full_name if "/" in name else offer.component.name for offer in offers]
        close = get_close_matches(name, names, n=1)
        return f"no {word(kind)} {name!r}; " + (f"did you mean {close[0]!r}?" if close else _listed(offers))

    def left_out(self) -> list[str]:
        """Return which plugins are installed and offer nothing, and why."""
        failed = [f"plugin {plugin!r} failed to load: {why}" for plugin, why in self.failures.items()]
        return failed + [f"plugin {plugin!r} is left out, for {DISABLE} names it" for plugin in self.disabled]

    def recipes(self) -> dict[str, Path]:
        """Return the packaged recipes: name to file, or ``plugin/name`` where two plugins have the same name."""
        found = [
            (plugin, path.stem, path)
            for plugin, directory in self._of("recipe_dirs", RecipeDirectory)
            for folder in self._folder(plugin, directory)
            for path in sorted(folder.glob("*.toml"))
        ]
        return _by_name(found)

    def models(self) -> dict[str, Path]:
        """Return the model directories that plugins ship: name to directory, or ``plugin/name`` as with recipes."""
        found = [
            (plugin, directory.name, folder)
            for plugin, directory in self._of("model_dirs", ModelDirectory)
            for folder in self._folder(plugin, directory)
        ]
        return _by_name(found)

    def _folder(self, plugin: str, directory: RecipeDirectory | ModelDirectory) -> Iterator[Path]:
        """Yield where a plugin's directory is, unless it is nowhere, which is noted."""
        try:
            folder = Path(str(files(directory.package))) / directory.path
        except Exception as error:  # noqa: BLE001
            self._fail(plugin, f"it offers a folder of package {directory.package!r}: {in_short(error)}")
            return
        if folder.is_dir():
            yield folder
        else:
            self._fail(plugin, f"it offers the folder {directory.path!r} of {directory.package!r}, which is none")


def _by_name(found: Iterable[tuple[str, str, Path]]) -> dict[str, Path]:
    found = list(found)
    times = Counter(name for _, name, _ in found)
    named = {name if times[name] == 1 else f"{plugin}/{name}": path for plugin, name, path in found}
    return dict(sorted(named.items()))


def word(kind: Kind) -> str:
    """Return what one component of a kind is called.

    >>> word("losses"), word("model_families"), word("image_checks")
    ('loss', 'model family', 'image check')
    """
    words = kind.replace("_", " ")
    if words.endswith("ies"):
        return f"{words[:-3]}y"
    return words[:-2] if words.endswith("sses") else words[:-1]


def _listed(offers: Iterable[Offer]) -> str:
    names = sorted({offer.component.name for offer in offers})
    return f"installed: {', '.join(names)}" if names else "none is installed"


def _distribution(point: EntryPoint) -> tuple[str, str]:
    """Return the distribution's name and version; the entry point's name and none where an installation is damaged.

    Both from one reading: a distribution's metadata are parsed anew whenever they are asked for.
    """
    if point.dist is None:
        return point.name, ""
    known = point.dist.metadata
    return known["Name"] or point.name, known["Version"] or ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def absent(distributions: Iterable[str]) -> list[str]:
    """Return those that are not installed."""
    missing = []
    for name in distributions:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    return missing


def install(distribution: str) -> str:
    """Return the command that installs a plugin: from the clone this core runs from, if it holds the plugin."""
    clone = Path(__file__).resolve().parents[2]
    for folder in (clone / "plugins" / distribution, clone / distribution.removeprefix("pairsmith-")):
        if (folder / "pyproject.toml").exists():
            return shlex.join(["pip", "install", "-c", str(clone / "constraints.txt"), "-e", str(folder)])
    return shlex.join(["pip", "install", distribution])
