"""The plot of a comparison: the difference of each metric from the base model, with its interval."""

import io
from collections.abc import Mapping
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

WIDTH, ROW, HEAD = 7.0, 0.32, 1.0
"""Inches: the width, the height of a metric, and of what surrounds those of a benchmark."""

_COLOURS = {"better": "#1a7f4b", "worse": "#b3261e", "unclear": "#6b7280"}
_STYLE: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "pairsmith", "font.size": 9, "axes.spines.top": False}


def differences_plot(found: Mapping[str, Any]) -> str:
    """Return an SVG: a panel for each benchmark and model, a row for each metric that may be better or worse."""
    panels = []
    for benchmark in found["benchmarks"]:
        models = dict.fromkeys(model for one in benchmark["metrics"] for model in one["differences"])
        panels += [(benchmark, model, _rows(benchmark, model)) for model in models if _rows(benchmark, model)]
    with rc_context(_STYLE):
        heights = [HEAD + ROW * len(rows) for _, _, rows in panels] or [HEAD]
        figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        for (benchmark, model, rows), ax in zip(panels, axes, strict=False):
            _draw(ax, rows)
            ax.set_title(f"{benchmark['benchmark']}: {model} - {benchmark['baseline']}", loc="left")
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
        return out.getvalue()


def _rows(benchmark: Mapping[str, Any], model: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    return [
        (one["metric"], one["goal"], one["differences"][model])
        for one in benchmark["metrics"]
        if one["goal"] != "neither" and "low" in one["differences"].get(model, {})
    ]


def _draw(axes: Axes, rows: list[tuple[str, str, Mapping[str, Any]]]) -> None:
    for place, (_, goal, one) in enumerate(rows):
        colour = _COLOURS[side(goal, one["low"], one["high"])]
        axes.plot([one["low"], one["high"]], [place, place], color=colour, linewidth=2)
        axes.plot([one["difference"]], [place], "o", color=colour, markersize=5)
    axes.axvline(0, color="#9ca3af", linewidth=1)
    axes.set_yticks(range(len(rows)), [f"{name} {'↓' if goal == 'lower' else '↑'}" for name, goal, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)


def side(goal: str, low: float, high: float) -> str:
    """Tell what an interval says: better, worse, or unclear where it holds 0.

    >>> side("lower", -3, -1), side("higher", -3, -1), side("lower", -3, 1)
    ('better', 'worse', 'unclear')
    """
    if low <= 0 <= high or low != low or high != high:  # noqa: PLR0124 - nan
        return "unclear"
    return "better" if (high < 0) == (goal == "lower") else "worse"
