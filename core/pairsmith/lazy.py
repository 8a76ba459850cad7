"""A component that is built when the first part of work asks for it, and let go when its stage ends."""

import gc
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Protocol, Self

from attrs import define, field

from pairsmith.interfaces import Run


class Buildable(Protocol):
    """What a recipe's table comes to: something with a name that can be built."""

    @property
    def where(self) -> str:
        """The table of the recipe."""

    @property
    def name(self) -> str:
        """The component's name."""

    def build(self, run: Run) -> Any:  # noqa: ANN401 - each kind has its own protocol
        """Make the component."""


@define
class Lazy:
    """Builds ``use`` at the first call. A stage whose parts are all there never loads its model.

    Where the component is a context manager it is entered, and left when this one is.
    """

    use: Buildable
    run: Run
    _made: list[Any] = field(init=False, factory=list)
    _stack: ExitStack = field(init=False, factory=ExitStack)

    def __call__(self) -> Any:  # noqa: ANN401
        """Return the component."""
        if not self._made:
            made = self.use.build(self.run)
            if hasattr(made, "__enter__"):
                made = self._stack.enter_context(made)
            self._made.append(made)
        return self._made[0]

    def facts(self) -> Mapping[str, Any]:
        """Return what the component has to say of its work, such as what it cost; nothing where it was not built."""
        if not self._made or not hasattr(self._made[0], "facts"):
            return {}
        facts: Mapping[str, Any] = self._made[0].facts()
        return facts

    def __enter__(self) -> Self:
        """Build nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the component go, so that the next stage's model has its memory."""
        self._stack.__exit__(kind, error, trace)
        if self._made:
            self._made.clear()
            gc.collect()
