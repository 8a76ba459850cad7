"""The component ``markdown``: the numbers of a run, for a README or a pull request."""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from attrs import frozen

from pairsmith.component import NoOptions
from pairsmith.interfaces import Run, RunView
from pairsmith_report import counts, facts
from pairsmith_report.files import write
from pairsmith_report.numbers import day
from pairsmith_report.scoreboard import BASE, scoreboard

NAME = "report.md"


@frozen
class MarkdownReporter:
    """Writes ``report.md`` into a run directory."""

    options: NoOptions
    run: Run

    def report(self, run: RunView) -> Sequence[Path]:
        """Write the summary, and return it."""
        document = run.document
        context = {
            "name": str(document.get("name") or "run"),
            "summary": str(document.get("summary") or run.recipe.get("summary") or ""),
            "created": day(document.get("created") or ""),
            "scores": scoreboard(run.evaluations()),
            "base": BASE,
            "control_note": facts.control_note(run.recipe),
            "ways": {"": counts.steps(run), "control: ": counts.steps(run, "control")},
            "drops": counts.drops(run),
            "cell": _cell,
        }
        return [write(run.directory / NAME, "report.md.j2", context, autoescape=False)]


def _cell(text: object) -> str:
    """Return text that stays within a cell of a table and is no markup there."""
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", escape(" ".join(str(text).split()), quote=False))
