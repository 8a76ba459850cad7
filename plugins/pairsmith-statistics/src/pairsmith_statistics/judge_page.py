"""The report on judges as Markdown."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pairsmith_statistics.tables import bounded, number, table

_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>#|!"})


def judge_page(found: Mapping[str, Any], directory: Path) -> str:
    """Return the page; images are linked to from ``directory``."""
    judges = found["judges"]
    lines = ["# Judges", "", *_overview(judges), *_truth(judges, found["truth"]), *_preferences(judges)]
    lines += [*_calibration(judges), *_again(judges), *_cost(judges), *_between(found["between"], directory)]
    lines.append(
        f"In brackets: {100 * found['confidence']:g} % intervals, from {found['resamples']:,} resamples of images, or "
        f"Wilson's where all or none are so or there are fewer than ten images. Rates are in percent; ties and skipped "
        f"verdicts are counted and in no rate."
    )
    return "\n".join([*lines, ""])


def _overview(judges: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for one in judges:
        outcomes = one["outcomes"]
        counts = [str(outcomes.get(name, 0)) for name in ("supported", "contradicted", "skipped")]
        tied = one["ties"]
        share = number(100 * tied["ties"] / tied["pairs"]) if tied["pairs"] else ""
        rows.append([one["judge"], str(one["verdicts"]), *counts, number(one["abstention"]), str(tied["pairs"]), share])
    head = ["judge", "verdicts", "supported", "contradicted", "skipped", "abstains, %", "pairs", "ties, %"]
    lines = [table(head, rows), ""]
    for one in judges:
        reasons = ", ".join(f"{count} {escaped(reason)}" for reason, count in one["reasons"].items())
        lines += [f"- {one['judge']} skipped: {reasons}."] if reasons else []
        lines += [f"- **{one['judge']}: {warning}**" for warning in one["warnings"]]
    return [*lines, ""]


def _truth(judges: Sequence[Mapping[str, Any]], truth: str) -> list[str]:
    if not truth:
        return ["No labels were given: nothing is said of errors. `--labels FILE` or `--truth JUDGE` tells.", ""]
    rows, aspects = [], []
    for one in judges:
        against = one["truth"]
        errors = [_rate(against[name]) for name in ("error", "false_called_true", "true_called_false")]
        agreement = [number(against["kappa"]), str(against["ratings"]), number(against["tau_b"])]
        rows.append([one["judge"], str(against["units"]), *errors, *agreement])
        aspects += [[one["judge"], name, str(rate["n"]), _rate(rate)] for name, rate in against["aspects"].items()]
    head = [
        "judge",
        "verdicts",
        "errors, %",
        "false called true, %",
        "true called false, %",
        "kappa",
        "ratings",
        "tau-b",
    ]
    lines = [f"## Against {truth}", "", table(head, rows), ""]
    return [*lines, table(["judge", "aspect", "verdicts", "errors, %"], aspects), ""] if aspects else lines


def _preferences(judges: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for one in judges:
        given, length, position = one["labelled"], one["length"], one["position"]
        rates = [_rate(given["accuracy"]), _rate(given["equally_long"]), _rate(length["longer_wins"])]
        rates += [number(length["tau_b"]), _rate(position["turned"]), _rate(position["first_wins"])]
        if any(rates):
            rows.append([one["judge"], *rates])
    if not rows:
        return []
    head = ["judge", "chosen wins, %", "at equal length, %", "longer wins, %", "score and length, tau-b"]
    return ["## What is preferred", "", table([*head, "turned by order, %", "first wins, %"], rows), ""]


def _calibration(judges: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for one in judges:
        found = one.get("truth", {}).get("calibration", {"bins": []})
        rows = [
            [f"from {row['from']:g}", str(row["n"]), number(row["stated"]), number(row["true"])]
            for row in found["bins"]
        ]
        if rows:
            head = ["score", "verdicts", "stated, %", "true, %"]
            lines += [f"## Calibration of {one['judge']}", "", table(head, rows), ""]
            lines += [f"Expected calibration error: {number(found['ece'])} %.", ""]
    return lines


def _again(judges: Sequence[Mapping[str, Any]]) -> list[str]:
    asked = [one for one in judges if one["consistency"]["repeats"]]
    if not asked:
        return []
    rows = [
        [one["judge"], str(again["repeats"]), _rate(again["same"]), number(again["tau_b"])]
        for one, again in ((one, one["consistency"]) for one in asked)
    ]
    return ["## Asked again", "", table(["judge", "times", "says the same, %", "scores, tau-b"], rows), ""]


def _cost(judges: Sequence[Mapping[str, Any]]) -> list[str]:
    asked = [(one["judge"], one["cost"]) for one in judges if one["cost"]]
    facts = dict.fromkeys(name for _, cost in asked for name in cost)
    rows = [[judge, *(_fact(cost.get(name)) for name in facts)] for judge, cost in asked]
    return ["## Cost", "", table(["judge", *(name.replace("_", " ") for name in facts)], rows), ""] if rows else []


def _between(found: Sequence[Mapping[str, Any]], directory: Path) -> list[str]:
    rows = [
        [
            " and ".join(one["judges"]),
            str(one["units"]),
            number(one["agree"]),
            number(one["kappa"]),
            str(one["scored"]),
            number(one["tau_b"]),
        ]
        for one in found
    ]
    if not rows:
        return []
    head = ["judges", "verdicts", "agree, %", "kappa", "scores", "tau-b"]
    lines = ["## Between judges", "", table(head, rows), ""]
    for one in found:
        if one["examples"]:
            first, second = one["judges"]
            shown, every = len(one["examples"]), one["disagreements"]
            lines += [f"### Where {first} and {second} disagree ({shown} of {every})", ""]
            for example in one["examples"]:
                lines += [*_example(example, directory), ""]
    return lines


def _example(example: Mapping[str, Any], directory: Path) -> list[str]:
    pictures = [
        f"![{escaped(example['sample'])}]({quote(os.path.relpath(path, directory))})" for path in example["images"]
    ]
    aspect = f" ({escaped(example['aspect'])})" if example["aspect"] else ""
    lines = [*pictures, "", f"**{escaped(example['text'])}**{aspect}, {escaped(example['sample'])}", ""]
    for judge, outcome in example["said"].items():
        reason = example["reasons"][judge]
        lines.append(f"- {judge}: {outcome}{f', {escaped(reason)}' if reason else ''}")
    return lines


def escaped(text: str) -> str:
    r"""Return a text as Markdown shows it, in one line.

    >>> print(escaped("a *red*\ncube"))
    a \*red\* cube
    """
    return " ".join(text.split()).translate(_MARKS)


def _rate(rate: Mapping[str, Any]) -> str:
    return bounded(rate["rate"], rate) if rate["n"] else ""


def _fact(value: object) -> str:
    return number(float(value)) if isinstance(value, int | float) else "" if value is None else str(value)
