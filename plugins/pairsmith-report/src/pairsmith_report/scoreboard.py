"""What the benchmarks found before and after training, as a table and as a sentence."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Literal

from attrs import frozen

from pairsmith_report.numbers import decimals_for, number, percent, signed

Goal = Literal["lower", "higher", "neither"]
ARROWS: Mapping[Goal, str] = {"lower": "↓", "higher": "↑", "neither": "·"}
BASE, TRAINED, CONTROL = MODELS = ("base", "trained", "control")
ROUND = "round"


@frozen(kw_only=True)
class Row:
    """One metric of one benchmark over the models."""

    benchmark: str
    metric: str
    goal: Goal
    values: Mapping[str, float]

    @property
    def arrow(self) -> str:
        """The direction in which the metric is better."""
        return ARROWS[self.goal]

    @property
    def decimals(self) -> int:
        """Decimals that all numbers of the row are printed with, so that they compare at a glance."""
        sizes = [abs(value) for value in self.values.values()]
        if sizes and all(size == int(size) for size in sizes):
            return 0
        return decimals_for(max(sizes, default=0.0))

    def text(self, model: str) -> str:
        """Return a model's value."""
        return number(self.values.get(model), self.decimals)

    def change(self, model: str) -> float | None:
        """Return by how much a model differs from the base."""
        if BASE not in self.values or model not in self.values:
            return None
        return self.values[model] - self.values[BASE]

    def relative(self, model: str) -> float | None:
        """Return the change as a share of the base's value."""
        change, base = self.change(model), self.values.get(BASE)
        return None if change is None or not base else change / abs(base)

    def change_text(self, model: str) -> str:
        """Return the change with its sign."""
        return signed(self.change(model), self.decimals)

    def relative_text(self, model: str) -> str:
        """Return the relative change with its sign."""
        return percent(self.relative(model))

    def direction(self, model: str) -> str:
        """Return whether a model is ``better`` or ``worse`` than the base, the ``same``, or just ``other``."""
        change = self.change(model)
        if change is None or self.text(model) == self.text(BASE):
            return "same"
        if self.goal == "neither":
            return "other"
        return "better" if (change < 0) == (self.goal == "lower") else "worse"

    def is_best(self, model: str) -> bool:
        """Tell whether no other model is better, where there are several and they differ."""
        differ = len({self.text(one) for one in self.values}) > 1
        if self.goal == "neither" or model not in self.values or not differ:
            return False
        best = min(self.values.values()) if self.goal == "lower" else max(self.values.values())
        return self.text(model) == number(best, self.decimals)


@frozen(kw_only=True)
class Table:
    """The rows of one benchmark."""

    benchmark: str
    source: str
    items: int | None
    rows: tuple[Row, ...]


@frozen
class Scoreboard:
    """Every benchmark, and the models that any of them saw."""

    tables: tuple[Table, ...]
    models: tuple[str, ...]

    def headline(self) -> str:
        """Return the outcome in one sentence, or nothing where nothing was evaluated.

        The first metric of the first benchmark, then the first of that benchmark that goes the other way (what a model
        gains by saying less it loses in recall), then what the control makes of the first.
        """
        table = next((table for table in self.tables if any(TRAINED in row.values for row in table.rows)), None)
        table = table or next(iter(self.tables), None)
        if table is None:
            return ""
        judged = [row for row in table.rows if row.goal != "neither"] or table.rows
        first = judged[0]
        other = next((row for row in judged if row.goal != first.goal), None)
        name = first.metric if _says(first.metric, table.benchmark) else f"{table.benchmark} {first.metric}"
        relative = f" ({first.relative_text(TRAINED)})" if first.relative(TRAINED) is not None else ""
        sentence = f"{name} {_step(first)}{relative}"
        if other is not None:
            sentence += f", {other.metric} {_step(other)}"
        if CONTROL in first.values:
            sentence += f"; control {first.text(CONTROL)}"
        return sentence


def scoreboard(evaluations: Sequence[Mapping[str, Any]]) -> Scoreboard:
    """Gather the scores of all models by benchmark, in the order in which they were found."""
    benchmarks: dict[str, list[Mapping[str, Any]]] = {}
    for one in evaluations:
        benchmarks.setdefault(str(one["benchmark"]), []).append(one)
    tables = [_table(name, found) for name, found in benchmarks.items()]
    tables = [table for table in tables if table.rows]
    present = {model for table in tables for row in table.rows for model in row.values}
    return Scoreboard(tuple(tables), tuple(sorted(present, key=_order)))


def _table(name: str, found: Sequence[Mapping[str, Any]]) -> Table:
    metrics = dict.fromkeys(str(metric) for one in found for metric in one["metrics"])
    rows = (
        Row(benchmark=name, metric=metric, goal=_goal(found, metric), values=_values(found, metric))
        for metric in metrics
    )
    return Table(
        benchmark=name,
        source=next((str(one["source"]) for one in found if one.get("source")), ""),
        items=next((one["items"] for one in found if isinstance(one.get("items"), int)), None),
        rows=tuple(row for row in rows if row.values),
    )


def _goal(found: Sequence[Mapping[str, Any]], metric: str) -> Goal:
    if any(metric in (one.get("neutral") or ()) for one in found):
        return "neither"
    return "lower" if any(metric in (one.get("lower_is_better") or ()) for one in found) else "higher"


def _values(found: Sequence[Mapping[str, Any]], metric: str) -> dict[str, float]:
    values = {}
    for one in found:
        value = one["metrics"].get(metric)
        if isinstance(value, int | float) and isfinite(value):
            values[str(one["model"])] = float(value)
    return values


def _order(model: str) -> tuple[float, int, str]:
    """Return where a model stands: after the base the rounds, the last of which is the trained model; strangers last."""
    word, _, number = model.partition("-")
    if word == ROUND and number.isdecimal():
        return (MODELS.index(TRAINED) - 0.5, int(number), model)
    return (MODELS.index(model) if model in MODELS else len(MODELS), 0, model)


def _step(row: Row) -> str:
    if BASE in row.values and TRAINED in row.values:
        return f"{row.text(BASE)} → {row.text(TRAINED)}"
    return next(f"{row.text(model)} ({model})" for model in sorted(row.values, key=_order))


def _says(metric: str, benchmark: str) -> bool:
    return benchmark.partition("-")[0].casefold() in metric.casefold()
