"""A training that goes wrong stops at the batch that showed it, and keeps that batch for a person to look at."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from pairsmith.errors import StageError
from pairsmith.interfaces import LogProbs, LossTerms
from pairsmith.values import Cell, Item

FILE = "stopped.json"


@frozen(kw_only=True)
class Stop:
    """Stops a training: ``items`` are the run's, ``path`` is where the batch is kept, ``limit`` the largest margin."""

    items: Sequence[Item]
    cells: Sequence[Cell]
    path: Path
    limit: float

    def check(
        self,
        step: int,
        rows: Sequence[int],
        terms: LossTerms,
        policy: Mapping[Cell, LogProbs],
        reference: Mapping[Cell, LogProbs],
    ) -> None:
        """Raise where a loss is no number or a margin is beyond the limit. ``rows`` are the places of the items."""
        numbers = {name: value.detach().tolist() for name, value in {"loss": terms.loss, **terms.metrics}.items()}
        found = [{name: value[k] for name, value in numbers.items()} for k in range(len(rows))]
        for row, one in zip(rows, found, strict=True):
            why = self._wrong(one)
            if why is not None:
                scored = [_scored(k, policy, reference) for k in range(len(rows))]
                self.now(step, rows, f"the {why[0]} of {self.items[row].id!r} is {why[1]}", found, scored)

    def check_gradient(self, step: int, rows: Sequence[int], norm: float | None) -> None:
        """Raise where the gradient of a step is no number, before the next step blames another batch."""
        if norm is not None and not math.isfinite(norm):
            self.now(step, rows, f"the gradient's norm is {norm}")

    def now(
        self,
        step: int,
        rows: Sequence[int],
        why: str,
        numbers: Sequence[Mapping[str, float]] = (),
        scored: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Keep the batch and raise one sentence."""
        items = [self._shown(self.items[row]) for row in rows]
        for item, found in zip(items, numbers, strict=False):
            item["numbers"] = {name: _jsonable(value) for name, value in found.items()}
        for item, tokens in zip(items, scored, strict=False):
            for cell, values in tokens.items():
                item["cells"][cell] |= values
        self.path.parent.mkdir(parents=True, exist_ok=True)
        document = {"step": step, "why": why, "items": items}
        self.path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
        msg = (
            f"step {step}: {why}; the batch is in {str(self.path)!r}. Look at it, lower train.learning_rate, or raise the "
            f"limit if this is meant"
        )
        raise StageError(msg)

    def _wrong(self, numbers: Mapping[str, float]) -> tuple[str, str] | None:
        if not math.isfinite(numbers["loss"]):
            return "loss", str(numbers["loss"])
        for name, value in numbers.items():
            if self.limit and name.endswith("margin") and not abs(value) <= self.limit:
                return f"{name} (train.margin_limit = {self.limit:g})", f"{value:g}"
        return None

    def _shown(self, item: Item) -> dict[str, Any]:
        cells = {
            str(cell): {
                "images": [str(image.path) for image in item.images(cell)],
                "turns": [{"role": turn.role, "text": turn.text} for turn in item.turns(cell)],
                "answer": item.value.response(cell.response).text,
            }
            for cell in self.cells
        }
        return {"id": item.id, "sample": item.value.sample.id, "cells": cells}


def _scored(row: int, policy: Mapping[Cell, LogProbs], reference: Mapping[Cell, LogProbs]) -> dict[str, Any]:
    """Return the log-probabilities of an item's tokens, by cell."""
    found: dict[str, Any] = {}
    for name, model in (("policy", policy), ("reference", reference)):
        for cell, one in model.items():
            values = one.tokens[row][one.mask[row]].detach().tolist()
            found.setdefault(str(cell), {})[name] = [_jsonable(value) for value in values]
    return found


def _jsonable(value: float) -> float | str:
    """Return a number, or its name where JSON has none for it."""
    return value if math.isfinite(value) else str(value)
