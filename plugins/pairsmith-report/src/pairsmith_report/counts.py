"""How many of everything there were at each stage, and what was left out on the way."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from attrs import frozen

from pairsmith.interfaces import RunView
from pairsmith_report.numbers import number

CONTROL = "control-"
DROPPED, FAILED = "dropped: ", "failed"
OUTCOMES = ("supported", "contradicted", "skipped", "scored")
SHOWN_DROPS = 3
_LOOKED_AT = 5000
"""Dropped rows that are read to find examples of each reason; the counts themselves come from the stage."""


@frozen(kw_only=True)
class Step:
    """One stop on the way from samples to a trained model."""

    label: str
    count: int
    note: str = ""


@frozen(kw_only=True)
class Drop:
    """What one filter of one stage left out, with examples of ``(id, detail)``."""

    stage: str
    reason: str
    count: int
    share: float
    examples: tuple[tuple[str, str], ...] = ()


Stages = Mapping[str, Mapping[str, Any]]


def counts_of(state: Mapping[str, Any]) -> Mapping[str, int]:
    """Return what a stage counted."""
    return state.get("counts") or {}


def total(stages: Stages, prefix: str, label: str) -> int | None:
    """Return a count summed over the stages of a kind, or ``None`` where there are none."""
    found = [state for name, state in stages.items() if name == prefix or name.startswith(f"{prefix}-")]
    if not found:
        return None
    return sum(counts_of(state).get(label, 0) for state in found)


def steps(view: RunView, arm: str = "") -> list[Step]:
    """Return the way of an arm, as far as it has come; the control's begins where it parts from the recipe's own."""
    stages = {name: state for name, state in view.stages().items() if state.get("parts") or state.get("done")}
    own = {name: state for name, state in stages.items() if name.startswith(CONTROL) == bool(arm)}
    return [*([] if arm else _data(own)), *_pairs(own), *_trained(view, own, arm)]


def _data(stages: Stages) -> Iterator[Step]:
    samples = counts_of(stages["images"]).get("samples", 0) if "images" in stages else 0
    if "images" in stages:
        bad = sum(n for label, n in counts_of(stages["images"]).items() if label.startswith(DROPPED))
        yield Step(label="samples", count=samples, note=f"{number(bad)} left out" if bad else "")
    candidates = total(stages, "image-scores", "candidates")
    if candidates:
        yield Step(label="candidate images", count=candidates, note=_each(candidates, samples, "sample"))
    responses = total(stages, "responses", "responses")
    if responses is not None:
        yield Step(label="responses", count=responses, note=_each(responses, samples, "sample"))
    claims = total(stages, "claims", "claims")
    if claims is not None:
        yield Step(label="claims", count=claims, note=_each(claims, responses or 0, "response"))
    outcomes = {outcome: total(stages, "verdicts", outcome) for outcome in OUTCOMES}
    if any(count is not None for count in outcomes.values()):
        found = {outcome: count for outcome, count in outcomes.items() if count}
        note = " · ".join(f"{number(count)} {outcome}" for outcome, count in found.items())
        yield Step(label="verdicts", count=sum(found.values()), note=note)


def _pairs(stages: Stages) -> Iterator[Step]:
    for name, state in stages.items():
        if not name.endswith("pairs"):
            continue
        counts = counts_of(state)
        training = name.removeprefix(CONTROL).removesuffix("pairs").rstrip("-")
        selected = counts.get("selected", counts.get("kept", 0))
        kept = counts.get("kept", 0)
        note = f"of {number(selected)} selected" if selected != kept else "all that were selected"
        yield Step(label=f"pairs ({training})" if training else "pairs", count=kept, note=note)


def _trained(view: RunView, stages: Stages, arm: str) -> Iterator[Step]:
    rows = view.metrics(arm)
    if not rows:
        return
    kept = [state for name, state in stages.items() if name.endswith(("pairs", "corruptions"))]
    items = counts_of(kept[-1]) if kept else {}
    count = items.get("corrupted", items.get("kept", 0))
    yield Step(label="trained on", count=count, note=f"{number(rows[-1].get('step'))} steps")


def _each(count: int, of: int, name: str) -> str:
    return f"{number(round(count / of, 1))} per {name}" if of else ""


def drops(view: RunView) -> list[Drop]:
    """Return what each filter left out and what a stage failed on, the most first within a stage."""
    found = []
    for name, state in view.stages().items():
        counts = counts_of(state)
        if failed := counts.get(FAILED):
            share, shown = failed / (state.get("items") or failed), _examples(view, name, {FAILED: failed})[FAILED]
            found.append(Drop(stage=name, reason=FAILED, count=failed, share=share, examples=tuple(shown)))
        reasons = {label.removeprefix(DROPPED): n for label, n in counts.items() if label.startswith(DROPPED) and n}
        if not reasons:
            continue
        seen = counts.get("selected") or counts.get("samples", counts.get("claims", 0)) + sum(reasons.values())
        examples = _examples(view, name, reasons)
        found += [
            Drop(stage=name, reason=reason, count=n, share=n / seen, examples=tuple(examples.get(reason, ())))
            for reason, n in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
        ]
    return found


def _examples(view: RunView, stage: str, reasons: Mapping[str, int]) -> dict[str, list[tuple[str, str]]]:
    examples: dict[str, list[tuple[str, str]]] = {reason: [] for reason in reasons}
    for row in islice(view.dropped(stage), _LOOKED_AT):
        some = examples.setdefault(str(row.get("reason")), [])
        if len(some) < SHOWN_DROPS:
            some.append((str(row.get("id")), str(row.get("detail") or "")))
        if all(len(examples[reason]) >= min(SHOWN_DROPS, count) for reason, count in reasons.items()):
            break
    return examples
