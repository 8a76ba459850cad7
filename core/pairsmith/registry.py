"""Finds plugins, collects what they offer, looks a component up by name.

pluggy collects and never decides: each offer keeps the name of the plugin it came from, a plugin that fails is noted and
hurts no other, and a name that two plugins offer is an error only for the recipe that uses it bare.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pluggy
from attrs import define, field, frozen

from pairsmith import hookspecs
from pairsmith.component import Component
from pairsmith.errors import ComponentNotFoundError, PluginError
from pairsmith.hookspecs import ModelDirectory, RecipeDirectory
from pairsmith.interfaces import Kind

GROUP = "pairsmith"
DISABLE, STRICT = "PAIRSMITH_DISABLE_PLUGINS", "PAIRSMITH_STRICT_PLUGINS"
KINDS: tuple[Kind, ...] = get_args(Kind)


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


@define
class Registry:
    """The plugins of this process. Tests make their own and register into it."""

    manager: pluggy.PluginManager = field(init=False)
    failures: dict[str, str] = field(init=False, factory=dict)
    versions: dict[str, str] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Learn the hooks."""
        self.manager = pluggy.PluginManager("pairsmith")
        self.manager.add_hookspecs(hookspecs)

    @classmethod
    def discover(cls, found: Iterable[EntryPoint] | None = None) -> "Registry":
        """Load every installed plugin except those named in ``PAIRSMITH_DISABLE_PLUGINS``."""
        registry = cls()
        disabled = os.environ.get(DISABLE, "").replace(",", " ").split()
        for point in sorted(entry_points(group=GROUP) if found is None else found, key=_plugin_name):
            name = _plugin_name(point)
            if name not in disabled:
                registry.add(name, point.load, point.dist.version if point.dist else "")
        return registry

    def add(self, name: str, load: Callable[[], object], release: str = "") -> None:
        """Register one plugin. One that cannot be loaded is noted; with ``PAIRSMITH_STRICT_PLUGINS`` it is an error."""
        if self.manager.has_plugin(name):
            self._fail(name, f"two plugins have the name {name!r}; uninstall one of them")
            return
        self.versions[name] = release
        try:
            self.manager.register(load(), name=name)
            self.manager.check_pending()
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is that plugin's failure
            self._fail(name, f"{type(error).__name__}: {_first_line(error)}")
            if self.manager.has_plugin(name):  # check_pending() speaks up after registering
                self.manager.unregister(name=name)

    def _fail(self, plugin: str, why: str) -> None:
        if os.environ.get(STRICT, "") not in {"", "0"}:
            msg = f"plugin {plugin!r} failed to load: {why}"
            raise PluginError(msg)
        self.failures[plugin] = why

    def _offered(self, hook: str) -> Iterator[tuple[str, Any]]:
        """Yield what each plugin offers, with its name; a plugin that raises, offers nothing of that kind."""
        for implementation in getattr(self.manager.hook, f"pairsmith_{hook}").get_hookimpls():
            plugin = implementation.plugin_name
            try:
                offered = list(implementation.function())
            except Exception as error:  # noqa: BLE001
                self._fail(plugin, f"its hook pairsmith_{hook} raised {type(error).__name__}: {_first_line(error)}")
                continue
            for one in offered:
                yield plugin, one

    def offers(self, kind: Kind) -> list[Offer]:
        """Return what all plugins offer of a kind, by name."""
        found: dict[str, Offer] = {}
        for plugin, component in self._offered(kind):
            if not isinstance(component, Component):
                self._fail(plugin, f"its hook pairsmith_{kind} yielded {component!r}, which is no Component")
                continue
            offer = Offer(component, plugin, self.versions.get(plugin, ""))
            if offer.full_name in found:
                self._fail(plugin, f"it offers {component.name!r} twice in pairsmith_{kind}")
            found[offer.full_name] = offer
        return sorted(found.values(), key=lambda offer: offer.full_name)

    def find(self, kind: Kind, name: str, requires: Iterable[str] = ()) -> Offer:
        """Return the offer that a recipe means by ``name`` or ``plugin/name``.

        Raises :class:`ComponentNotFoundError` that says what is near, what is missing and what failed to load.
        """
        offers = self.offers(kind)
        hits = [offer for offer in offers if name in {offer.component.name, offer.full_name}]
        if len(hits) == 1:
            return hits[0]
        if hits:
            choice = " or ".join(repr(offer.full_name) for offer in hits)
            msg = f"{name!r} is offered by {len(hits)} plugins. Write {choice}"
            raise ComponentNotFoundError(msg)
        raise ComponentNotFoundError(self._not_found(kind, name, offers, requires))

    def _not_found(self, kind: Kind, name: str, offers: list[Offer], requires: Iterable[str]) -> str:
        from difflib import get_close_matches

        names = sorted({offer.component.name for offer in offers})
        close = get_close_matches(name, names, n=1)
        word = kind.replace("_", " ").removesuffix("s").replace("familie", "family")
        lines = [f"no {word} {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")]
        lines += [f"  {distribution} is not installed: {install(distribution)}" for distribution in absent(requires)]
        lines.append(f"  installed: {', '.join(names) or 'none'}")
        lines += [f"  plugin {plugin!r} failed to load: {why}" for plugin, why in self.failures.items()]
        return "\n".join(lines)

    def recipes(self) -> dict[str, Path]:
        """Return the packaged recipes: name to file."""
        found = {}
        for _, directory in self._of("recipe_dirs", RecipeDirectory):
            folder = Path(str(files(directory.package))) / directory.path
            found.update({path.stem: path for path in sorted(folder.glob("*.toml"))})
        return dict(sorted(found.items()))

    def models(self) -> Mapping[str, Path]:
        """Return the model directories that plugins ship: name to directory."""
        return {
            directory.name: Path(str(files(directory.package))) / directory.path
            for _, directory in self._of("model_dirs", ModelDirectory)
        }

    def _of(self, hook: str, kind: type[Any]) -> Iterator[tuple[str, Any]]:
        for plugin, one in self._offered(hook):
            if isinstance(one, kind):
                yield plugin, one
            else:
                self._fail(plugin, f"its hook pairsmith_{hook} yielded {one!r}, which is no {kind.__name__}")


def _plugin_name(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.name


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]


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
            return f"pip install -c {clone / 'constraints.txt'} -e {folder}"
    return f"pip install {distribution}"
