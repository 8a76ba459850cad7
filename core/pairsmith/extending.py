"""One recipe made of another: what ``extends`` and ``without`` at the top of a recipe mean."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pairsmith.errors import RecipeError

EXTENDS, WITHOUT = "extends", "without"
_STEP = re.compile(r"([\w-]+)((?:\[[0-9]{1,6}\])*)")


def extended(base: Mapping[str, Any], over: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return ``base`` as ``over`` changes it; ``place`` names the recipe that extends, in messages.

    First what ``without`` names is left out. Then a value takes the place of another, a table is merged into one with the
    same ``use``, and replaces one with another ``use``. An array is replaced as a whole, but a table whose keys are
    numbers changes those entries of it: ``[judges.0]`` is the first of ``[[judges]]``; the number after the last adds one.

    >>> extended({"judges": [{"use": "a", "n": 1}, {"use": "b"}]}, {"judges": {"0": {"n": 2}}}, "mine")
    {'judges': [{'use': 'a', 'n': 2}, {'use': 'b'}]}
    >>> extended({"loss": {"use": "dpo", "beta": 0.1}}, {"loss": {"use": "sft"}}, "mine")
    {'loss': {'use': 'sft'}}
    """
    made: dict[str, Any] = _copied(base)
    for name in _names(over, place):
        _leave_out(made, name, place)
    tables: dict[str, Any] = _merged(
        made, {key: value for key, value in over.items() if key not in {EXTENDS, WITHOUT}}, place
    )
    return tables


def steps(place: str) -> list[str | int] | None:
    """Return the keys and numbers of a place in a recipe, or ``None`` where the text is none.

    >>> steps("judges[0].model")
    ['judges', 0, 'model']
    """
    made: list[str | int] = []
    for word in place.split("."):
        step = _STEP.fullmatch(word)
        if step is None:
            return None
        made += [step[1], *map(int, re.findall("[0-9]+", step[2]))]
    return made


def _names(over: Mapping[str, Any], place: str) -> list[str]:
    named = over.get(WITHOUT, [])
    if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
        msg = f"{place}: {WITHOUT}: expected an array of places as ['benchmarks', 'train.lora'], got {named!r}"
        raise RecipeError(msg)
    return named


def _copied(value: Any) -> Any:  # noqa: ANN401 - TOML
    if isinstance(value, Mapping):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _leave_out(tables: Any, name: str, place: str) -> None:  # noqa: ANN401 - TOML
    path = steps(name)
    if path is None:
        msg = f"{place}: {WITHOUT}: {name!r} is no place in a recipe; write table.key or table[0].key"
        raise RecipeError(msg)
    here = tables
    for step in path[:-1]:
        here = _below(here, step, name, place)
    _below(here, path[-1], name, place)
    del here[path[-1]]


def _below(here: Any, step: str | int, name: str, place: str) -> Any:  # noqa: ANN401 - TOML
    there = step in here if isinstance(here, dict) else isinstance(here, list) and step in range(len(here))
    if not there:
        close = get_close_matches(str(step), list(here), n=1) if isinstance(here, dict) else []
        hint = f"; did you mean {close[0]!r}?" if close else ""
        msg = f"{place}: {WITHOUT}: the recipe it extends has no {name!r}{hint}"
        raise RecipeError(msg)
    return here[step]


def _merged(base: Any, over: Any, place: str) -> Any:  # noqa: ANN401 - TOML
    if not isinstance(over, Mapping):
        return _copied(over)
    if isinstance(base, list) and over and all(key.isdecimal() for key in over):
        return _entries(base, over, place)
    if not isinstance(base, Mapping) or over.get("use", base.get("use")) != base.get("use"):
        return _copied(over)
    return {**base, **{key: _merged(base.get(key), value, f"{place}: {key}") for key, value in over.items()}}


def _entries(base: list[Any], over: Mapping[str, Any], place: str) -> list[Any]:
    made = list(base)
    for key, value in sorted(over.items(), key=lambda entry: int(entry[0])):
        number = int(key)
        if number > len(made):
            msg = f"{place}: no entry {key}; there are {len(made)}, counted from 0, and {len(made)} would add one"
            raise RecipeError(msg)
        made[number : number + 1] = [_merged(made[number] if number < len(made) else None, value, f"{place}[{key}]")]
    return made
