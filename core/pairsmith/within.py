"""Builds a component that the options of another one name: a benchmark that asks a judge has a table for it.

An option that holds such tables may say so, ``metadata={"component": "losses", "besides": ("weight",)}``: the kind, and
the keys of a table that are not the component's. Then they are read with the recipe (:mod:`pairsmith.recipe`), and what
they name counts in the keys of stages.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pairsmith.component import Component
from pairsmith.errors import ComponentNotFoundError, OptionsError
from pairsmith.interfaces import ComponentBuilder, Kind, Run
from pairsmith.options import read
from pairsmith.registry import Registry


def builder(registry: Registry, run: Callable[[], Run]) -> ComponentBuilder:
    """Return what :attr:`pairsmith.interfaces.Run.component` is: it checks a table now and builds when called again.

    What is built is given the run, or the one that it is called with, as by a generator that asks another with the
    model that is evaluated.
    """

    def prepare(kind: Kind, table: Mapping[str, Any], where: str) -> Callable[..., Any]:
        component, options = _read(registry, kind, table, where)

        def build(own: Run | None = None) -> Any:  # noqa: ANN401 - each kind has its own protocol
            return component.build(options, own or run())

        return build

    return prepare


def _read(registry: Registry, kind: Kind, table: Mapping[str, Any], where: str) -> tuple[Component, Any]:
    name = table.get("use")
    if not isinstance(name, str):
        msg = f'{where}: needs use = "NAME", one of the {kind.replace("_", " ")}: {name!r}'
        raise OptionsError(msg)
    try:
        component = registry.find(kind, name).component
    except ComponentNotFoundError as error:
        msg = f"{where}.use: {error}"
        raise ComponentNotFoundError(msg) from None
    return component, read({key: value for key, value in table.items() if key != "use"}, component.options_class, where)
