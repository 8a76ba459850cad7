"""DecompGen's published expert scores as verdicts (arXiv 2411.13697)."""

from collections.abc import Mapping, Sequence
from typing import Any

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Case, Claim, Outcome, Verdict
from pairsmith_formats.options import DgprefPickleOptions
from pairsmith_formats.pickles import read_pickle

_JOINT = "###"
_SAID: Mapping[int, tuple[Outcome, str]] = {
    1: ("supported", ""),
    -1: ("contradicted", ""),
    0: ("skipped", "the published question was found ungrammatical"),
    -2: ("skipped", "the published detector did not find what it is about"),
}
_NOT_THERE = "nothing was published about it"


class DgprefVerdicts:
    """Gives each claim the score that was published: 1 and -1 are outcomes, 0 and -2 were never counted.

    A count is compared with the number of published boxes. What the published code would have asked otherwise, as a
    relation whose letters, not words, hold a place, has no score and is skipped.
    """

    aspects: tuple[str, ...] | None = ("object", "attribute", "count", "relation", "scale", "spatial", "text")

    def __init__(self, options: DgprefPickleOptions, run: Run) -> None:  # noqa: ARG002 - every factory is given the run
        """Read the pickle."""
        self._path = options.path
        self._images = read_pickle(options.path)
        if not isinstance(self._images, dict):
            msg = f"{str(options.path)!r} holds a {type(self._images).__name__}, not a dict of scores by image"
            raise StageError(msg)

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        """Return a verdict a claim."""
        return [self._case(case) for case in cases]

    def _case(self, case: Case) -> list[Verdict]:
        image = self._images.get(case.sample.id)
        scores = image.get("expert_scores") if isinstance(image, dict) else None
        if image is not None and not isinstance(scores, dict):
            msg = f"{str(self._path)!r}, image {case.sample.id!r} has no dict 'expert_scores'"
            raise StageError(msg)
        return [self._verdict(claim, scores or {}) for claim in case.claims]

    def _verdict(self, claim: Claim, scores: Mapping[str, Any]) -> Verdict:
        outcome, reason, evidence = _found(claim, scores)
        return Verdict(
            judge="dgpref",
            response_id=claim.response_id,
            claim_id=claim.id,
            outcome=outcome,
            reason=reason,
            evidence=evidence,
        )


def _found(claim: Claim, scores: Mapping[str, Any]) -> tuple[Outcome, str, Mapping[str, Any]]:
    data = claim.data
    if claim.aspect in {"object", "count"}:
        return _boxes(claim, scores)
    parts: Sequence[str] = {
        "attribute": (data.get("attribute", ""), data.get("object", "")),
        "scale": (data.get("scale", ""), data.get("object", "")),
        "spatial": (data.get("subject", ""), data.get("direction", ""), data.get("object", "")),
        "relation": (data.get("subject", ""), data.get("relation", ""), data.get("object", "")),
        "text": (data.get("text", ""),),
    }[claim.aspect]
    result = _dict(scores.get(f"{claim.aspect}_result"))
    known = _dict(result.get("scores")) if claim.aspect in {"attribute", "relation", "text"} else result
    score = known.get(_JOINT.join(map(str, parts)))
    outcome, reason = _SAID.get(score, ("skipped", _NOT_THERE)) if isinstance(score, int) else ("skipped", _NOT_THERE)
    return outcome, reason, {}


def _boxes(claim: Claim, scores: Mapping[str, Any]) -> tuple[Outcome, str, Mapping[str, Any]]:
    there = _dict(scores.get("object_result")).get(str(claim.data.get("object", "")))
    boxes = there.get("bboxs") if isinstance(there, dict) else None
    if not isinstance(boxes, list):
        return "skipped", _NOT_THERE, {}
    evidence = {"boxes": boxes}
    if claim.aspect == "object":
        return ("supported" if boxes else "contradicted"), "", evidence
    if not boxes:
        return *_SAID[-2], evidence
    return ("supported" if len(boxes) == claim.data.get("count") else "contradicted"), "", evidence


def _dict(value: Any) -> Mapping[Any, Any]:  # noqa: ANN401 - whatever the pickle holds
    return value if isinstance(value, dict) else {}
