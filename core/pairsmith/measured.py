"""What a training writes down at each step, and what benchmarks say of it on the way."""

import json
import os
from collections.abc import Mapping
from typing import Any

from pairsmith.interfaces import BENCHMARK
from pairsmith.store import Stage, write_atomically, write_json

METRICS = "metrics.jsonl"
"""The file of a training, a line a step."""

PAUSED = "paused.json"
"""The file of a training that waits for its benchmarks: the step, and where its weights are."""

_SCORES = "benchmarks.json"
_WATCHED = {"loss": ("loss",), "margin": ("margin", "margins"), "accuracy": ("accuracy", "accuracies")}


def metrics(stage: Stage) -> list[Mapping[str, Any]]:
    """Return a training's metrics by step. Steps made again after a resume count as they were made last."""
    steps: dict[int, Mapping[str, Any]] = {}
    try:
        with (stage.directory / METRICS).open(encoding="utf-8") as file:
            for line in file:
                if line.endswith("\n"):  # a process killed while writing leaves half a line
                    row = json.loads(line)
                    steps[row["step"]] = row
    except FileNotFoundError:
        return []
    return [steps[step] for step in sorted(steps)]


def note(row: Mapping[str, Any]) -> str:
    """Return what a person watches of a step's metrics, whatever the trainer calls them.

    >>> note({"step": 3, "loss": 0.61, "rewards/margin": 0.2, "rewards/accuracies": 0.75, "pairs/s": 3.21})
    'loss 0.61, margin 0.2, accuracy 0.75, 3.21 pairs/s'
    """
    found = []
    for name, endings in _WATCHED.items():
        own = (key for key in row if not key.startswith(BENCHMARK))
        value = next((row[key] for key in own if key.rpartition("/")[2] in endings), None)
        if isinstance(value, int | float):
            found.append(f"{name} {value:.4g}")
    rates = ((row.get(unit), unit) for unit in ("tokens/s", "pairs/s"))
    return ", ".join([*found, *(f"{value:,.4g} {unit}" for value, unit in rates if isinstance(value, int | float))])


def last(stage: Stage) -> Mapping[str, Any]:
    """Return the newest metrics, reading no more than the end of the file."""
    try:
        with (stage.directory / METRICS).open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 8192))
            lines = [line for line in file.read().split(b"\n")[:-1] if line.startswith(b"{") and line.endswith(b"}")]
    except FileNotFoundError:
        return {}
    row: Mapping[str, Any] = json.loads(lines[-1]) if lines else {}
    return row


def scored(stage: Stage) -> dict[int, Mapping[str, float]]:
    """Return what benchmarks said of a training so far, by step."""
    return {int(step): numbers for step, numbers in (stage.note(_SCORES) or {}).items()}


def keep(stage: Stage, step: int, numbers: Mapping[str, float]) -> None:
    """Keep what benchmarks said at a step."""
    known = {**scored(stage), step: numbers}
    write_json(stage.directory / _SCORES, {str(one): known[one] for one in sorted(known)})
    show(stage)


def show(stage: Stage) -> None:
    """Put what benchmarks said into the training's metrics, which a resumed training may have written anew."""
    known = scored(stage)
    if not known:
        return
    rows: dict[int, Mapping[str, Any]] = {row["step"]: row for row in metrics(stage)}
    merged = [{"step": step, **rows.get(step, {}), **known.get(step, {})} for step in sorted({*rows, *known})]
    lines = (json.dumps(row).encode() + b"\n" for row in merged)
    write_atomically(stage.directory / METRICS, lines)
