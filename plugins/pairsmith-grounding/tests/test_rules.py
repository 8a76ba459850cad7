"""Verdicts from boxes, by table."""

import pytest

from pairsmith.values import Claim
from pairsmith_grounding.rules import Found, Rules, judge

BOXES = {
    "dog": [(0.0, 0.5, 0.2, 0.7), (0.8, 0.5, 1.0, 0.7)],
    "table": [(0.3, 0.3, 0.8, 0.9)],
    "lamp": [(0.45, 0.0, 0.55, 0.2)],
    "cat": [],
}


def find(name: str) -> Found:
    return Found(unknown="nobody knows") if name == "unicorn" else Found(boxes=BOXES[name])


def claim(aspect: str, **data) -> Claim:
    return Claim(id="c", response_id="r", aspect=aspect, text="?", data=data)


@pytest.mark.parametrize(
    ("aspect", "data", "outcome", "reason"),
    [
        ("object", {"object": "dog"}, "supported", ""),
        ("object", {"object": "cat"}, "contradicted", ""),
        ("object", {"object": "unicorn"}, "skipped", "nobody knows"),
        ("count", {"object": "dog", "count": 2}, "supported", ""),
        ("count", {"object": "dog", "count": 3}, "contradicted", ""),
        ("count", {"object": "cat", "count": 2}, "skipped", "no 'cat' was found"),
        ("scale", {"object": "table", "scale": "large"}, "supported", ""),
        ("scale", {"object": "dog", "scale": "large"}, "contradicted", ""),
        ("scale", {"object": "cat", "scale": "large"}, "skipped", "no 'cat' was found"),
        (
            "scale",
            {"object": "dog", "scale": "wide"},
            "skipped",
            "scale 'wide' is none of large, small, long, short, tall",
        ),
        ("spatial", {"subject": "lamp", "object": "table", "direction": "top"}, "supported", ""),
        ("spatial", {"subject": "lamp", "object": "table", "direction": "bottom"}, "contradicted", ""),
        ("spatial", {"subject": "table", "object": "lamp", "direction": "bottom"}, "supported", ""),
        ("spatial", {"subject": "dog", "object": "table", "direction": "left"}, "supported", ""),
        ("spatial", {"subject": "dog", "object": "table", "direction": "right"}, "supported", ""),
        ("spatial", {"subject": "lamp", "object": "table", "direction": "near"}, "contradicted", ""),
        ("spatial", {"subject": "dog", "object": "dog", "direction": "left"}, "supported", ""),
        ("spatial", {"subject": "lamp", "object": "image", "whole": "image", "direction": "top"}, "supported", ""),
        ("spatial", {"subject": "lamp", "object": "image", "whole": "image", "direction": "left"}, "contradicted", ""),
        ("spatial", {"subject": "cat", "object": "table", "direction": "left"}, "skipped", "no 'cat' was found"),
        ("spatial", {"subject": "table", "object": "cat", "direction": "left"}, "skipped", "no 'cat' was found"),
        ("spatial", {"subject": "table", "object": "lamp", "direction": "in"}, "skipped", "direction 'in' is none of"),
        ("object", {}, "skipped", "the claim has no 'object' in its data"),
        ("count", {"object": "dog"}, "skipped", "the claim has no 'count' in its data"),
        ("spatial", {"subject": "dog", "object": "cat"}, "skipped", "the claim has no 'direction' in its data"),
    ],
)
def test_verdicts(aspect: str, data, outcome: str, reason: str) -> None:
    verdict = judge(claim(aspect, **data), find, Rules(judge="j"))
    assert (verdict.outcome, verdict.judge, verdict.claim_id, verdict.response_id) == (outcome, "j", "c", "r")
    assert verdict.reason.startswith(reason)
    assert bool(verdict.reason) == (outcome == "skipped")


def test_what_was_found_is_kept() -> None:
    verdict = judge(claim("count", object="dog", count=2), find, Rules(judge="j", more={"threshold": 0.25}))
    boxes = [[0.0, 0.5, 0.2, 0.7], [0.8, 0.5, 1.0, 0.7]]
    assert verdict.evidence == {"found": {"dog": {"boxes": boxes}}, "number": 2, "threshold": 0.25}


def test_near_can_be_one_way_only() -> None:
    about = claim("spatial", subject="lamp", object="table", direction="near")
    assert judge(about, find, Rules(judge="j", near="or")).outcome == "supported"
