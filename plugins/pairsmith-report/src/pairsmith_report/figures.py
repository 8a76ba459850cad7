"""The figures of a page: each a plot, and a caption that says in words what it shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from pairsmith.interfaces import BENCHMARK
from pairsmith_report.curves import Curve, curves
from pairsmith_report.histogram import Histogram
from pairsmith_report.numbers import MINUS, decimals_for, number
from pairsmith_report.plots import curve_plot, histogram_plot, margin_plot
from pairsmith_report.survey import Distributions

Lines = list[tuple[str, str, str, Curve]]
_ARMS = (("", "trained", "good", "-"), ("control", "control", "muted", "--"))


@frozen
class Figure:
    """A plot as SVG, and its caption."""

    title: str
    svg: str
    caption: str


def distribution_figures(found: Distributions) -> list[Figure]:
    """Return the distributions that there are values for."""
    figures = []
    if found.words["chosen"].count:
        title = "Length of answers"
        svg = histogram_plot("words", title, found.words, "words")
        figures.append(Figure(title, svg, _means(found.words, "Words on average")))
    if found.scores["chosen"].count:
        title = "Scores by the judges"
        svg = histogram_plot("scores", title, found.scores, "score")
        figures.append(Figure(title, svg, _means(found.scores, "On average")))
    if found.margins.count:
        title = "Margin of chosen over rejected"
        svg = margin_plot("margins", title, found.margins, f"score of chosen {MINUS} score of rejected")
        figures.append(Figure(title, svg, _margin_caption(found.margins)))
    return figures


def _margin_caption(margins: Histogram) -> str:
    decimals = _decimals(margins)
    low, high = number(margins.lowest, decimals), number(margins.highest, decimals)
    return f"{number(margins.mean, _mean_decimals(margins))} on average, from {low} to {high}."


def _means(sides: Mapping[str, Histogram], what: str) -> str:
    parts = [
        f"{side} {number(one.mean, _mean_decimals(one))} ({number(one.lowest, _decimals(one))} "
        f"to {number(one.highest, _decimals(one))})"
        for side, one in sides.items()
        if one.count
    ]
    return f"{what}: {', '.join(parts)}. Dotted lines are the means."


def _decimals(histogram: Histogram) -> int:
    return 0 if histogram.whole else decimals_for(max(abs(histogram.lowest), abs(histogram.highest)))


def _mean_decimals(histogram: Histogram) -> int:
    return max(1, decimals_for(abs(histogram.mean))) if not histogram.whole else 1


def training_figures(metrics: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Figure]:
    """Return the curves of a training and of its control; ``metrics`` by arm, ``""`` being the recipe's own."""
    found = {arm: curves(metrics.get(arm, ())) for arm, _, _, _ in _ARMS}
    figures = [
        _compared("loss", "Loss", "loss", found),
        _rewards(found),
        _compared("accuracy", "Accuracy: chosen rewarded above rejected", "accuracy", found),
        _compared("margin", "Reward margin", f"chosen {MINUS} rejected", found),
    ]
    return [figure for figure in figures if figure is not None]


def benchmark_figures(
    metrics: Mapping[str, Sequence[Mapping[str, Any]]], evaluations: Sequence[Mapping[str, Any]]
) -> list[Figure]:
    """Return the course of each benchmark that was asked during training, by its first metric.

    It begins at the base model, step 0, and ends at what the training left.
    """
    first: dict[str, str] = {}
    for name in dict.fromkeys(name for rows in metrics.values() for row in rows for name in row):
        kind, _, rest = name.partition("/")
        benchmark, _, metric = rest.rpartition("/")
        if f"{kind}/" == BENCHMARK and benchmark:
            first.setdefault(benchmark, metric)
    figures = []
    for number_of, (benchmark, metric) in enumerate(first.items(), 1):
        ends = {one["model"]: one["metrics"].get(metric) for one in evaluations if one["benchmark"] == benchmark}
        lines: Lines = []
        for arm, text, colour, dash in _ARMS:
            curve = _course(metrics.get(arm, ()), f"{BENCHMARK}{benchmark}/{metric}", ends.get("base"), ends.get(text))
            lines += [(text, colour, dash, curve)] if curve else []
        figure = _figure(f"benchmark-{number_of}", f"{benchmark}, {metric}", metric, lines)
        figures += [figure] if figure else []
    return figures


def _course(rows: Sequence[Mapping[str, Any]], name: str, base: float | None, result: float | None) -> Curve | None:
    points = [(float(row["step"]), float(row[name])) for row in rows if name in row]
    if not points:
        return None
    before = [] if base is None else [(0.0, float(base))]
    after = [] if result is None else [(float(rows[-1]["step"]), float(result))]
    steps, values = zip(*before, *points, *after, strict=True)
    return Curve(steps, values)


def _compared(quantity: str, title: str, label: str, found: Mapping[str, Mapping[str, Curve]]) -> Figure | None:
    lines = [(text, colour, dash, found[arm][quantity]) for arm, text, colour, dash in _ARMS if quantity in found[arm]]
    return _figure(quantity, title, label, lines)


def _rewards(found: Mapping[str, Mapping[str, Curve]]) -> Figure | None:
    lines: Lines = []
    for side, colour, dash in (("chosen", "good", "-"), ("rejected", "bad", "--")):
        if side in found[""]:
            lines.append((side, colour, dash, found[""][side]))
    for side, dash in (("chosen", "-"), ("rejected", ":")):
        if side in found["control"]:
            lines.append((f"control {side}", "muted", dash, found["control"][side]))
    return _figure("rewards", "Rewards of chosen and rejected", "reward", lines)


def _figure(name: str, title: str, label: str, lines: Lines) -> Figure | None:
    if not lines:
        return None
    ends = [f"{text} {_value(curve.values[0])} → {_value(curve.values[-1])}" for text, _, _, curve in lines]
    return Figure(title, curve_plot(f"curve-{name}", title, lines, label), f"{'; '.join(ends).capitalize()}.")


def _value(value: float) -> str:
    return number(value, max(2, decimals_for(abs(value))))
