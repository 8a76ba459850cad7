"""The scores of a model on a benchmark, kept beside its answers."""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from pairsmith.interfaces import Benchmark, Scores
from pairsmith.store import Stage, write_atomically, write_json
from pairsmith.values import Response, Sample


def write_scores(
    stage: Stage,
    benchmark: Benchmark,
    name: str,
    model: str,
    samples: list[Sample],
    responses: list[Response],
    scored_by: str = "",
) -> Mapping[str, Any]:
    """Score a model's answers; per-item results are kept, so that they can be looked at one by one.

    ``scored_by`` is kept with the scores: where it differs, the same answers are scored again.
    """
    scores: Scores = benchmark.score(samples, responses)
    note = {
        "benchmark": name,
        "model": model,
        "metrics": dict(scores.metrics),
        "lower_is_better": list(scores.lower_is_better),
        "neutral": list(scores.neutral),
        "source": benchmark.source,
        "items": len(samples),
        "scored_by": scored_by,
    }

    def lines() -> Iterator[bytes]:
        for sample, response, item in zip(samples, responses, scores.items or [{}] * len(samples), strict=True):
            row = {"id": sample.id, "response": response.text, **item}
            yield json.dumps(row, ensure_ascii=False).encode() + b"\n"

    write_atomically(stage.directory / "items.jsonl", lines())
    write_json(stage.directory / "scores.json", note)
    return note


def scoring_key(made_from: Mapping[str, Any]) -> str:
    """Return a hash of a benchmark's name, revision, options and files."""
    return sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()


def read_scores(stage: Stage) -> Mapping[str, Any] | None:
    """Return the scores of a stage of answers, or ``None`` where there are none."""
    return stage.note("scores.json")
