"""The key of reference log-probabilities: another one whenever anything that matters is another, and only then."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from pairsmith.directory import key_of
from pairsmith.store import Stage
from pairsmith.training import reference_ingredients
from pairsmith.values import Cell

CELLS = [Cell(side, image=image, context=context) for side in ("chosen", "rejected")
         for image in ("original", "corrupted") for context in ("original", "corrupted")]  # fmt: skip
values = st.one_of(st.none(), st.booleans(), st.integers(0, 5), st.text("ab", max_size=3))
tables = st.dictionaries(st.sampled_from(["precision", "max_length", "over_long"]), values)


@frozen(kw_only=True)
class Made:
    """What a reference is made from, apart."""

    items: str
    cells: tuple[Cell, ...]
    settings: dict[str, Any]
    model: dict[str, Any]
    weights: str


made = st.builds(
    Made,
    items=st.text("ab", max_size=3),
    cells=st.lists(st.sampled_from(CELLS), min_size=1, unique=True).map(tuple),
    settings=tables,
    model=st.dictionaries(st.sampled_from(["component", "revision", "options"]), st.one_of(values, tables)),
    weights=st.text("ab", max_size=3),
)


def key(one: Made) -> str:
    items: Any = SimpleNamespace(identity=lambda: {"stage": "pairs", "key": one.items})
    loss: Any = SimpleNamespace(cells=one.cells)
    trainer: Any = SimpleNamespace(reference_settings=lambda: one.settings)
    return key_of(reference_ingredients(items, loss, trainer, one.model, one.weights))


@given(made, made)
@settings(max_examples=200, deadline=None)
def test_the_key_changes_with_each_ingredient_and_with_nothing_else(one: Made, other: Made) -> None:
    assert key(one) == key(evolve(one))
    for name in ("items", "cells", "settings", "model", "weights"):
        changed = evolve(one, **{name: getattr(other, name)})
        same = _jsonable(getattr(one, name)) == _jsonable(getattr(other, name))
        assert (key(changed) == key(one)) == same, name


def _jsonable(value: Any) -> str:
    """True and 1 are equal in Python and two values in JSON; the order of a table says nothing."""
    if isinstance(value, dict):
        return repr(sorted((name, _jsonable(one)) for name, one in value.items()))
    return repr([str(cell) for cell in value] if isinstance(value, tuple) else value)


def test_it_knows_the_stage_of_the_items_by_its_key(tmp_path: Path) -> None:
    keys = []
    for content in ("one", "two", "one"):
        stage = Stage(tmp_path / str(len(keys)) / "pairs")
        stage.begin(key_of({"from": content}), {"from": content})
        loss, trainer = SimpleNamespace(cells=(CELLS[0],)), SimpleNamespace(reference_settings=dict)
        keys.append(key_of(reference_ingredients(stage, loss, trainer, None, "base")))
    assert keys[0] == keys[2] != keys[1]
