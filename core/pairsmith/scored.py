"""The scores of a model on a benchmark, kept beside its answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from pairsmith.errors import StageError
from pairsmith.interfaces import Benchmark, Scores
from pairsmith.store import Stage, write_atomically, write_json
from pairsmith.values import Response, Sample

FORM = 2
"""Scores that were kept in another form are computed again. 2: with the sums of each item."""


def write_scores(
    stage: Stage,
    benchmark: Benchmark,
    name: str,
    model: str,
    samples: list[Sample],
    responses: list[Response],
    scored_by: str = "",
    table: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Score a model's answers; per-item results are kept, so that they can be looked at one by one.

    ``scored_by`` is kept with the scores: where it differs, the same answers are scored again. ``table`` is the
    benchmark's, as a recipe writes it, for whoever builds it again.
    """
    scores: Scores = benchmark.score(samples, responses)
    texts = [response.text for response in responses]
    return keep_scores(stage, scores, samples, texts, benchmark.source, name, model, scored_by, table)


def keep_scores(
    stage: Stage,
    scores: Scores,
    samples: Sequence[Sample],
    texts: Sequence[str | None],
    source: str,
    name: str,
    model: str,
    scored_by: str,
    table: Mapping[str, Any] | None,
) -> Mapping[str, Any]:
    """Write scores and what they are made of beside a stage's parts; an item without an answer has no text."""
    note = {
        "benchmark": name,
        "model": model,
        "metrics": dict(scores.metrics),
        "lower_is_better": list(scores.lower_is_better),
        "neutral": list(scores.neutral),
        "source": source,
        "items": len(samples),
        "scored_by": scored_by,
        "table": table,
    }
    none: list[Mapping[str, Any]] = [{}] * len(samples)

    def lines() -> Iterator[bytes]:
        for sample, text, item, sums in zip(samples, texts, scores.items or none, scores.sums or none, strict=True):
            images = [image.id or image.path.name for image in sample.images]
            row = {"id": sample.id, "response": text, "images": images, **item, "sums": dict(sums)}
            yield json.dumps(row, ensure_ascii=False).encode() + b"\n"

    write_atomically(stage.directory / "items.jsonl", lines())
    write_json(stage.directory / "scores.json", note)
    return note


def scoring_key(made_from: Mapping[str, Any]) -> str:
    """Return a hash of a benchmark's name, revision, options and files, and of the form in which scores are kept."""
    return sha256(json.dumps({**made_from, "form": FORM}, sort_keys=True).encode()).hexdigest()


def read_scores(stage: Stage) -> Mapping[str, Any] | None:
    """Return the scores of a stage of answers, or ``None`` where there are none."""
    return stage.note("scores.json")


def read_items(stage: Stage) -> Iterator[Mapping[str, Any]]:
    """Yield what is kept of each item; nothing where nothing was scored."""
    path = stage.directory / "items.jsonl"
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                row: Mapping[str, Any] = json.loads(line)
            except ValueError:
                msg = f"{str(path)!r} is damaged; delete {str(stage.directory / 'scores.json')!r} and evaluate again"
                raise StageError(msg) from None
            yield row
