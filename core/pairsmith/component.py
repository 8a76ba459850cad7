"""What a plugin yields from a hook: a name, and where the thing is that the name means."""

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import Attribute, field, frozen, has
from attrs.validators import matches_re, min_len, optional

from pairsmith.errors import PairsmithError, PluginError, in_short

if TYPE_CHECKING:  # listing plugins needs no protocols
    from pairsmith.interfaces import Run

_TARGET = r"[A-Za-z_][\w.]*:\w+"


@frozen
class NoOptions:
    """Options of a component that has none."""


def _with_sizes(names: Sequence[str] | Mapping[str, int | None]) -> Mapping[str, int | None]:
    return dict(names) if isinstance(names, Mapping) else dict.fromkeys(names)


@frozen(kw_only=True)
class Needs:
    """What a component will ask of the machine, as far as its options tell. ``pairsmith check`` prints it.

    ``downloads`` are names, or names and the bytes that each will take on the disk, ``None`` where nobody knows; one that
    several components name counts once. ``disk_bytes`` are what is written besides. ``device_bytes`` are those of all that is
    loaded at once. ``environment`` names the environment variables that must be set, for keys and the like.
    """

    downloads: Mapping[str, int | None] = field(factory=dict, converter=_with_sizes)
    gated: Sequence[str] = ()
    disk_bytes: int = 0
    device_bytes: int = 0
    calls_per_sample: float = 0
    environment: Sequence[str] = ()


def _attrs_class(_: object, attribute: "Attribute[Any]", value: type | str) -> None:
    if not (re.fullmatch(_TARGET, value) if isinstance(value, str) else has(value)):
        msg = f"{attribute.name!r} must be an attrs class, or its place as 'module:Class': {value!r}"
        raise TypeError(msg)


@frozen(kw_only=True)
class Component:
    """A named thing that a recipe asks for with ``use = "name"``.

    ``factory`` is text, not an object, so that listing plugins and checking a recipe never import torch. It is called
    as ``factory(options, run)``. ``options`` is a class or, so that listing plugins stays fast, its place as text: making a
    class with validators takes milliseconds. ``revision`` is part of the key under which results are kept: raise it when the
    component's behaviour changes, and leave it when only its code does. ``needs`` names a light function of the options
    that returns :class:`Needs`; ``inputs`` names one that returns the user's files and folders whose content goes into
    the component's results, so that a changed file is noticed. ``only_with`` gives in full the names of the trainers that
    a loss needs, or of the losses that a trainer needs: a recipe that joins it to another one is refused.

    >>> Component(name="Clip", factory="a:B", summary="Similarity.")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: ("'name' must match regex ...
    """

    name: str = field(validator=matches_re(r"[a-z][a-z0-9]*(-[a-z0-9]+)*"))
    factory: str = field(validator=matches_re(_TARGET))
    summary: str = field(validator=min_len(1))
    options: type[Any] | str = field(default=NoOptions, validator=_attrs_class)
    revision: int = 1
    needs: str | None = field(default=None, validator=optional(matches_re(_TARGET)))
    inputs: str | None = field(default=None, validator=optional(matches_re(_TARGET)))
    only_with: tuple[str, ...] = ()

    @property
    def options_class(self) -> type[Any]:
        """The class of the options. Raises :class:`PluginError` where its text leads nowhere."""
        if not isinstance(self.options, str):
            return self.options
        try:
            found: type[Any] = resolve(self.options)
        except Exception as error:
            msg = f"component {self.name!r}: options {self.options!r} raised {type(error).__name__}: {in_short(error)}"
            raise PluginError(msg) from error
        if not has(found):
            msg = f"component {self.name!r}: options {self.options!r} is no attrs class"
            raise PluginError(msg)
        return found

    def build(self, options: Any, run: "Run") -> Any:  # noqa: ANN401 - each kind has its own protocol
        """Import the factory and call it."""
        return resolve(self.factory)(options, run)

    def estimate(self, options: Any) -> Needs:  # noqa: ANN401
        """Return what the component will need; nothing is known where it does not say."""
        if self.needs is None:
            return Needs()
        needs: Needs = self._ask(self.needs, options)
        return needs

    def input_paths(self, options: Any) -> Sequence[Path]:  # noqa: ANN401
        """Return the user's files and folders that the component's results depend on."""
        return () if self.inputs is None else tuple(self._ask(self.inputs, options))

    def _ask(self, target: str, options: Any) -> Any:  # noqa: ANN401
        try:
            return resolve(target)(options)
        except PairsmithError:
            raise
        except Exception as error:
            msg = f"component {self.name!r}: {target} raised {type(error).__name__}: {in_short(error)}"
            raise PluginError(msg) from error


def resolve(target: str) -> Any:  # noqa: ANN401
    """Import ``"module:attribute"``."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)
