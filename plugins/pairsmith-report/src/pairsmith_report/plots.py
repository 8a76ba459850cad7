"""Plots as SVG that stands inside a page: the same bytes for the same data, in the page's own colours and font."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pairsmith_report.curves import Curve
from pairsmith_report.histogram import Histogram, edges

SMALL, WIDE = (4.3, 2.5), (6.0, 2.7)
"""Width and height in inches: three beside each other, and two."""

_COLOURS = {
    "ink": "#0a0b01",
    "muted": "#0a0b02",
    "rule": "#0a0b03",
    "good": "#0a0b04",
    "bad": "#0a0b05",
}
"""Stand-ins that become the page's own colours, which change with the reader's light or dark mode."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pairsmith",
    "font.size": 10,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.color": _COLOURS["ink"],
    "axes.labelcolor": _COLOURS["muted"],
    "axes.edgecolor": _COLOURS["rule"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": _COLOURS["rule"],
    "grid.linewidth": 0.6,
    "xtick.color": _COLOURS["rule"],
    "ytick.color": _COLOURS["rule"],
    "xtick.labelcolor": _COLOURS["muted"],
    "ytick.labelcolor": _COLOURS["muted"],
    "legend.frameon": False,
    "legend.fontsize": 10,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_SIDES = {"chosen": ("good", "-"), "rejected": ("bad", "--")}


def histogram_plot(name: str, title: str, sides: Mapping[str, Histogram], label: str) -> str:
    """Return the distributions of chosen and rejected answers over each other.

    ``name`` must differ between the plots of a page; ``title`` is what a screen reader says.
    """
    with _drawing(SMALL) as (figure, axes):
        shared = edges(list(sides.values()))
        for side, histogram in sides.items():
            if not histogram.count:
                continue
            colour, dash = _SIDES[side]
            shares = [100 * count / histogram.count for count in histogram.counted(shared)]
            if side == "chosen":
                axes.stairs(shares, shared, fill=True, color=_COLOURS[colour], alpha=0.22)
            line = axes.stairs(shares, shared, color=_COLOURS[colour], linewidth=1.6, linestyle=dash)
            line.set_label(side)
            axes.axvline(histogram.mean, color=_COLOURS[colour], linewidth=1.1, linestyle=":")
        _finish(axes, label, whole=all(histogram.whole for histogram in sides.values()))
        _legend(axes)
        return _svg(figure, name, title)


def margin_plot(name: str, title: str, margins: Histogram, label: str) -> str:
    """Return the distribution of how far chosen is above rejected."""
    with _drawing(SMALL) as (figure, axes):
        shared = edges([margins])
        shares = [100 * count / margins.count for count in margins.counted(shared)]
        axes.stairs(shares, shared, fill=True, color=_COLOURS["good"], alpha=0.22)
        axes.stairs(shares, shared, color=_COLOURS["good"], linewidth=1.6)
        axes.axvline(margins.mean, color=_COLOURS["good"], linewidth=1.1, linestyle=":")
        if shared[0] < 0 < shared[-1]:
            axes.axvline(0, color=_COLOURS["muted"], linewidth=1)
        _finish(axes, label, whole=margins.whole)
        return _svg(figure, name, title)


def curve_plot(name: str, title: str, lines: Sequence[tuple[str, str, str, Curve]], label: str) -> str:
    """Return curves by step; each line is ``(label, colour, dash, curve)``."""
    with _drawing(WIDE) as (figure, axes):
        for text, colour, dash, curve in lines:
            single = len(curve.steps) == 1
            axes.plot(
                curve.steps,
                curve.values,
                color=_COLOURS[colour],
                linestyle=dash,
                marker="o" if single else None,
                linewidth=1.6,
                label=text,
            )
        axes.set_xlabel("step")
        axes.set_ylabel(label)
        if len(lines) > 1:
            _legend(axes)
        return _svg(figure, name, title)


def _finish(axes: Axes, label: str, *, whole: bool) -> None:
    axes.set_xlabel(label)
    axes.set_ylabel("share, %")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=whole))


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        axes.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=2,
            borderaxespad=0.2,
            handlelength=1.8,
            columnspacing=1.2,
        )


@contextmanager
def _drawing(size: tuple[float, float]) -> Iterator[tuple[Figure, Axes]]:
    with rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        axes.tick_params(length=3, width=0.6)
        yield figure, axes


def _svg(figure: Figure, name: str, title: str) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata=_NO_METADATA, transparent=True)
    body = out.getvalue()
    body = body[body.index("<svg") :]
    # A size would keep it from fitting its column, and a style inside it holds for the whole page.
    body = re.sub(r"<svg.*?viewBox=\"(.*?)\".*?>", r'<svg viewBox="\1">', body, count=1, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body, count=1, flags=re.DOTALL)
    body = body.replace("xlink:href", "href")
    body = _own_ids(body, name)
    for colour, stand_in in _COLOURS.items():
        body = body.replace(stand_in, f"var(--{colour})")
    body = re.sub(r" font-family: [^;\"]*;?", "", body)
    body = re.sub(r"\s*\n\s*", " ", body).strip()
    return body.replace(">", f' role="img"><title>{escape(title)}</title>', 1)


def _own_ids(body: str, name: str) -> str:
    """Keep only the ids that something refers to, and make them the plot's own."""
    used = set(re.findall(r"(?:href=\"#|url\(#)([^\")]+)", body))
    body = re.sub(r" id=\"([^\"]+)\"", lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", body)
    return re.sub(r"(href=\"#|url\(#)", rf"\g<1>{name}-", body)
