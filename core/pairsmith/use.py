"""A component as a recipe uses it: with its options, and with the components that those name."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from pairsmith.interfaces import Kind, Run
from pairsmith.objects import class_of, told
from pairsmith.options import plain
from pairsmith.registry import Offer


@frozen(kw_only=True)
class Use:
    """A table of a recipe: which component it names, with which options; or the object it holds."""

    kind: Kind
    where: str
    offer: Offer | None
    options: Any = None
    given: Any = None
    inner: tuple["Use", ...] = ()

    @property
    def name(self) -> str:
        """The component's name."""
        return self.offer.component.name if self.offer else type(self.given).__name__.lower()

    def build(self, run: Run) -> Any:  # noqa: ANN401 - each kind has its own protocol
        """Make the component."""
        return self.offer.component.build(self.options, run) if self.offer else self.given

    def key(self) -> dict[str, Any]:
        """Return what the component's results depend on: name, behaviour revision and options, not the version."""
        if self.offer is None:
            return {
                "component": class_of(self.given),
                "revision": getattr(self.given, "revision", 1),
                "options": told(self.given),
            }
        key = {
            "component": self.offer.full_name,
            "revision": self.offer.component.revision,
            "options": plain(self.options),
        }
        return key | {"inner": [use.key() for use in self.inner]} if self.inner else key

    def input_paths(self) -> Sequence[Path]:
        """Return the user's files that the component reads, and those that it is made of."""
        own = self.offer.component.input_paths(self.options) if self.offer else ()
        return [*own, *(path for use in self.inner for path in use.input_paths())]

    def all(self) -> Iterator["Use"]:
        """Yield this one and those that its options name."""
        yield self
        for use in self.inner:
            yield from use.all()
