"""What every wrapper here does with the component inside: build it when it is needed, and let it go."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from pairsmith.interfaces import Kind, Run


class Wrapped:
    """Holds the component that a table names; entered and left as that one is."""

    def __init__(self, kind: Kind, table: Mapping[str, Any], run: Run, place: str) -> None:
        """Check the table; what it names is built when it is first asked for."""
        self._build, self._run = run.component(kind, table, place), run
        self._stack = ExitStack()
        self._made: list[Any] = []

    @property
    def inside(self) -> Any:  # noqa: ANN401 - each kind has its own protocol
        """The component."""
        if not self._made:
            made = self._build(self._run)
            self._made.append(self._stack.enter_context(made) if hasattr(made, "__enter__") else made)
        return self._made[0]

    def facts(self) -> Mapping[str, Any]:
        """Return what the component inside has to say of its work."""
        told: Mapping[str, Any] = self.inside.facts() if self._made and hasattr(self.inside, "facts") else {}
        return told

    def __enter__(self) -> Self:
        """Build nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the component go."""
        self._stack.__exit__(kind, error, trace)
        self._made.clear()
