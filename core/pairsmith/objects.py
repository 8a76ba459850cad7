"""What tells an object, passed in Python in place of a component's name, from others of its class.

Its results are kept under a key, and two objects that may give different results must not share one.
"""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

import attrs

from pairsmith.interfaces import Run

_MISSING = object()
_DEPTH = 8
"""How far objects may hold one another; one that holds itself comes to an end there."""


class UntoldError(ValueError):
    """An object does not say what its results depend on."""


def class_of(given: object) -> str:
    """Return the full name of an object's class."""
    return f"{type(given).__module__}.{type(given).__qualname__}"


def told(given: object, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
    """Return, as JSON, what an object's results depend on besides its class: its options; ``None`` for nothing.

    These are its attribute ``options``, if it has one; the fields of a data class or an attrs class; or else the
    arguments of its constructor, as it keeps them. Raises :class:`UntoldError` with the reason where that does not do.

    >>> class Sure:
    ...     def __init__(self, threshold): self._threshold = threshold
    >>> told(Sure(0.5)), told(object())
    ({'threshold': 0.5}, None)
    >>> told(Sure(open))
    Traceback (most recent call last):
    pairsmith.objects.UntoldError: its 'threshold' is a builtin_function_or_method, which no key can be made of
    """
    for name in ("options", "_options"):
        options = getattr(given, name, _MISSING)
        if options is not _MISSING:
            return _plain(options, name, depth)
    return {name: _plain(value, name, depth) for name, value in _arguments(given)} or None


def spelled(given: object) -> str:
    """Return an object as a person would write it, for ``run.json``."""
    try:
        options = told(given)
    except UntoldError:
        options = None
    if not isinstance(options, Mapping):
        return class_of(given)
    return f"{class_of(given)}({', '.join(f'{name}={value!r}' for name, value in options.items())})"


def _arguments(given: object) -> Iterator[tuple[str, Any]]:
    kind = type(given)
    if attrs.has(kind):
        names = [one.name for one in attrs.fields(kind) if one.init]
    elif dataclasses.is_dataclass(kind):
        names = [one.name for one in dataclasses.fields(kind) if one.init]
    elif kind.__init__ is object.__init__:
        names = []
    else:
        names = list(inspect.signature(kind.__init__).parameters)[1:]
    for name in names:
        value = getattr(given, name, getattr(given, f"_{name}", _MISSING))
        if value is _MISSING:
            msg = f"its argument {name!r} is kept under no attribute of that name"
            raise UntoldError(msg)
        yield name, value


def _plain(value: Any, name: str, depth: int) -> Any:  # noqa: ANN401 - whatever an object holds
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Run):  # where it works, not what it does
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(one, name, depth) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one, name, depth) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(one, name, depth) for one in value), key=repr)
    if isinstance(value, FunctionType | type):
        return _named(value, name)
    known = attrs.has(type(value)) or dataclasses.is_dataclass(value)
    if depth < _DEPTH and (known or hasattr(value, "options")):
        return {"class": class_of(value), "options": told(value, depth + 1)}
    msg = f"its {name!r} is a {type(value).__name__}, which no key can be made of"
    raise UntoldError(msg)


def _named(value: Any, name: str) -> str:  # noqa: ANN401 - a function or a class
    if "<lambda>" in value.__qualname__ or (isinstance(value, FunctionType) and "<locals>" in value.__qualname__):
        msg = f"its {name!r} is a function without a name of its own, which no key can be made of"
        raise UntoldError(msg)
    return f"{value.__module__}.{value.__qualname__}"
