"""The component ``comparison``: models on the same items, with how sure each number and each difference is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen

from pairsmith.interfaces import Benchmark, Run, RunView
from pairsmith_statistics.bootstrap import (
    Clusters,
    Formula,
    Interval,
    clusters,
    holm,
    interval,
    left_out,
    permutation_p,
    plain,
    resampled,
)
from pairsmith_statistics.options import ComparisonOptions
from pairsmith_statistics.plots import differences_plot
from pairsmith_statistics.tables import comparison_page

BASE = "base"
NAME = "evaluation"
_SHOWN = 3
_PROBLEMS = {
    "missing": "items without an answer",
    "double": "items with two answers or more",
    "empty": "empty answers",
    "": "answers that the benchmark does not score",
}


@frozen
class ComparisonReporter:
    """Writes ``evaluation.md``, ``evaluation.json`` and ``evaluation.svg`` into a run directory."""

    options: ComparisonOptions
    run: Run

    def report(self, run: RunView) -> Sequence[Path]:
        """Write the files, and return them; the plot only where there is something to compare."""
        found: dict[str, Any] = {
            "confidence": self.options.confidence,
            "resamples": self.options.resamples,
            "seed": self.options.seed,
            "benchmarks": [self._benchmark(run, scores) for scores in _by_benchmark(run.evaluations())],
        }
        path = run.directory / NAME
        written = [path.with_suffix(".md"), path.with_suffix(".json")]
        written[0].write_text(comparison_page(found), encoding="utf-8")
        written[1].write_text(json.dumps(plain(found), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if any(one["differences"] for benchmark in found["benchmarks"] for one in benchmark["metrics"]):
            written.append(path.with_suffix(".svg"))
            written[2].write_text(differences_plot(found), encoding="utf-8")
        return written

    def _benchmark(self, view: RunView, scores: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        first = next(iter(scores.values()))
        name, baseline = str(first["benchmark"]), BASE if BASE in scores else next(iter(scores))
        rows = {model: list(view.scored(name, model)) for model in scores}
        metrics = list(dict.fromkeys(metric for one in scores.values() for metric in one["metrics"]))
        page = {
            "benchmark": name,
            "source": first.get("source", ""),
            "baseline": baseline,
            "items": {model: one["items"] for model, one in scores.items()},
            "notes": [*_notes(rows)],
        }
        values = {m: {model: one["metrics"].get(m, float("nan")) for model, one in scores.items()} for m in metrics}
        sure: dict[str, dict[str, Any]] = {}
        formula = self._formula(first.get("table"), rows, name)
        if formula is None:
            page["notes"].append("The benchmark does not say what its numbers are summed from: there are no intervals.")
        else:
            order = list(dict.fromkeys(_cluster(row) for some in rows.values() for row in some if row.get("sums")))
            page["clusters"] = len(order)
            tables = {model: clusters([*_sums(some)], order) for model, some in rows.items()}
            if len(order) > 1:
                sure = self._sure(tables, formula, values, baseline)
            else:
                page["notes"].append("There are fewer than two images: there are no intervals.")
        page["metrics"] = [
            {
                "metric": metric,
                "goal": _goal(scores.values(), metric),
                "values": {
                    model: {"value": value, **sure.get(metric, {}).get(model, {})} for model, value in by.items()
                },
                "differences": {
                    model: {"difference": value - by[baseline], **sure.get(metric, {}).get(f"{model} - {baseline}", {})}
                    for model, value in by.items()
                    if model != baseline and value == value and by[baseline] == by[baseline]  # noqa: PLR0124 - not nan
                },
            }
            for metric, by in values.items()
        ]
        _corrected(page["metrics"])
        return page

    def _formula(
        self, table: Mapping[str, Any] | None, rows: Mapping[str, Sequence[Mapping[str, Any]]], name: str
    ) -> Formula | None:
        if table is None or not any(row.get("sums") for some in rows.values() for row in some):
            return None
        benchmark: Benchmark = self.run.component("benchmarks", table, f"benchmark {name}")()
        return getattr(benchmark, "metrics", None)

    def _sure(
        self, tables: Mapping[str, Clusters], formula: Formula, values: Mapping[str, Mapping[str, float]], baseline: str
    ) -> dict[str, dict[str, Any]]:
        """Return the intervals of numbers, and the intervals and p-values of differences, by metric."""
        options, totals = self.options, [one.table.sum(axis=0, keepdims=True) for one in tables.values()]
        known = [*_known(tables, totals, formula)]
        metrics = [metric for metric in values if metric in known]
        drawn = dict(
            zip(tables, resampled([*tables.values()], formula, metrics, options.resamples, options.seed), strict=True)
        )
        without = {model: left_out(one, formula, metrics) for model, one in tables.items()}
        found: dict[str, dict[str, Any]] = {metric: {} for metric in metrics}
        for model, one in tables.items():
            for column, metric in enumerate(metrics):
                own = values[metric][model]
                found[metric][model] = _row(
                    interval(own, drawn[model][:, column], without[model][:, column], options.confidence)
                )
            if model == baseline:
                continue
            p_values = permutation_p(tables[baseline], one, formula, metrics, options.resamples, options.seed)
            apart, jackknife = drawn[model] - drawn[baseline], without[model] - without[baseline]
            for column, metric in enumerate(metrics):
                difference = values[metric][model] - values[metric][baseline]
                bounds = interval(difference, apart[:, column], jackknife[:, column], options.confidence)
                found[metric][f"{model} - {baseline}"] = {**_row(bounds), "p": float(p_values[column])}
        return found


def _known(tables: Mapping[str, Clusters], totals: Sequence[Any], formula: Formula) -> Iterator[str]:
    for one, total in zip(tables.values(), totals, strict=True):
        yield from formula(dict(zip(one.names, np.ravel(total).tolist(), strict=True)))


def _row(bounds: Interval) -> dict[str, Any]:
    return {"low": bounds.low, "high": bounds.high, "method": bounds.method}


def _by_benchmark(evaluations: Sequence[Mapping[str, Any]]) -> list[dict[str, Mapping[str, Any]]]:
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for one in evaluations:
        found.setdefault(str(one["benchmark"]), {})[str(one["model"])] = one
    return list(found.values())


def _cluster(row: Mapping[str, Any]) -> str:
    """Return what items share that are not independent: their image."""
    images = row.get("images")
    return "+".join(images) if images else f"item {row['id']}"


def _sums(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, float]]]:
    return ((_cluster(row), row["sums"]) for row in rows if row.get("sums"))


def _goal(scores: Any, metric: str) -> str:  # noqa: ANN401 - a view of a dictionary
    if any(metric in (one.get("neutral") or ()) for one in scores):
        return "neither"
    return "lower" if any(metric in (one.get("lower_is_better") or ()) for one in scores) else "higher"


def _corrected(metrics: Sequence[dict[str, Any]]) -> None:
    """Correct the p-values of a model for the number of its metrics that are meant to be better or worse."""
    for model in dict.fromkeys(model for one in metrics for model in one["differences"]):
        asked = [
            one["differences"][model] for one in metrics if one["goal"] != "neither" and model in one["differences"]
        ]
        asked = [one for one in asked if "p" in one]
        for one, corrected in zip(asked, holm([one["p"] for one in asked]), strict=True):
            one["p_holm"] = corrected


def _notes(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Yield what was not scored, by model: named and counted."""
    for model, some in rows.items():
        by_problem: dict[str, list[str]] = {}
        for row in some:
            if row.get("problem") or (row.get("response") is not None and not row["response"].strip()):
                by_problem.setdefault(row.get("problem") or "empty", []).append(str(row["id"]))
        for problem, ids in by_problem.items():
            what = _PROBLEMS.get(problem, problem)
            scored = "" if any(row.get("problem") == problem for row in some) else ", which the benchmark scores"
            yield f"{model}: {len(ids)} {what}{scored}, such as {', '.join(map(repr, ids[:_SHOWN]))}."
    asked = {model: {row["id"] for row in some} for model, some in rows.items()}
    first, *others = asked
    for model in others:
        apart = asked[model] ^ asked[first]
        if apart:
            shown = ", ".join(map(repr, sorted(apart)[:_SHOWN]))
            yield f"{model}: {len(apart)} items are not those of {first}, such as {shown}; differences are not paired there."
