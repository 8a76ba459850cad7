"""The plot of a comparison: by how much each metric of each model differs from the base model, with its interval."""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pairsmith_statistics.tables import ARROWS, bounded

LINE, GAP, TITLE, KEY, AXIS, FOOT = 0.21, 0.12, 0.32, 0.22, 0.35, 0.45
"""Inches: the height of an interval, of what stands between two metrics, of a benchmark's title, of the line that says which
mark is which model, of the numbers of an axis, and of what stands below all."""

PLOT, CHARACTER, LARGEST = 4.2, 0.075, 48
"""Inches: the width of the axes and of a character beside them; and the most characters of a name that are shown."""

_COLOURS = {"better": "#1a7f4b", "worse": "#b3261e", "unclear": "#6b7280"}
_INK, _MUTED, _RULE, _BAND = "#1f2328", "#57606a", "#c9ced4", "#f3f4f6"
_MARKERS = "oDs^vP*X"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pairsmith",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _RULE,
    "axes.axisbelow": True,
    "grid.color": _RULE,
    "grid.linewidth": 0.5,
    "xtick.labelcolor": _MUTED,
    "xtick.color": _RULE,
    "ytick.labelcolor": _INK,
}


@frozen(kw_only=True)
class Panel:
    """A benchmark: what all its metrics' names end with, its models, and its metrics that may be better or worse."""

    benchmark: str
    ending: str
    baseline: str
    models: tuple[str, ...]
    rows: tuple[tuple[str, str, Mapping[str, Mapping[str, float]]], ...]

    @property
    def inside(self) -> float:
        """The height of the axes, in inches."""
        return sum(LINE * len(apart) + GAP for _, _, apart in self.rows)

    @property
    def head(self) -> float:
        """The height of what is above them, in inches."""
        return TITLE + (KEY if len(self.models) > 1 else 0)


def panels(found: Mapping[str, Any]) -> list[Panel]:
    """Return what is drawn: the differences that have an interval."""
    made = []
    for benchmark in found["benchmarks"]:
        rows = [
            (
                one["metric"],
                one["goal"],
                {model: apart for model, apart in one["differences"].items() if "low" in apart},
            )
            for one in benchmark["metrics"]
            if one["goal"] != "neither"
        ]
        rows = [row for row in rows if row[2]]
        if not rows:
            continue
        ending = _ending([name for name, _, _ in rows])
        made.append(
            Panel(
                benchmark=benchmark["benchmark"],
                ending=ending,
                baseline=benchmark["baseline"],
                models=tuple(dict.fromkeys(model for _, _, apart in rows for model in apart)),
                rows=tuple((_short(name.removesuffix(ending)), goal, apart) for name, goal, apart in rows),
            )
        )
    return made


def _ending(names: Sequence[str]) -> str:
    """Return what all names say in brackets, such as the judge: it is said once.

    >>> _ending(["chair[words]", "hal[words]"]), _ending(["chair[words]", "recall"])
    ('[words]', '')
    """
    endings = {found[0] if (found := re.search(r"\[[^\[]*\]$", name)) else "" for name in names}
    return endings.pop() if len(endings) == 1 else ""


def _short(name: str) -> str:
    return name if len(name) <= LARGEST else f"{name[: LARGEST - 1]}…"


def differences_plot(found: Mapping[str, Any]) -> str:
    """Return an SVG: a panel for each benchmark, a row for each metric, and on it a mark for each model."""
    every = panels(found)
    with rc_context(_STYLE):
        named = max((len(name) + 2 for panel in every for name, _, _ in panel.rows), default=0)
        said = max((len(_said(one)) for panel in every for _, _, row in panel.rows for one in row.values()), default=0)
        left, right = CHARACTER * named + 0.2, CHARACTER * said + 0.2
        width = left + PLOT + right
        height = sum(panel.head + panel.inside + AXIS for panel in every) + FOOT
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        top = height
        for panel in every:
            # Placed by hand, so that names, axes and numbers of all panels stand at the same places.
            figure.text(0.1 / width, (top - 0.2) / height, _title(panel), fontweight="bold")
            low = top - panel.head - panel.inside
            _draw(figure.add_axes((left / width, low / height, PLOT / width, panel.inside / height)), panel)
            top = low - AXIS
        legend = (
            f"The difference from the baseline with its {100 * found.get('confidence', 0.95):g} % interval. Green and "
            f"filled: better; red and filled: worse;\n"
            f"grey and hollow: the interval holds 0. ↓ low is better, ↑ high is better."
        )
        figure.text(0.1 / width, 0.12 / height, legend, color=_MUTED, fontsize=8)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
        return out.getvalue()


def _said(one: Mapping[str, float]) -> str:
    return bounded(one["difference"], one, sign=True).replace("-", "−")  # noqa: RUF001 - a minus


def _draw(axes: Axes, panel: Panel) -> None:
    """Draw a panel; what is below is counted in inches from its top."""
    markers = {model: _MARKERS[number % len(_MARKERS)] for number, model in enumerate(panel.models)}
    at, ticks = 0.0, []
    for number, (_, goal, apart) in enumerate(panel.rows):
        tall = LINE * len(apart) + GAP
        if number % 2 == 0:
            axes.axhspan(at, at + tall, color=_BAND, linewidth=0, zorder=0)
        ticks.append(at + tall / 2)
        for place, (model, one) in enumerate(apart.items()):
            y, verdict = at + GAP / 2 + LINE * (place + 0.5), side(goal, one["low"], one["high"])
            colour, inner = _COLOURS[verdict], "white" if verdict == "unclear" else _COLOURS[verdict]
            axes.plot([one["low"], one["high"]], [y, y], color=colour, linewidth=1.8, solid_capstyle="butt")
            axes.plot([one["difference"]], [y], markers[model], color=colour, markerfacecolor=inner, markersize=5.5)
            axes.text(1.02, y, _said(one), transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=colour)
        at += tall
    axes.axvline(0, color=_MUTED, linewidth=1, zorder=1)
    axes.set_yticks(ticks, [f"{name} {ARROWS[goal]}" for name, goal, _ in panel.rows])
    axes.tick_params(axis="both", length=0)
    axes.set_ylim(at, 0)
    axes.grid(visible=True, axis="x")
    for spine in ("top", "left", "right"):
        axes.spines[spine].set_visible(False)
    if len(panel.models) > 1:
        handles = [
            Line2D([], [], linestyle="none", marker=mark, color=_MUTED, markersize=5.5, label=model)
            for model, mark in markers.items()
        ]
        axes.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(handles), frameon=False, fontsize=8,
            handletextpad=0.1, columnspacing=1.0, borderaxespad=0.0, borderpad=0.2,
        )  # fmt: skip


def _title(panel: Panel) -> str:
    only = f"{panel.models[0]} − " if len(panel.models) == 1 else "difference from "  # noqa: RUF001 - a minus
    return f"{panel.benchmark} {panel.ending}".strip() + f": {only}{panel.baseline}"


def side(goal: str, low: float, high: float) -> str:
    """Tell what an interval says: better, worse, or unclear where it holds 0.

    >>> side("lower", -3, -1), side("higher", -3, -1), side("lower", -3, 1)
    ('better', 'worse', 'unclear')
    """
    if low <= 0 <= high or low != low or high != high:  # noqa: PLR0124 - nan
        return "unclear"
    return "better" if (high < 0) == (goal == "lower") else "worse"
