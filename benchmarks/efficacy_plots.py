"""Draws what ``efficacy_grid.py`` measured: hallucination beside recall, for every entry of a comparison."""

from collections.abc import Mapping
from pathlib import Path

from efficacy_grid import SHOWN, Interval
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

Rows = Mapping[str, Mapping[str, Interval]]
DRAWN = ("chair_i", "recall")
STYLE = {
    "svg.hashsalt": "pairsmith",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.4,
}


def draw(whole: Mapping[str, Rows], start: Mapping[str, float], folder: Path) -> None:
    """Write ``efficacy-COMPARISON.svg`` for each comparison."""
    folder.mkdir(parents=True, exist_ok=True)
    for compared, entries in whole.items():
        with rc_context(STYLE):
            figure = lines(entries, start) if compared == "noise" else dots(entries, start)
            FigureCanvasSVG(figure).print_svg(str(folder / f"efficacy-{compared}.svg"), metadata={"Date": None})


def dots(entries: Rows, start: Mapping[str, float]) -> Figure:
    """Return a row per entry, the least hallucination on top: mean and interval, and where training began."""
    order = sorted(entries, key=lambda name: -entries[name]["chair_i"].middle)
    figure = Figure(figsize=(8.5, 1.0 + 0.24 * len(order)), layout="constrained")
    for axes, metric in zip(figure.subplots(1, 2, sharey=True), DRAWN, strict=True):
        found = [entries[name][metric] for name in order]
        axes.errorbar([one.middle for one in found], range(len(order)), xerr=[one.half for one in found], fmt="o", ms=4)
        axes.axvline(start[metric], linestyle="--", color="0.4", linewidth=1, label="before")
        axes.set_yticks(range(len(order)), order)
        finish(axes, metric)
        axes.set_xlabel(f"{SHOWN[metric]} (%)")
    return figure


def lines(entries: Rows, start: Mapping[str, float]) -> Figure:
    """Return the metrics over the share of verdicts that are wrong."""
    figure = Figure(figsize=(8.5, 2.6), layout="constrained")
    shares = [float(name) for name in entries]
    for axes, metric in zip(figure.subplots(1, 2), DRAWN, strict=True):
        found = [row[metric] for row in entries.values()]
        axes.errorbar(shares, [one.middle for one in found], yerr=[one.half for one in found], fmt="o-", ms=4)
        axes.axhline(start[metric], linestyle="--", color="0.4", linewidth=1, label="before")
        axes.set_ylabel(f"{SHOWN[metric]} (%)")
        axes.set_xlabel("share of verdicts that are wrong")
        finish(axes, metric)
    return figure


def finish(axes: Axes, metric: str) -> None:
    """Say once what the dashed line is."""
    if metric == DRAWN[0]:
        axes.legend(frameon=False)
