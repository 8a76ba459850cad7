"""What the selectors share: answers worth comparing, and pairs made of two of them."""

from collections.abc import Sequence

from attrs import frozen

from pairsmith.scores import ScoreOptions, scores
from pairsmith.values import Judged, Pair, Response, Sample


@frozen
class Scored:
    """An answer with its score."""

    response: Response
    score: float | None


def candidates(judged: Judged, options: ScoreOptions) -> list[Scored]:
    """Return the answers of a sample in order; of those with the same text and prompt, the first."""
    first: dict[object, Scored] = {}
    for response, score in zip(judged.responses, scores(judged, options), strict=True):
        first.setdefault((response.text, response.prompt), Scored(response, score))
    return list(first.values())


def rated(judged: Judged, options: ScoreOptions) -> list[tuple[Response, float]]:
    """Return the candidates that have a score; one without is never paired."""
    return [(one.response, one.score) for one in candidates(judged, options) if one.score is not None]


def best(answers: Sequence[tuple[Response, float]]) -> tuple[Response, float]:
    """Return the first answer with the highest score."""
    return max(answers, key=lambda answer: answer[1])  # max() and min() return the first of equals


def worst(answers: Sequence[tuple[Response, float]]) -> tuple[Response, float]:
    """Return the first answer with the lowest score."""
    return min(answers, key=lambda answer: answer[1])


def pair(sample: Sample, chosen: Response, rejected: Response, scored: tuple[float, float] | None = None) -> Pair:
    """Return a pair with an id made of its parts'."""
    return Pair(
        id=f"{sample.id}:{chosen.id}:{rejected.id}", sample=sample, chosen=chosen, rejected=rejected, scores=scored
    )
