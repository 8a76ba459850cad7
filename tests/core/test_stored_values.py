"""Samples, claims and verdicts from files, joined by id."""

import json
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from pairsmith.builtin.stored_claims import StoredClaims
from pairsmith.builtin.stored_options import StoredClaimsOptions, StoredSamplesOptions, StoredVerdictsOptions
from pairsmith.builtin.stored_samples import StoredSamples
from pairsmith.builtin.stored_verdicts import StoredVerdicts
from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Case, Claim, Response, Sample, Turn, Verdict, user

SAMPLE = Sample(id="s", prompt=user("What?"))
ANSWERS = tuple(Response(id=f"s/{n}", sample_id="s", text="A cat.") for n in range(2))


def run(folder: Path) -> Run:
    return Run(directory=folder, images=Mock())


def write(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def samples(folder: Path, *rows: Any) -> list[Sample]:
    return list(StoredSamples(StoredSamplesOptions(path=write(folder, *rows)), run(folder)).samples())


def claims(folder: Path, *rows: Any, **options: Any) -> list[Claim]:
    decomposer = StoredClaims(StoredClaimsOptions(path=write(folder, *rows), **options), run(folder))
    return decomposer.decompose(SAMPLE, ANSWERS)


def verdicts(folder: Path, *rows: Any, **options: Any) -> list[Verdict]:
    case = Case(
        sample=SAMPLE,
        responses=ANSWERS,
        claims=tuple(Claim(id=f"s/{n}#0", response_id=f"s/{n}", aspect="object", text="a cat") for n in range(2)),
    )
    judge = StoredVerdicts(StoredVerdictsOptions(path=write(folder, *rows), **options), run(folder))
    return judge.judge([case])[0]


def test_a_sample_may_be_brief_or_whole(tmp_path: Path) -> None:
    brief = {"id": 3, "images": ["a.jpg"], "prompt": "What?", "given": ["One.", {"text": "Two.", "label": "chosen"}]}
    turns = [{"role": "system", "text": "Be brief."}, {"role": "user", "text": "What?"}]
    whole = {"id": "w", "prompt": turns, "context": "c", "truth": {"n": 1}, "extra": {"m": [2]}}
    first, second = samples(tmp_path, brief, whole)
    assert (first.id, first.prompt, [image.path for image in first.images]) == (
        "3",
        user("What?"),
        [tmp_path / "a.jpg"],
    )
    assert [(one.id, one.sample_id, one.text, one.label) for one in first.given] == [
        ("3/given0", "3", "One.", ""),
        ("3/chosen1", "3", "Two.", "chosen"),
    ]
    assert second == Sample(
        id="w",
        prompt=(Turn(role="system", text="Be brief."), Turn(role="user", text="What?")),
        context="c",
        truth={"n": 1},
        extra={"m": [2]},
    )


@pytest.mark.parametrize(("row", "said"), [
    ({"prompt": "What?"}, ".id: is required, and missing"),
    ({"id": "a"}, ".prompt: is required, and missing"),
    ({"id": "a", "prompt": 3}, ".prompt: expected an array, got 3"),
    ({"id": "a", "prompt": "?", "text": "x"}, ".text: unknown option; did you mean 'context'?"),
    ({"id": "a", "prompt": "?", "images": ["../a.jpg"]}, "leaves the folder"),
    ({"id": "a", "prompt": "?", "images": ["/etc/passwd"]}, "leaves the folder"),
    ({"id": "a", "prompt": "?", "given": [3]}, "given[0]: expected a table, got 3"),
    ({"id": "a", "prompt": "?", "given": [{"text": "x", "sample_id": "b"}]}, "names another sample than 'a'"),
])  # fmt: skip
def test_a_bad_sample_is_named(tmp_path: Path, row: Any, said: str) -> None:
    with pytest.raises(StageError) as error:
        samples(tmp_path, {"id": "good", "prompt": "?"}, row)
    assert "rows.jsonl', row 2 (line 2)" in str(error.value)
    assert said in str(error.value)


def test_claims_find_their_response(tmp_path: Path) -> None:
    rows = [
        {"response_id": "s/1", "id": "cat", "aspect": "object", "text": "a cat"},
        {"response_id": "s/0", "claims": []},
        {"response_id": "s/1", "aspect": "attribute", "text": "black", "depends_on": ["cat"], "data": {"a": 1}},
    ]
    assert claims(tmp_path, *rows) == [
        Claim(id="cat", response_id="s/1", aspect="object", text="a cat"),
        Claim(id="s/1#1", response_id="s/1", aspect="attribute", text="black", depends_on=("cat",), data={"a": 1}),
    ]


@pytest.mark.parametrize(("rows", "said"), [
    ([{"aspect": "object", "text": "a"}], "has no text or number as 'response_id': None"),
    ([{"response_id": "s/0", "text": "a"}], ".aspect: is required, and missing"),
    ([{"response_id": "s/0", "claims": ["a cat"]}], "a claim must be an object with 'aspect' and 'text': 'a cat'"),
    ([{"response_id": "s/0", "claims": []}], "has no row on response 's/1' of sample 's'; it holds 1 ids, such as 's/0'"),
    ([{"response_id": "s/0", "aspect": "o", "text": "a", "depends_on": ["x"]}], "depends on 'x', which is no claim"),
    ([{"response_id": "s/0", "id": "x", "aspect": "o", "text": "a"}] * 2, "'x' has an id twice"),
])  # fmt: skip
def test_claims_that_do_not_fit_are_named(tmp_path: Path, rows: list[Any], said: str) -> None:
    with pytest.raises(StageError) as error:
        claims(tmp_path, *rows)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_responses_without_claims_can_be_allowed(tmp_path: Path) -> None:
    row = {"response_id": "s/1", "aspect": "object", "text": "a cat"}
    assert [claim.response_id for claim in claims(tmp_path, row, allow_unmatched=True)] == ["s/1"]


def test_verdicts_find_their_claim(tmp_path: Path) -> None:
    rows = [
        {"claim_id": "s/1#0", "outcome": "contradicted", "judge": "owl-vit", "evidence": {"boxes": []}},
        {"claim_id": "s/0#0", "outcome": "skipped", "reason": "too small", "score": None},
    ]
    assert verdicts(tmp_path, *rows) == [
        Verdict(judge="rows", response_id="s/0", claim_id="s/0#0", outcome="skipped", reason="too small"),
        Verdict(judge="owl-vit", response_id="s/1", claim_id="s/1#0", outcome="contradicted", evidence={"boxes": []}),
    ]


def test_verdicts_find_their_response(tmp_path: Path) -> None:
    rows = [{"response_id": f"s/{n}", "score": n + 0.5} for n in range(2)]
    assert [one.score for one in verdicts(tmp_path, *rows, about="responses")] == [0.5, 1.5]


@pytest.mark.parametrize(("rows", "said"), [
    ([{"claim_id": "s/0#0"}], "a verdict needs an outcome or a score"),
    ([{"claim_id": "s/0#0", "outcome": "true"}], "expected one of 'supported', 'contradicted', 'skipped', got 'true'"),
    ([{"claim_id": "s/0#0", "score": 1}], "has no verdict on claim_id 's/1#0'; it holds 1 ids, such as 's/0#0'"),
    ([{"claim_id": "s/0#0", "score": 1}] * 2, "is a second verdict on claim_id 's/0#0'"),
    ([{"response_id": "s/0", "score": 1}], "has no text or number as 'claim_id': None"),
])  # fmt: skip
def test_verdicts_that_do_not_fit_are_named(tmp_path: Path, rows: list[Any], said: str) -> None:
    with pytest.raises(StageError) as error:
        verdicts(tmp_path, *rows)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_claims_without_a_verdict_can_be_skipped(tmp_path: Path) -> None:
    found = verdicts(tmp_path, {"claim_id": "s/0#0", "outcome": "supported"}, allow_unmatched=True)
    assert [(one.outcome, one.reason) for one in found] == [
        ("supported", ""),
        ("skipped", "rows.jsonl has no verdict on it"),
    ]
