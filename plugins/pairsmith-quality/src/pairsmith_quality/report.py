"""The component ``quality``: what a run's pairs repeat, what of benchmarks they hold, and what they teach but seeing."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pairsmith.errors import StageError
from pairsmith.interfaces import Run, RunView
from pairsmith.seeds import derive
from pairsmith_quality import blind
from pairsmith_quality.intervals import Estimate, bootstrap
from pairsmith_quality.measures import MEASURES
from pairsmith_quality.options import QualityOptions
from pairsmith_quality.outside import Outside
from pairsmith_quality.page import page
from pairsmith_quality.survey import SIDES, Survey

JSON, MARKDOWN = "quality.json", "quality.md"
_DROPPED = "dropped: "


class QualityReporter:
    """Writes ``quality.json`` and ``quality.md`` into a run directory."""

    def __init__(self, options: QualityOptions, run: Run) -> None:
        """Take note of what is asked for."""
        self._options, self._run = options, run

    def report(self, run: RunView) -> Sequence[Path]:
        """Write both, and return them. The control's pairs are not looked at."""
        survey = Survey(options=self._options, outside=Outside(self._options, self._run)).read(run.items())
        found = findings(survey, self._options, left_out(run))
        text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
        return [_write(run.directory / JSON, text), _write(run.directory / MARKDOWN, page(found))]


def left_out(run: RunView) -> dict[str, int]:
    """Return what was left out of the pairs that ``run.items()`` gives, by reason, as their stage counted it."""
    stages = run.stages()
    counts = stages.get(_pairs_stage(stages), {}).get("counts") or {}
    return {label.removeprefix(_DROPPED): count for label, count in counts.items() if label.startswith(_DROPPED)}


def _pairs_stage(stages: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the last stage of pairs that a run has got to; where the last items are corrupted ones, that of theirs."""
    begun = [name for name, state in stages.items() if state.get("parts") and not name.startswith("control-")]
    for kind in ("corruptions", "pairs"):
        for name in reversed(begun):
            if name.endswith(kind):
                return name.removesuffix(kind) + "pairs"
    return ""


def findings(survey: Survey, options: QualityOptions, gone: Mapping[str, int]) -> dict[str, Any]:
    """Return everything that the report says."""
    shares = {kind: found.row(survey.items) for kind, found in survey.found.items()}
    return {
        "items": survey.items,
        "pairs": survey.pairs,
        "samples": len(survey.samples),
        "images": {"distinct": len(survey.pictures), "near_copies": survey.pictures.copies},
        "left_out": dict(gone),
        "duplicates": {"image_and_text": shares["both"], "text": shares["text"]},
        "contamination": {
            "image": shares["image contamination"],
            "prompt": shares["prompt contamination"],
            "compared_with": survey.outside.sets,
        },
        "bias": _bias(survey, options),
        "blind": _blind(survey, options),
        "confidence": options.confidence,
        "options": {name: getattr(options, name) for name in ("max_distance", "max_colour", "similarity", "min_words")},
    }


def _bias(survey: Survey, options: QualityOptions) -> dict[str, Any]:
    if not survey.items:
        return {}
    columns = {f"{name}|{side}": survey.column(name, side) for name in MEASURES for side in SIDES}
    for name in MEASURES:
        columns[f"{name}|difference"] = columns[f"{name}|chosen"] - columns[f"{name}|rejected"]
    difference = columns["words|difference"]
    columns["longer|chosen"] = np.where(np.isnan(difference), np.nan, 50 + 50 * np.sign(difference))
    found = _estimates(columns, survey, options)
    rows: dict[str, Any] = {}
    for name, one in found.items():
        measure, _, side = name.partition("|")
        rows.setdefault(measure, {})[side] = one.row()
    return rows


def _estimates(columns: Mapping[str, Any], survey: Survey, options: QualityOptions) -> dict[str, Estimate]:
    seed = derive("quality", options.seed)
    groups = np.frombuffer(survey.groups, dtype=np.int64)
    return bootstrap(columns, groups, resamples=options.resamples, confidence=options.confidence, seed=seed)


def _blind(survey: Survey, options: QualityOptions) -> dict[str, Any]:
    groups = np.frombuffer(survey.groups, dtype=np.int64)
    if survey.pairs != survey.items or not survey.pairs:
        return {"why_not": "demonstrations have no rejected answer to choose against" if survey.items else "no pairs"}
    if not blind.enough(groups, options.folds):
        return {"why_not": f"{np.unique(groups).size} images are too few to be split into {options.folds} parts"}
    seed = derive("quality", "blind", options.seed)
    difference = survey.column("words", "chosen") - survey.column("words", "rejected")
    texts = sorted(survey.texts)
    some = np.array([number for number, _, _ in texts])
    votes = np.full(len(groups), np.nan)
    if blind.enough(groups[some], options.folds):
        chosen, rejected = [text for _, text, _ in texts], [text for _, _, text in texts]
        votes[some] = 100 * blind.text_only(chosen, rejected, groups[some], options.folds, seed)
    columns = {"length_only": 100 * blind.length_only(difference, groups, options.folds), "text_only": votes}
    return {name: one.row() for name, one in _estimates(columns, survey, options).items()} | {"pairs": len(some)}


def _write(path: Path, text: str) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", errors="replace")
        temporary.replace(path)
    except OSError as error:
        msg = f"{str(path)!r} cannot be written ({error.strerror}); make room, or make the run directory writable"
        raise StageError(msg) from error
    return path
