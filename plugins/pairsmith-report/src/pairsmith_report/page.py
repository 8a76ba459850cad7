"""The component ``html``: one page that shows a run."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from markupsafe import Markup

from pairsmith.interfaces import Run, RunView
from pairsmith_report import counts, facts
from pairsmith_report.curves import last_values
from pairsmith_report.examples import example
from pairsmith_report.figures import Figure, benchmark_figures, distribution_figures, training_figures
from pairsmith_report.files import write
from pairsmith_report.numbers import day
from pairsmith_report.options import HtmlOptions
from pairsmith_report.scoreboard import BASE, scoreboard
from pairsmith_report.survey import bars, survey

NAME = "report.html"
_ARMS = ("", "control")
_REASONS = 5


@frozen
class HtmlReporter:
    """Writes ``report.html`` into a run directory."""

    options: HtmlOptions
    run: Run

    def report(self, run: RunView) -> Sequence[Path]:
        """Write the page, and return it."""
        context = page(run, self.options.pairs)
        return [write(run.directory / NAME, "report.html.j2", context, autoescape=True)]


def page(view: RunView, wanted: int) -> dict[str, Any]:
    """Return everything the template shows."""
    found = survey(view, wanted)
    metrics = {arm: view.metrics(arm) for arm in _ARMS}
    evaluations, document = view.evaluations(), view.document
    return {
        "name": str(document.get("name") or "run"),
        "summary": str(document.get("summary") or view.recipe.get("summary") or ""),
        "created": day(document.get("created") or ""),
        "seed": document.get("seed"),
        "in_short": facts.in_short(view.recipe),
        "scores": scoreboard(evaluations),
        "base": BASE,
        "control_note": facts.control_note(view.recipe),
        "steps": counts.steps(view),
        "control_steps": counts.steps(view, "control"),
        "drops": counts.drops(view),
        "bars": bars(found.verdicts),
        "skips": {judge: reasons.most_common(_REASONS) for judge, reasons in sorted(found.verdicts.reasons.items())},
        "distributions": [_drawn(figure) for figure in distribution_figures(found.distributions)],
        "curves": [_drawn(one) for one in (*training_figures(metrics), *benchmark_figures(metrics, evaluations))],
        "last_metrics": _last(metrics),
        "total": found.distributions.pairs + found.distributions.demonstrations,
        "pairs": [example(item, found.judged.get(item.value.sample.id)) for item in found.examples],
        "recipe": json.dumps(view.recipe, indent=2, ensure_ascii=False, default=str),
        "versions": dict(document.get("versions") or {}),
        "facts": [*facts.run_facts(document), *facts.stage_facts(view.stages())],
        "stages": facts.stage_rows(view.stages()),
        "seconds": sum(state.get("seconds") or 0 for state in view.stages().values()),
    }


def _drawn(figure: Figure) -> dict[str, str]:
    # The plot is ours and escapes its text itself; it is the only markup that does not come from the template.
    return {"svg": Markup(figure.svg), "caption": figure.caption, "title": figure.title}  # noqa: S704


def _last(metrics: dict[str, Sequence[Any]]) -> list[tuple[str, list[float | None]]]:
    """Return every metric at the end of training: its name, then a value for each arm."""
    by_arm = [last_values(metrics[arm]) for arm in _ARMS]
    names = dict.fromkeys(name for values in by_arm for name in values)
    return [(name, [values.get(name) for values in by_arm]) for name in names]
