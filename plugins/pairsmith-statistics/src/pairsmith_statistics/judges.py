"""The component ``judges``: what can be known of judges from their verdicts, and from what they said when asked again."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import nan
from pathlib import Path
from typing import Any

from attrs import frozen

from pairsmith.errors import UsageError
from pairsmith.interfaces import Run, RunView
from pairsmith_statistics.agreement import kappa, rate_interval, reliability, tau_b
from pairsmith_statistics.bootstrap import plain
from pairsmith_statistics.judge_page import judge_page
from pairsmith_statistics.options import JudgesOptions
from pairsmith_statistics.preferences import consistency, labelled, length_bias, position_bias, ties
from pairsmith_statistics.stances import LABELS, SWAPPED, Stances, gathered, labels

NAME = "judges"
_REASONS = 5
_REPEATS = 1000


@frozen
class JudgesReporter:
    """Writes ``judges.md`` and ``judges.json`` into a run directory."""

    options: JudgesOptions
    run: Run

    def report(self, run: RunView) -> Sequence[Path]:
        """Write the files, and return them.

        Raises :class:`UsageError` where there is no verdict, or no such judge as is to be taken for true.
        """
        found = gathered(run)
        judges = list(found.by_judge)
        if not any(found.by_judge.values()):
            msg = f"{str(run.directory)!r} has no verdicts yet; 'pairsmith run' goes on to them"
            raise UsageError(msg)
        truth = self._truth(found, judges)
        again = _asked_again(run)
        stages = run.stages()
        page = {
            "truth": truth,
            "confidence": self.options.confidence,
            "resamples": self.options.resamples,
            "judges": [
                {"judge": name, **self._judge(found, name, truth, again), "cost": _cost(stages, found, name)}
                for name in judges
                if name != truth
            ],
            "between": [self._between(found, *two) for two in combinations([one for one in judges if one != truth], 2)],
        }
        path = run.directory / NAME
        written = [path.with_suffix(".md"), path.with_suffix(".json")]
        written[0].write_text(judge_page(page, run.directory), encoding="utf-8")
        text = json.dumps(plain(page), indent=1, ensure_ascii=False, default=str)
        written[1].write_text(text + "\n", encoding="utf-8")
        return written

    def _truth(self, found: Stances, judges: Sequence[str]) -> str:
        options = self.options
        if options.labels is not None:
            if options.truth:
                msg = "judges: 'labels' and 'truth' are both given; one of them is what judges are measured by"
                raise UsageError(msg)
            if not options.labels.is_file():
                msg = f"labels {str(options.labels)!r} is not a file; give rows of a 'claim' or 'response' and its 'label'"
                raise UsageError(msg)
            found.by_judge[LABELS] = labels(options.labels, found)
            return LABELS
        if options.truth and options.truth not in judges:
            msg = f"truth = {options.truth!r} is no judge here; there are {', '.join(map(repr, judges))}"
            raise UsageError(msg)
        return options.truth

    def _judge(self, found: Stances, name: str, truth: str, again: Mapping[str, Stances]) -> dict[str, Any]:
        verdicts = found.by_judge[name]
        outcomes: Counter[str] = Counter(verdict.outcome or "scored" for verdict in verdicts.values())
        reasons = Counter(
            verdict.reason.partition(":")[0] for verdict in verdicts.values() if verdict.outcome == "skipped"
        )
        rated, draw = found.rated(name), (self.options.confidence, self.options.resamples, self.options.seed)
        page: dict[str, Any] = {
            "verdicts": len(verdicts),
            "outcomes": dict(outcomes),
            "abstention": 100 * outcomes["skipped"] / len(verdicts) if verdicts else nan,
            "reasons": dict(reasons.most_common(_REASONS)),
            "ties": ties(rated),
            "labelled": labelled(rated, *draw),
            "length": length_bias(rated, *draw),
            "position": position_bias(rated, _rated(again.get(SWAPPED), name), *draw),
            "consistency": consistency(found, [one for of, one in again.items() if of != SWAPPED], name, *draw),
        }
        if truth:
            page["truth"] = self._against(found, name, truth)
        return {**page, "warnings": _warnings(page, outcomes)}

    def _against(self, found: Stances, name: str, truth: str) -> dict[str, Any]:
        """Compare a judge with what is taken for true: outcomes with outcomes, scores of answers with ratings."""
        draw = (self.options.confidence, self.options.resamples, self.options.seed)
        own, true = found.outcomes(name), found.outcomes(truth)
        both = [unit for unit in own if unit in true]
        wrong = {unit: own[unit] != true[unit] for unit in both}

        def errors(units: Sequence[Any]) -> dict[str, Any]:
            return rate_interval([(found.units[unit].cluster, wrong[unit]) for unit in units], *draw)

        aspects = dict.fromkeys(found.units[unit].aspect for unit in both)
        by_aspect = {one: errors([unit for unit in both if found.units[unit].aspect == one]) for one in aspects if one}
        given = {unit: score for unit, score in found.scores(name).items() if 0 <= score <= 1}
        probable = [unit for unit in given if unit in true] if len(given) == len(found.scores(name)) else []
        scores, ratings = found.scores(name), found.scores(truth)
        compared = [unit for unit in scores if unit in ratings]
        return {
            "units": len(both),
            "error": errors(both),
            "kappa": kappa([own[unit] for unit in both], [true[unit] for unit in both]),
            "false_called_true": errors([unit for unit in both if true[unit] == "contradicted"]),
            "true_called_false": errors([unit for unit in both if true[unit] == "supported"]),
            "aspects": by_aspect,
            "ratings": len(compared),
            "tau_b": tau_b([scores[unit] for unit in compared], [ratings[unit] for unit in compared]),
            "calibration": reliability(
                [given[unit] for unit in probable], [true[unit] == "supported" for unit in probable]
            ),
        }

    def _between(self, found: Stances, first: str, second: str) -> dict[str, Any]:
        one, two = found.outcomes(first), found.outcomes(second)
        both = [unit for unit in one if unit in two]
        scores = found.scores(first), found.scores(second)
        scored = [unit for unit in scores[0] if unit in scores[1]]
        apart = [unit for unit in both if one[unit] != two[unit]]
        every = max(1, len(apart) // max(1, self.options.examples))
        shown = apart[::every][: self.options.examples]
        return {
            "judges": [first, second],
            "units": len(both),
            "agree": 100 * (len(both) - len(apart)) / len(both) if both else nan,
            "kappa": kappa([one[unit] for unit in both], [two[unit] for unit in both]),
            "scored": len(scored),
            "tau_b": tau_b([scores[0][unit] for unit in scored], [scores[1][unit] for unit in scored]),
            "disagreements": len(apart),
            "examples": [_example(found, unit, first, second) for unit in shown],
        }


def _example(found: Stances, unit: Any, first: str, second: str) -> dict[str, Any]:  # noqa: ANN401 - a unit
    about = found.units[unit]
    return {
        "sample": unit[0],
        "response": unit[1],
        "claim": unit[2],
        "aspect": about.aspect,
        "text": about.text or about.answer,
        "images": [str(path) for path in about.images],
        "said": {name: found.by_judge[name][unit].outcome for name in (first, second)},
        "reasons": {name: found.by_judge[name][unit].reason for name in (first, second)},
    }


def _rated(again: Stances | None, name: str) -> list[Any]:
    return [] if again is None else again.rated(name)


def _asked_again(view: RunView) -> dict[str, Stances]:
    """Return what judges said when asked again, as far as they were."""
    found = {}
    for of in (SWAPPED, *(f"repeat-{number + 1}" for number in range(_REPEATS))):
        stances = gathered(view, of)
        if any(stances.by_judge.values()):
            found[of] = stances
        elif of != SWAPPED:
            break
    return found


def _cost(stages: Mapping[str, Mapping[str, Any]], found: Stances, name: str) -> dict[str, Any]:
    """Return what a judge's stages, one a round, say of time and cost: numbers are summed, anything else is the first's."""
    own = [one for stage, one in stages.items() if stage == name or stage.startswith(f"{name}-round-")]
    if not own or not all(one["done"] for one in own):
        return {}
    seconds = sum(float(one["seconds"]) for one in own)
    rate = len(found.by_judge[name]) / seconds if seconds else nan
    facts = {key: value for one in reversed(own) for key, value in one["facts"].items()}
    for key, value in facts.items():
        if isinstance(value, int | float):
            facts[key] = sum(one["facts"].get(key, 0) for one in own)
    return {"seconds": seconds, "verdicts_per_second": rate, **facts}


def _warnings(page: Mapping[str, Any], outcomes: Mapping[str, int]) -> list[str]:
    found = []
    if page["ties"]["pairs"] and page["ties"]["ties"] == page["ties"]["pairs"]:
        found.append(f"It ties on all {page['ties']['pairs']} pairs of answers: no pair can be chosen by it.")
    if page["abstention"] == 100:  # noqa: PLR2004
        found.append("It skipped everything.")
    sides = [name for name in ("supported", "contradicted") if outcomes.get(name)]
    if len(sides) == 1 and sum(outcomes[one] for one in sides) > 1:
        found.append(f"Whatever it judged it calls {sides[0]}: its agreement with anyone says nothing.")
    return found
