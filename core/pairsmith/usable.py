"""For trainers: which items can be trained on. What is left out or cut is said and kept by name, never silent."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pairsmith.errors import StageError
from pairsmith.values import Item

FILE = "left-out.jsonl"
"""What the list of them is called, beside the metrics."""
_SHOWN = 5


class Fitting(Protocol):
    """What encodes items: it knows which fit its limit, in tokens, and which lose the end of an answer."""

    @property
    def limit(self) -> int | None:
        """Tokens of prompt and answer at most."""

    @property
    def cut(self) -> bool:
        """Whether answers are cut at the limit."""

    def fits(self, item: Item) -> str | None:
        """Return why an item cannot be trained on, or ``None``."""

    def is_cut(self, item: Item) -> bool:
        """Tell whether an answer of an item that fits loses its end."""


def usable(
    items: Sequence[Item], encoder: Fitting, batch_size: int, say: Callable[[str], None], metrics: Path | None = None
) -> list[int]:
    """Return the indices of the items that can be trained on; say by name what is left out, and how many are cut.

    Each of both is a line of ``left-out.jsonl`` beside ``metrics``: ``{"id", "left_out": why}`` or ``{"id", "cut": limit}``.
    Raises where fewer are left than make a batch.
    """
    kept: list[int] = []
    left_out: list[tuple[str, str]] = []
    cut: list[str] = []
    for index, item in enumerate(items):
        why = encoder.fits(item)
        if why is not None:
            left_out.append((item.id, why))
            continue
        kept.append(index)
        if encoder.limit is not None and encoder.cut and encoder.is_cut(item):
            cut.append(item.id)
    for name, why in left_out[:_SHOWN]:
        say(f"left out {name}: {why}")
    where = ""
    if metrics is not None and (left_out or cut):
        _keep(
            metrics.with_name(FILE),
            [
                *({"id": name, "left_out": why} for name, why in left_out),
                *({"id": name, "cut": encoder.limit} for name in cut),
            ],
        )
        where = f"; all are in {str(metrics.with_name(FILE))!r}"
    if len(left_out) > _SHOWN:
        say(f"left out {len(left_out)} items in all{where}")
    if cut:
        say(f"cut the answers of {len(cut)} items at {encoder.limit} tokens{where}")
    enough(len(kept), len(items), batch_size)
    return kept


def enough(there: int, total: int, batch_size: int) -> None:
    """Raise where fewer items can be trained on than a step takes."""
    if there < batch_size:
        msg = (
            f"{there} of {total} items can be trained on, fewer than one step of train.batch_size = {batch_size}; "
            f"make more pairs or set a smaller batch_size"
        )
        raise StageError(msg)


def _keep(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
