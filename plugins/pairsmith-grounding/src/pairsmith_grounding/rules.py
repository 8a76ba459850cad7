"""From where things are to a verdict on a claim: what detectors and annotations have in common. Pure functions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from pairsmith.values import Claim, Outcome, Verdict
from pairsmith_grounding.geometry import DIRECTIONS, SCALES, WHOLE, Box, Near, fits_scale, stand

_SHOWN = 20
"""Boxes of a thing that are kept as evidence."""


@frozen(kw_only=True)
class Found:
    """Where a thing is. ``unknown`` says why nobody can tell, and is empty where somebody can."""

    boxes: Sequence[Box] = ()
    scores: Sequence[float] = ()
    unknown: str = ""
    number: int | None = None

    @property
    def there(self) -> bool:
        """Tell whether there is one."""
        return bool(self.boxes) or bool(self.number)

    def evidence(self) -> dict[str, Any]:
        """Return the boxes as JSON."""
        shown = [list(box) for box in self.boxes[:_SHOWN]]
        return {"boxes": shown, "scores": list(self.scores[:_SHOWN])} if self.scores else {"boxes": shown}


Find = Callable[[str], Found]
"""Looks for a thing by its name."""


@frozen(kw_only=True)
class Rules:
    """Who judges, and what near means."""

    judge: str
    near: Near = "and"
    distance: float = 0.1
    more: Mapping[str, Any] = field(factory=dict)

    def verdict(self, claim: Claim, outcome: Outcome, evidence: Mapping[str, Any], reason: str = "") -> Verdict:
        """Return a verdict on a claim."""
        return Verdict(
            judge=self.judge,
            response_id=claim.response_id,
            claim_id=claim.id,
            outcome=outcome,
            reason=reason,
            evidence={**evidence, **self.more},
        )


def things(claim: Claim) -> tuple[str, ...]:
    """Return the names that a claim's verdict depends on; the image itself is none.

    Raises :class:`KeyError` where the claim's data lack one.
    """
    if claim.aspect in {"spatial", "relation"}:
        other = () if claim.data.get("whole") else (str(claim.data["object"]),)
        return (str(claim.data["subject"]), *other)
    return (str(claim.data["object"]),)


def lacks(claim: Claim) -> str | None:
    """Return what a claim's data lack for its aspect, or ``None``."""
    wanted = ["subject", "object"] if claim.aspect in {"spatial", "relation"} else ["object"]
    wanted += {"spatial": ["direction"], "scale": ["scale"], "count": ["count"]}.get(claim.aspect, [])
    missing = next((name for name in wanted if name not in claim.data), None)
    if missing:
        return f"the claim has no {missing!r} in its data; a decomposer such as llm-fewshot gives it"
    if claim.aspect == "scale" and claim.data["scale"] not in SCALES:
        return f"scale {claim.data['scale']!r} is none of {', '.join(SCALES)}"
    if claim.aspect == "spatial" and claim.data["direction"] not in DIRECTIONS:
        return f"direction {claim.data['direction']!r} is none of {', '.join(DIRECTIONS)}"
    return None


def judge(claim: Claim, find: Find, rules: Rules) -> Verdict:
    """Return the verdict on a claim of aspect object, count, scale or spatial.

    An absent thing contradicts the claim that it is there. What is said of an absent thing is skipped.
    """
    reason = lacks(claim)
    if reason:
        return rules.verdict(claim, "skipped", {}, reason)
    found = {name: find(name) for name in things(claim)}
    evidence = {"found": {name: one.evidence() for name, one in found.items()}}
    unknown = next((one.unknown for one in found.values() if one.unknown), "")
    if unknown:
        return rules.verdict(claim, "skipped", evidence, unknown)
    if claim.aspect == "object":
        holds = all(one.there for one in found.values())
        return rules.verdict(claim, "supported" if holds else "contradicted", evidence)
    absent = next((name for name, one in found.items() if not one.there), None)
    if absent is not None:
        return rules.verdict(claim, "skipped", evidence, f"no {absent!r} was found")
    if claim.aspect == "count":
        return _count(claim, found, evidence, rules)
    if any(not one.boxes for one in found.values()):
        return rules.verdict(claim, "skipped", evidence, "it is there, but nobody says where")
    holds = _holds(claim, found, rules)
    return rules.verdict(claim, "supported" if holds else "contradicted", evidence)


def _count(claim: Claim, found: Mapping[str, Found], evidence: dict[str, Any], rules: Rules) -> Verdict:
    one = found[str(claim.data["object"])]
    number = len(one.boxes) if one.number is None else one.number
    holds = number == claim.data["count"]
    return rules.verdict(claim, "supported" if holds else "contradicted", {**evidence, "number": number})


def _holds(claim: Claim, found: Mapping[str, Found], rules: Rules) -> bool:
    if claim.aspect == "scale":
        return fits_scale(found[str(claim.data["object"])].boxes, claim.data["scale"])
    subjects = found[str(claim.data["subject"])].boxes
    objects = (WHOLE,) if claim.data.get("whole") else found[str(claim.data["object"])].boxes
    return stand(subjects, claim.data["direction"], objects, near=rules.near, distance=rules.distance)
