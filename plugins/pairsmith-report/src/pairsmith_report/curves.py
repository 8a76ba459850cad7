"""Training metrics by step, whatever the trainer calls them, thinned to what a plot can show."""

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from attrs import frozen

MOST_POINTS = 300
QUANTITIES = {
    "loss": ("loss",),
    "chosen": ("chosen reward",),
    "rejected": ("rejected reward",),
    "accuracy": ("accuracy", "accuracy reward"),
    "margin": ("margin reward", "margin"),
}
"""What is plotted, and the words (sorted, in the singular) that a metric's name may consist of."""

_PLURALS = {"accuracies": "accuracy", "losses": "loss", "rewards": "reward", "margins": "margin"}
_IGNORED = {"train", "training"}


@frozen
class Curve:
    """One quantity by step."""

    steps: tuple[float, ...]
    values: tuple[float, ...]


def words_of(name: str) -> str:
    """Return the words of a metric's name in one order: ``rewards/chosen`` and ``chosen_reward`` are the same.

    >>> words_of("train/rewards/accuracies"), words_of("chosen_reward")
    ('accuracy reward', 'chosen reward')
    """
    words = (_PLURALS.get(word, word) for word in re.split(r"[^a-z0-9]+", name.lower()) if word)
    return " ".join(sorted(word for word in words if word not in _IGNORED))


def curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """Return the curves that the rows hold."""
    names = {name: words_of(name) for row in rows for name in row}
    found = {}
    for quantity, spellings in QUANTITIES.items():
        for spelling in spellings:
            matching = [name for name, words in names.items() if words == spelling]
            points = [point for row in rows for point in _points(row, matching)]
            if points:
                found[quantity] = thinned(points)
                break
    return found


def _points(row: Mapping[str, Any], names: Sequence[str]) -> list[tuple[float, float]]:
    values = [row[name] for name in names if _is_number(row.get(name))]
    return [(float(row["step"]), float(values[0]))] if values and _is_number(row.get("step")) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def thinned(points: Sequence[tuple[float, float]]) -> Curve:
    """Return the points, or means of as few neighbours as make them 300."""
    size = -(-len(points) // MOST_POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    steps, values = zip(*(_mean(group) for group in groups), strict=True)
    return Curve(steps, values)


def _mean(group: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(step for step, _ in group) / len(group), sum(value for _, value in group) / len(group)


def last_values(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return every metric as it was written last."""
    return {
        str(name): float(value)
        for row in rows
        for name, value in row.items()
        if name not in {"step", "steps"} and _is_number(value)
    }
