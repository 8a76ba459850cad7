"""Reads a recipe as it is written: the file, or a packaged one, and the settings on the command line."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from pairsmith.errors import RecipeError
from pairsmith.extending import EXTENDS, WITHOUT, extended, steps
from pairsmith.registry import Registry


@frozen(kw_only=True)
class Document:
    """A recipe as it is written. In Python, ``use`` may be an object instead of a component's name."""

    name: str
    tables: Mapping[str, Any]
    path: Path | None = None


def load(source: str | Path, settings: Sequence[str] = (), registry: Registry | None = None) -> Document:
    """Read a recipe from a file, or a packaged one by its name, and apply ``table.key=value`` settings.

    Where it says ``extends``, the tables are those of the recipe it extends, as it changes them. Raises
    :class:`RecipeError` that names file, line and what to do.
    """
    path = _found(Path(source), registry)
    tables = _whole(path, registry, ())
    for setting in settings:
        apply_setting(tables, setting)
    return Document(name=path.stem, tables=tables, path=path)


def _found(path: Path, registry: Registry | None) -> Path:
    if _is_file(path):
        return path
    packaged = (registry or Registry.discover()).recipes()
    if str(path) not in packaged:
        raise RecipeError(_no_recipe(str(path), packaged))
    return packaged[str(path)]


def _whole(path: Path, registry: Registry | None, below: tuple[Path, ...]) -> dict[str, Any]:
    """Return the tables of a recipe, those it extends included; ``below`` are the recipes that extend it."""
    tables = _parse(path)
    if EXTENDS not in tables:
        if WITHOUT in tables:
            msg = f"{path}: {WITHOUT}: belongs to a recipe that extends another; leave the tables themselves out"
            raise RecipeError(msg)
        return tables
    name = tables[EXTENDS]
    if not isinstance(name, str):
        msg = f"{path}: {EXTENDS}: expected the name of a recipe or a file beside this one, got {name!r}"
        raise RecipeError(msg)
    beside = path.parent / name
    try:
        other = beside if name.endswith(".toml") and _is_file(beside) else _found(Path(name), registry)
    except RecipeError as error:
        msg = f"{path}: {EXTENDS}: {error}"
        raise RecipeError(msg) from None
    if other.resolve() in {one.resolve() for one in (path, *below)}:
        msg = f"{path}: {EXTENDS}: {name!r} extends this recipe in turn; one of the two must stand alone"
        raise RecipeError(msg)
    return extended(_whole(other, registry, (path, *below)), tables, path.name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        msg = f"recipe {str(path)!r} cannot be looked up: {error.strerror}"
        raise RecipeError(msg) from None


def _no_recipe(name: str, packaged: Mapping[str, Path]) -> str:
    from difflib import get_close_matches

    same = [other for other in packaged if other.endswith(f"/{name}")]
    if same:
        return f"recipe {name!r} is offered by {len(same)} plugins. Write {' or '.join(map(repr, same))}"
    if Path(name).is_dir():
        return f"{name!r} is a folder and no run, for it has no run.json; give a recipe, or the folder of a run"
    close = get_close_matches(name, packaged, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{name!r} is neither a file nor a packaged recipe; {hint}'pairsmith recipes' lists them"


def _parse(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise RecipeError(msg) from None
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{path}: line {line} is not UTF-8; save the file as UTF-8"
    except RecursionError:
        msg = f"{path}: is not valid TOML: it is nested too deeply"
    except ValueError as error:  # tomllib's own, and int() of thousands of digits
        msg = f"{path}: is not valid TOML: {error}"
    raise RecipeError(msg)


# Settings ------------------------------------------------------------------------------------------------------------


def apply_setting(tables: dict[str, Any], setting: str) -> None:
    """Set one option: the value is TOML, or a bare word or path."""
    place, equals, text = setting.partition("=")
    if not equals or not place.strip():
        msg = f"--set {setting!r} must look like table.key=value"
        raise RecipeError(msg)
    path = steps(place.strip())
    if path is None:
        msg = f"--set {setting!r}: {place.strip()!r} is no place in a recipe; write table.key or table[0].key"
        raise RecipeError(msg)
    *path, last = path
    here: Any = tables
    for step in path:
        here = _descend(here, step, setting)
    if isinstance(last, int):
        msg = f"--set {setting!r}: {place!r} names a whole entry; name an option of it, {place.strip()}.key"
        raise RecipeError(msg)
    if not isinstance(here, dict):
        raise RecipeError(_which_entry(last, setting))
    here[last] = _value(text)


def _value(text: str) -> Any:  # noqa: ANN401 - TOML
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    value = read["value"]
    whole = isinstance(value, str | int | float | bool | list | dict)  # no option is a date, but a folder may look so
    return value if whole and len(read) == 1 else text


def _descend(here: Any, step: str | int, setting: str) -> Any:  # noqa: ANN401 - TOML
    if isinstance(step, int):
        if not isinstance(here, list) or step >= len(here):
            there = (
                f"there are {len(here)}, counted from 0" if isinstance(here, list) else "it is one table, not several"
            )
            msg = f"--set {setting!r}: no entry [{step}]; {there}"
            raise RecipeError(msg)
        return here[step]
    if not isinstance(here, dict):
        raise RecipeError(_which_entry(step, setting))
    below = here.setdefault(step, {})
    if not isinstance(below, dict | list):
        msg = f"--set {setting!r}: {step!r} is {below!r}, not a table"
        raise RecipeError(msg)
    return below


def _which_entry(step: str, setting: str) -> str:
    return f"--set {setting!r}: which entry's {step!r}? One of several tables is written table[0].key"
