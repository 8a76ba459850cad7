"""Whether an object, passed in Python in place of a component's name, can be that component."""

from collections.abc import Iterator, Mapping
from typing import Any

from pairsmith.interfaces import Kind
from pairsmith.objects import UntoldError, check
from pairsmith.registry import word

_DOES: dict[Kind, str] = {
    "image_sources": "samples",
    "image_checks": "check",
    "image_judges": "judge",
    "generators": "respond",
    "decomposers": "decompose",
    "judges": "judge",
    "pair_selectors": "select",
    "corruptions": "axis",
    "losses": "cells",
    "model_families": "fingerprint",
    "trainers": "train",
    "benchmarks": "score",
    "engines": "map",
    "exporters": "export",
    "reporters": "report",
}
"""What an object of each kind has, whatever its class."""


def unfit(given: object, kind: Kind, written: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with an object in place of a component's name."""
    name, does = type(given).__qualname__, _DOES[kind]
    if isinstance(given, int | float | list | tuple | Mapping):  # what TOML can hold
        yield f"expected a component's name, got {given!r}"
    elif isinstance(given, type):
        yield f"{given.__qualname__} is a class; pass an object of it"
    elif not hasattr(given, does):
        yield f"an object of {name} is no {word(kind)}, for it has no {does!r}"
    elif written:
        yield f"an object of {name} brings its own options; leave out {', '.join(written)}"
    else:
        try:
            check(given)
        except UntoldError as error:
            yield (
                f"two objects of {name} cannot be told apart: {error}. Make it a data class, or give it an attribute "
                f"'options' with what its results depend on (what begins with '_' is not looked at)"
            )
