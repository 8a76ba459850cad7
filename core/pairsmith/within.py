"""Builds a component that the options of another one name: a benchmark that asks a judge has a table for it.

An option that holds such tables may say so, ``metadata={"component": "losses", "besides": ("weight",)}``: the kind, and
the keys of a table that are not the component's. Then a recipe's tables are checked before any of it runs.

A table of a model family is that of a model of the component's own: a generator that answers with another model than the
recipe's has one. The component is given a run whose ``family`` and ``weights`` are that model's.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import fields

from pairsmith.errors import ComponentNotFoundError, OptionsError, RecipeError
from pairsmith.interfaces import ComponentBuilder, Kind, Run
from pairsmith.model import Model, located, with_model
from pairsmith.options import read
from pairsmith.recipe import Recipe, Use
from pairsmith.registry import Registry


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


def check_within(recipe: Recipe, registry: Registry) -> None:
    """Check the tables of components that a recipe's options hold, where the options say that they do.

    Raises :class:`pairsmith.errors.UsageError` for the first one that does not fit.
    """
    for use in recipe.uses():
        for inner in (use, *uses_within(use, registry)):
            _own_models(inner, registry)


def uses_within(use: Use, registry: Registry) -> Iterator[Use]:
    """Yield the components that a component's options name, each followed by those within it.

    Raises :class:`pairsmith.errors.UsageError` for the first one that does not fit.
    """
    for inner in _named(use, registry):
        yield inner
        yield from uses_within(inner, registry)


def own_model(use: Use, registry: Registry, run: Run) -> Model | None:
    """Return the model that a component works with in place of the recipe's; ``None`` where it names none."""
    found = _own_models(use, registry)
    return Model(located(found[0], registry.models()), run) if found else None


def _own_models(use: Use, registry: Registry) -> list[Use]:
    """Return the model that a component names, or another of its kind does to which it hands its run: at most one."""
    found: list[Use] = []
    for inner in _named(use, registry):
        if inner.kind == "model_families":
            found.append(inner)
        elif inner.kind == use.kind:
            found += _own_models(inner, registry)
    if len(found) > 1:
        msg = f"{found[1].where}: {use.where} has a model already, {found[0].where}; a component works with one model"
        raise RecipeError(msg)
    return found


def _named(use: Use, registry: Registry) -> Iterator[Use]:
    """Yield the components that a component's own options name."""
    for attribute in fields(type(use.options)) if use.offer else ():
        kind, value = attribute.metadata.get("component"), getattr(use.options, attribute.name)
        if kind is None or value is None:
            continue
        one = isinstance(value, Mapping)
        for number, table in enumerate([value] if one else value):
            place = f"{use.where}.{attribute.name}" if one else f"{use.where}.{attribute.name}[{number}]"
            own = {key: given for key, given in table.items() if key not in attribute.metadata.get("besides", ())}
            yield _read(registry, kind, own, place)


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
    return Use(kind=kind, where=where, offer=offer, options=options)
