"""What type a column of JSON values has, found by looking at them all, a row at a time."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

Kind = Any
"""``"null"``, ``"bool"``, ``"int"``, ``"float"``, ``"string"``, ``"json"``, ``["list", kind]`` or ``{name: kind}``."""

_EXACT = 2**53
_NAMES: Mapping[type, str] = {type(None): "null", bool: "bool", float: "float", str: "string"}


def kind_of(value: Any) -> Kind:  # noqa: ANN401 - any JSON value
    """Return the type of a value.

    >>> kind_of({"role": "user", "n": [1, 2.5, None]})
    {'role': 'string', 'n': ['list', 'float']}
    """
    if isinstance(value, Mapping):
        return {name: kind_of(one) for name, one in value.items()} or "json"
    if isinstance(value, list | tuple):
        return ["list", reduce(merged, map(kind_of, value), "null")]
    if type(value) is int:
        return "int" if abs(value) < _EXACT else "json"
    return _NAMES.get(type(value), "json")


def merged(one: Kind, other: Kind) -> Kind:
    """Return the type that holds both; ``"json"`` where none does, and the value is written as JSON text.

    >>> merged("int", "float"), merged("null", ["list", "int"]), merged("int", "string")
    ('float', ['list', 'int'], 'json')
    """
    if other == "null":
        return one
    if one in ("null", other):
        return other
    if {str(one), str(other)} == {"int", "float"}:
        return "float"
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: merged(one.get(name, "null"), other.get(name, "null")) for name in {**one, **other}}
    if isinstance(one, list) and isinstance(other, list):
        return ["list", merged(one[1], other[1])]
    return "json"
