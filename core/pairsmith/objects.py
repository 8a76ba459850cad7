"""What tells an object, passed in Python in place of a component's name, from others of its class.

Its results are kept under a key, and two objects that may give different results must not share one.
"""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

import attrs

from pairsmith.interfaces import Run

_MISSING = object()
_APART = {"revision"}
"""What a key holds beside the options."""
_DEPTH = 16
"""How far objects, lists and mappings may hold one another; one that holds itself comes to an end there."""


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


def check(given: object) -> None:
    """Raise :class:`UntoldError` where two objects that give different results might be told alike.

    So it is with one that cannot be told, and with one that holds a public attribute that :func:`told` says nothing of:
    it was set after the object was made, or by a constructor that takes nothing. What begins with an underscore is the
    object's own business, as are fields that a data class does not take, and ``options`` are taken at their word. This is
    asked before a run: what an object comes to hold while it works does not stop it.

    >>> class Sure:
    ...     def __init__(self): self.threshold = 0.5
    >>> check(Sure())
    Traceback (most recent call last):
    pairsmith.objects.UntoldError: its attribute 'threshold' is no argument of its constructor
    """
    told(given)
    if any(hasattr(given, name) for name in ("options", "_options")):
        return
    kind = type(given)
    known = _APART | {name for name, _ in _arguments(given)}
    if attrs.has(kind):
        known |= {one.name for one in attrs.fields(kind)}
    elif dataclasses.is_dataclass(kind):
        known |= {one.name for one in dataclasses.fields(kind)}
    for name in _held(given):
        computed = isinstance(inspect.getattr_static(kind, name, None), cached_property)
        if name not in known and not name.startswith("_") and not computed:
            msg = f"its attribute {name!r} is no argument of its constructor"
            raise UntoldError(msg)
    for _, value in _arguments(given):
        if _fielded(value) and not isinstance(value, Run):
            check(value)


def spelled(given: object) -> str:
    """Return an object as a person would write it, for ``run.json``."""
    try:
        options = told(given)
    except UntoldError:
        options = None
    if not isinstance(options, Mapping):
        return class_of(given)
    return f"{class_of(given)}({', '.join(f'{name}={value!r}' for name, value in options.items())})"


def _held(given: object) -> Iterator[str]:
    """Yield the names of what an object holds."""
    yield from getattr(given, "__dict__", ())
    for kind in type(given).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        yield from (name for name in ([slots] if isinstance(slots, str) else slots) if hasattr(given, name))


def _fielded(value: object) -> bool:
    return not isinstance(value, type) and (attrs.has(type(value)) or dataclasses.is_dataclass(value))


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
    if isinstance(value, FunctionType | type):
        return _named(value, name)
    if depth >= _DEPTH:
        msg = f"its {name!r} holds itself, or more than {_DEPTH} things within one another"
        raise UntoldError(msg)
    if isinstance(value, Mapping):
        return {str(key): _plain(one, name, depth + 1) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one, name, depth + 1) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(one, name, depth + 1) for one in value), key=repr)
    if _fielded(value) or hasattr(value, "options"):
        return {"class": class_of(value), "options": told(value, depth + 1)}
    msg = f"its {name!r} is a {type(value).__name__}, which no key can be made of"
    raise UntoldError(msg)


def _named(value: Any, name: str) -> str:  # noqa: ANN401 - a function or a class
    if "<lambda>" in value.__qualname__ or (isinstance(value, FunctionType) and "<locals>" in value.__qualname__):
        msg = f"its {name!r} is a function without a name of its own, which no key can be made of"
        raise UntoldError(msg)
    return f"{value.__module__}.{value.__qualname__}"
