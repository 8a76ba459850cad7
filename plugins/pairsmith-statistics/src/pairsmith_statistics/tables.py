"""Results as Markdown whose tables can be read as they are."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

ARROWS = {"lower": "↓", "higher": "↑", "neither": "·"}
_WHOLE = 1e-9


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are numbers.

    >>> print(table(["metric", "base"], [["chair_i", "12.5"]]))
    | metric  | base |
    |---------|-----:|
    | chair_i | 12.5 |
    """
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(3, *(len(row[n]) for row in cells)) for n in range(len(head))]

    def line(row: Sequence[str]) -> str:
        padded = [c.rjust(w) if n else c.ljust(w) for n, (c, w) in enumerate(zip(row, widths, strict=True))]
        return f"| {' | '.join(padded)} |"

    lines = [line(row) for row in cells]
    rule = "|" + "|".join("-" * (w + 2) if n == 0 else "-" * (w + 1) + ":" for n, w in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def number(value: float | None) -> str:
    """Return a number with as many decimals as its size deserves.

    >>> number(12.345), number(3.0), number(0.01234), number(None)
    ('12.3', '3', '0.0123', '')
    """
    if value is None or isnan(value):
        return ""
    if abs(value - round(value)) < _WHOLE:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"  # noqa: PLR2004


def bounded(value: float | None, one: Mapping[str, Any], *, sign: bool = False) -> str:
    """Return a number and its interval.

    >>> bounded(-3.25, {"low": -4.0, "high": -2.5}, sign=True)
    '-3.25 [-4, -2.50]'
    """
    if value is None or isnan(value):
        return ""
    text = _signed(value) if sign else number(value)
    low, high = one.get("low"), one.get("high")
    if low is None or high is None or isnan(low) or isnan(high):
        return text
    return f"{text} [{_signed(low) if sign else number(low)}, {_signed(high) if sign else number(high)}]"


def _signed(value: float) -> str:
    return ("+" if value > 0 else "-" if value < 0 else "") + number(abs(value))


def p_text(value: float | None) -> str:
    """Return a p-value.

    >>> p_text(0.00012), p_text(0.0431)
    ('0.0001', '0.043')
    """
    if value is None or isnan(value):
        return ""
    return f"{value:.4f}" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"  # noqa: PLR2004


def comparison_page(found: Mapping[str, Any]) -> str:
    """Return the page of a comparison."""
    lines = ["# Evaluation", ""]
    for benchmark in found["benchmarks"]:
        lines += _benchmark(benchmark, found["confidence"])
    if not found["benchmarks"]:
        lines += ["No benchmark has been scored.", ""]
    if any("clusters" in one for one in found["benchmarks"]):
        said = (
            f"In brackets: {100 * found['confidence']:g} % intervals from {found['resamples']:,} paired resamples of images "
            f"(seed {found['seed']}); each number is computed anew by the benchmark's own formula. p: permutation test of "
            f"the difference, two-sided; Holm: the same, corrected for all metrics of the benchmark with an arrow. "
            f"↓ low is better, ↑ high is better, · neither."
        )
        lines += [said, ""]
    return "\n".join(lines)


def _benchmark(one: Mapping[str, Any], confidence: float) -> list[str]:
    models, baseline = list(one["items"]), one["baseline"]
    others = [model for model in models if model != baseline]
    images = f", {one['clusters']:,} images" if "clusters" in one else ""
    rows = []
    for metric in one["metrics"]:
        row = [f"{metric['metric']} {ARROWS[metric['goal']]}"]
        row += [bounded(metric["values"][model]["value"], metric["values"][model]) for model in models]
        for model in others:
            apart = metric["differences"].get(model, {})
            row += [
                bounded(apart.get("difference"), apart, sign=True),
                p_text(apart.get("p")),
                p_text(apart.get("p_holm")),
            ]
        rows.append(row)
    head = ["metric", *models]
    for model in others:
        head += [f"{model} - {baseline}", "p", "Holm"]
    lines = [f"## {one['benchmark']}", "", f"{one['items'][baseline]:,} items{images}. {one['source']}", ""]
    lines += [table(head, rows), ""]
    lines += [line for model in others for line in [verdict(one["metrics"], model, baseline, 1 - confidence), ""]]
    for note in one["notes"]:
        lines += [f"- {note}"]
    return [*lines, ""] if one["notes"] else lines


def verdict(metrics: Sequence[Mapping[str, Any]], model: str, baseline: str, alpha: float) -> str:
    """Return in a sentence which differences cannot be chance, at this level and corrected for their number."""
    found: dict[str, list[str]] = {"better": [], "worse": []}
    asked = 0
    for metric in metrics:
        apart = metric["differences"].get(model, {})
        p = apart.get("p_holm")
        if p is None or isnan(p):
            continue
        asked += 1
        if p <= alpha and apart["difference"]:
            lower = apart["difference"] < 0
            found["better" if lower == (metric["goal"] == "lower") else "worse"].append(metric["metric"])
    if not asked:
        return f"Nothing can be said of {model} against {baseline}: no difference was tested."
    parts = [f"{side} in {', '.join(names)}" for side, names in found.items() if names]
    said = " and ".join(parts) or "not told apart in any metric"
    return (
        f"At the {100 * alpha:.3g} % level, {model} against {baseline} is {said} ({asked} tested, Holm's correction)."
    )
