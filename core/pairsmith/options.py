"""Turns a TOML table into an options object: strictly, and reporting every fault at once.

An options class is an attrs class. cattrs alone would read ``"false"`` as true and split a string where an array is meant;
here a value has the type that the class says, or the fault is named with its place, its value and the nearest right name.

A field of a class with ``metadata={"word": "scope"}`` may be written as one word: ``lora = "vision"`` is ``lora = { scope =
["vision"] }``.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from attrs import NOTHING, Attribute, Factory, fields, frozen, has

from pairsmith.errors import OptionsError, PluginError, in_short
from pairsmith.objects import spelled

T = TypeVar("T")
_SCALARS: dict[type, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int,), float: (float, int), Path: (str,)}
_FACTORY: Any = Factory  # a class, whatever its stub says
_WORDS = {str: "a string", bool: "true or false", int: "an integer", float: "a number", Path: "a path"}


@frozen
class Fault:
    """What is wrong with one value, and where it stands."""

    where: str
    what: str

    def __str__(self) -> str:
        """Return the fault as a line for a person."""
        return f"{self.where}: {self.what}"


def read(table: Mapping[str, Any], options: type[T], where: str) -> T:
    """Read ``table`` as ``options``; ``where`` names the table in messages.

    Raises :class:`OptionsError` with a line per fault.

    >>> from pairsmith.component import NoOptions
    >>> read({"treshold": 1}, NoOptions, "judges[0]")
    Traceback (most recent call last):
    pairsmith.errors.OptionsError: judges[0].treshold: unknown option; there are none
    """
    made, faults = read_all(table, options, where)
    if faults:
        raise OptionsError("\n".join(map(str, faults)))
    assert made is not None
    return made


def read_all(table: Mapping[str, Any], options: type[T], where: str) -> tuple[T | None, list[Fault]]:
    """Read ``table`` and return the options, or ``None`` and all that is wrong."""
    typed = _typed(cast("Any", options))
    known = {attribute.name for attribute, _ in typed}
    faults = [Fault(f"{where}.{name}", _unknown(name, options)) for name in table if name not in known]
    values: dict[str, Any] = {}
    found = object.__new__(options)  # what validators may look at: the options so far
    for attribute, kind in typed:
        place = f"{where}.{attribute.name}"
        if attribute.name not in table:
            if attribute.default is NOTHING:
                faults.append(Fault(place, "is required, and missing"))
            elif not isinstance(attribute.default, _FACTORY):
                object.__setattr__(found, attribute.name, attribute.default)
            continue
        value, wrong = _convert_named(table[attribute.name], kind, place, attribute.metadata.get("word"))
        faults += wrong
        if not wrong:
            object.__setattr__(found, attribute.name, value)
            faults += _validate(found, attribute, value, place)
            values[attribute.name] = value
    if faults:
        return None, faults
    try:
        return options(**values), []
    except (TypeError, ValueError) as error:
        return None, [Fault(where, in_short(error))]
    except Exception as error:  # noqa: BLE001 - whatever an options class raises, it refuses the table
        return None, [Fault(where, f"{type(error).__name__}: {in_short(error)}")]


@cache
def _typed(options: type[Any]) -> tuple[tuple["Attribute[Any]", Any], ...]:
    try:
        hints = get_type_hints(options)
    except Exception as error:
        msg = f"the types of {options.__qualname__}: {in_short(error)}; its plugin must import what they name"
        raise PluginError(msg) from error
    return tuple((attribute, hints[attribute.name]) for attribute in fields(options) if attribute.init)


def _unknown(name: str, options: type[Any]) -> str:
    from difflib import get_close_matches

    there = [attribute.name for attribute in fields(options) if attribute.init]
    close = get_close_matches(name, there, n=1)
    if close:
        return f"unknown option; did you mean {close[0]!r}?"
    return f"unknown option; there are {', '.join(there)}" if there else "unknown option; there are none"


def _convert_named(value: Any, kind: Any, where: str, word: str | None) -> tuple[Any, list[Fault]]:  # noqa: ANN401
    """Read a table that may be one word instead: that of its array ``word``, all else as its defaults say."""
    if word is None or not isinstance(value, str):
        return _convert(value, kind, where)
    made, wrong = _convert({word: [value]}, kind, where)
    return made, [Fault(where, fault.what) for fault in wrong]


def _convert(value: Any, kind: Any, where: str) -> tuple[Any, list[Fault]]:  # noqa: ANN401 - a type and its value
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value, []
    if origin in {Union, UnionType}:
        return _convert_union(value, [one for one in arguments if one is not NoneType], where)
    if origin is Literal:
        return _convert_literal(value, arguments, where)
    if origin is tuple:
        return _convert_array(value, arguments, where)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _convert_table(value, arguments[1], where)
    if has(kind):
        if not isinstance(value, Mapping):
            return None, [Fault(where, f"expected a table, got {value!r}")]
        return read_all(value, kind, where)
    return _convert_scalar(value, kind, where)


def _convert_scalar(value: Any, kind: Any, where: str) -> tuple[Any, list[Fault]]:  # noqa: ANN401
    if kind not in _SCALARS:
        msg = f"{where}: options cannot hold {kind!r}; use str, bool, int, float, Path, tuples, mappings, attrs classes"
        raise PluginError(msg)
    if type(value) not in _SCALARS[kind]:  # type(): True is an int for isinstance
        return None, [Fault(where, f"expected {_WORDS[kind]}, got {value!r}")]
    return kind(value), []


def _convert_union(value: Any, kinds: list[Any], where: str) -> tuple[Any, list[Fault]]:  # noqa: ANN401
    faults: list[Fault] = []
    for kind in kinds:
        made, faults = _convert(value, kind, where)
        if not faults:
            return made, []
    if len(kinds) == 1:
        return None, faults
    if isinstance(value, list):  # what is wrong within an array says more than that it is none of the others
        for kind in kinds:
            if get_origin(kind) is tuple:
                return _convert(value, kind, where)
    expected = " or ".join(map(_expected, kinds))
    return None, [Fault(where, f"expected {expected}, got {value!r}")]


def _expected(kind: Any) -> str:  # noqa: ANN401 - a type
    if get_origin(kind) is tuple:
        return "an array"
    return _WORDS.get(kind, "a table" if has(kind) else str(kind))


def _convert_literal(value: Any, choices: tuple[Any, ...], where: str) -> tuple[Any, list[Fault]]:  # noqa: ANN401
    if any(value == choice and type(value) is type(choice) for choice in choices):
        return value, []
    from difflib import get_close_matches

    close = get_close_matches(str(value), [str(choice) for choice in choices], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return None, [Fault(where, f"expected one of {', '.join(map(repr, choices))}, got {value!r}{hint}")]


def _convert_array(value: Any, arguments: tuple[Any, ...], where: str) -> tuple[Any, list[Fault]]:  # noqa: ANN401
    if not isinstance(value, list | tuple):
        return None, [Fault(where, f"expected an array, got {value!r}")]
    kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
    if len(kinds) != len(value):
        return None, [Fault(where, f"expected an array of {len(kinds)}, got {len(value)}: {value!r}")]
    made = [_convert(one, kind, f"{where}[{n}]") for n, (one, kind) in enumerate(zip(value, kinds, strict=True))]
    return tuple(one for one, _ in made), [fault for _, wrong in made for fault in wrong]


def _convert_table(value: Any, kind: Any, where: str) -> tuple[Any, list[Fault]]:  # noqa: ANN401
    if not isinstance(value, Mapping):
        return None, [Fault(where, f"expected a table, got {value!r}")]
    made = {name: _convert(one, kind, f"{where}.{name}") for name, one in value.items()}
    return {name: one for name, (one, _) in made.items()}, [fault for _, wrong in made.values() for fault in wrong]


def _validate(found: Any, attribute: "Attribute[Any]", value: Any, where: str) -> Iterator[Fault]:  # noqa: ANN401
    """Run a field's own validator now, so that a wrong range is named together with all else that is wrong.

    One that looks at an option that is not there yet is left for when the options are made.
    """
    if attribute.validator is None:
        return
    try:
        attribute.validator(found, attribute, value)
    except (TypeError, ValueError) as error:
        yield Fault(where, in_short(error))
    except Exception:  # noqa: BLE001 - making the options will say it
        return


def plain(value: Any) -> Any:  # noqa: ANN401 - options, or what they hold
    """Return options as JSON, for stage keys and ``run.json``."""
    if has(type(value)):
        return {attribute.name: plain(getattr(value, attribute.name)) for attribute in fields(type(value))}
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def jsonable(value: Any) -> Any:  # noqa: ANN401 - TOML, or objects in place of names
    """Return a document as JSON; an object is named by its class and what it was made with."""
    if isinstance(value, Mapping):
        return {str(name): jsonable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(one) for one in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Path):
        return str(value)
    return spelled(value)


@frozen
class Described:
    """One option, as ``pairsmith plugins NAME`` shows it."""

    name: str
    kind: str
    default: str
    help: str


def describe(options: type[Any]) -> list[Described]:
    """Return the options of a class, in order."""
    return [
        Described(
            name=attribute.name,
            kind=_kind_name(kind) + (" or string" if "word" in attribute.metadata else ""),
            default=_default(attribute),
            help=str(attribute.metadata.get("help", "")),
        )
        for attribute, kind in _typed(cast("Any", options))
    ]


def _kind_name(kind: Any) -> str:  # noqa: ANN401 - a type
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return " or ".join(_kind_name(one) for one in arguments if one is not NoneType)
    if origin is Literal:
        return " | ".join(map(repr, arguments))
    if origin is tuple:
        return f"array of {_kind_name(arguments[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"table of {_kind_name(arguments[1])}"
    return (
        "table"
        if has(kind)
        else {Path: "path", str: "string", float: "number", int: "integer"}.get(kind, kind.__name__)
    )


def _default(attribute: "Attribute[Any]") -> str:
    default = attribute.default
    if default is NOTHING:
        return "required"
    if isinstance(default, _FACTORY):
        if default.takes_self:
            return "computed"
        default = default.factory()
    if default is None:
        return "none"
    made = plain(default)
    return repr(made) if not isinstance(made, bool) else str(made).lower()
