"""The selector that another selector asks."""

from collections.abc import Iterable, Mapping
from typing import Any

from pairsmith.interfaces import Run
from pairsmith.values import Judged


def inner(table: Mapping[str, Any], run: Run) -> Any:  # noqa: ANN401 - a selector of any plugin
    """Build the selector that an option ``selector = { use = "NAME", ... }`` names."""
    return run.component("pair_selectors", table, "selector")(run)


def survey(selector: Any, everything: Iterable[tuple[Judged, int]]) -> None:  # noqa: ANN401
    """Show a selector everything, where it asks for that."""
    if hasattr(selector, "survey"):
        selector.survey(everything)
