"""What every component behind an endpoint does alike: it closes what it opened, and says what it asked and what that cost."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from pairsmith_llm.endpoint import Endpoint


class Connected:
    """A component that asks ``self._endpoint``."""

    _endpoint: Endpoint

    def __enter__(self) -> Self:
        """Use the endpoint."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self._endpoint.close()

    def facts(self) -> Mapping[str, Any]:
        """Return what was asked and what it cost."""
        return self._endpoint.facts()
