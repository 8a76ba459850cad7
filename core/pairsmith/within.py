"""Builds a component that the options of another one name: a benchmark that asks a judge has a table for it.

An option that holds such tables may say so, ``metadata={"component": "losses", "besides": ("weight",)}``: the kind, and
the keys of a table that are not the component's. Then they are read with the recipe (:mod:`pairsmith.recipe`), and what
they name counts in the keys of stages.

A table of a model family is that of a model of the component's own: a generator that answers with another model than the
recipe's has one. The component is given a run whose ``family`` and ``weights`` are that model's.
"""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import fields

from pairsmith.errors import ComponentNotFoundError, OptionsError
from pairsmith.interfaces import ComponentBuilder, Kind, Run
from pairsmith.model import own_model, with_model
from pairsmith.options import read
from pairsmith.registry import Registry
from pairsmith.use import Use


def builder(registry: Registry, run: Callable[[], Run]) -> ComponentBuilder:
    """Return what :attr:`pairsmith.interfaces.Run.component` is: it checks a table now and builds when called again.

    What is built is given the run, or the one that it is called with, as by a generator that asks another with the
    model that is evaluated.
    """

    def prepare(kind: Kind, table: Mapping[str, Any], where: str) -> Callable[..., Any]:
        use = _read(registry, kind, table, where)

        def build(own: Run | None = None) -> Any:  # noqa: ANN401 - each kind has its own protocol
            given = own or run()
            model = own_model(use, registry, given) if given.family is None else None
            return use.build(given if model is None else with_model(given, model))

        return build

    return prepare


def _read(registry: Registry, kind: Kind, table: Mapping[str, Any], where: str) -> Use:
    name = table.get("use")
    if not isinstance(name, str):
        msg = f'{where}: needs use = "NAME", one of the {kind.replace("_", " ")}: {name!r}'
        raise OptionsError(msg)
    try:
        offer = registry.find(kind, name)
    except ComponentNotFoundError as error:
        msg = f"{where}.use: {error}"
        raise ComponentNotFoundError(msg) from None
    written = {key: value for key, value in table.items() if key != "use"}
    options = read(written, offer.component.options_class, where)
    models = [
        _read(registry, "model_families", written[attribute.name], f"{where}.{attribute.name}")
        for attribute in fields(type(options))
        if attribute.metadata.get("component") == "model_families" and attribute.name in written
    ]
    return Use(kind=kind, where=where, offer=offer, options=options, inner=tuple(models))
