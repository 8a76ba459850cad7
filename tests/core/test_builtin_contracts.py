"""Every component of the core keeps the contract of its kind."""

import json
from pathlib import Path
from typing import Any

from attrs import evolve

from pairsmith.interfaces import Run
from pairsmith.registry import Registry
from pairsmith.rubric import HELPSTEER
from pairsmith.testing import (
    CorruptionContract,
    DecomposerContract,
    GeneratorContract,
    ImageCheckContract,
    ImageSourceContract,
    JudgeContract,
    PairSelectorContract,
    make_run,
)
from pairsmith.values import Judged, Verdict
from pairsmith.within import builder


class TestBestWorst(PairSelectorContract):
    name = "pairsmith/best-worst"


class TestMargin(PairSelectorContract):
    name = "pairsmith/margin"


class TestRandom(PairSelectorContract):
    name = "pairsmith/random"


class TestPublished(PairSelectorContract):
    name = "pairsmith/published"


class TestDemonstrations(PairSelectorContract):
    name = "pairsmith/demonstrations"


class TestBest(PairSelectorContract):
    name = "pairsmith/demonstrations"
    options = {"best": True}


class TestRejectionSampling(PairSelectorContract):
    name = "pairsmith/rejection-sampling"


class Graded(PairSelectorContract):
    """Answers with a rubric's grades, the first perfect and each later one a point worse in everything."""

    def make_judged(self) -> Judged:
        judged = super().make_judged()
        verdicts = tuple(
            Verdict(
                judge="rubric",
                response_id=answer.id,
                score=0,
                evidence={"attributes": dict.fromkeys(HELPSTEER, 4 - number)},
            )
            for number, answer in enumerate(judged.responses)
        )
        return evolve(judged, claims=(), verdicts=verdicts)


class TestMaxVsRandomBelow(Graded):
    name = "pairsmith/max-vs-random-below"


class TestBestOnly(Graded):
    name = "pairsmith/best-only"


class TestSteerlm(Graded):
    name = "pairsmith/steerlm"


class Wrapping(PairSelectorContract):
    options = {"selector": {"use": "best-worst"}}

    def make_run(self, tmp_path: Path) -> Run:
        return with_components(tmp_path)


class TestSubset(Wrapping):
    name = "pairsmith/subset"


class TestFlip(Wrapping):
    name = "pairsmith/flip"
    options = {"selector": {"use": "best-worst"}, "share": 0.5}


class TestLengthBalance(Wrapping):
    name = "pairsmith/length-balance"


def with_components(tmp_path: Path) -> Run:
    run = make_run(tmp_path / "run")
    return evolve(run, component=builder(Registry.discover(), lambda: run))


def answers(tmp_path: Path) -> str:
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps({"id": f"s{n}", "responses": ["One.", "Two."]}) + "\n" for n in range(3)))
    return str(path)


class TestSteered(GeneratorContract):
    name = "pairsmith/steered"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return {"generator": {"use": "stored", "path": answers(tmp_path)}}

    def make_run(self, tmp_path: Path) -> Run:
        return with_components(tmp_path)


class TestStored(GeneratorContract):
    name = "pairsmith/stored"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return {"path": answers(tmp_path)}


class TestStoredSamples(ImageSourceContract):
    name = "pairsmith/stored"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        path = tmp_path / "samples.jsonl"
        path.write_text(
            "".join(json.dumps({"id": f"s{n}", "images": ["a.jpg"], "prompt": "What?"}) + "\n" for n in range(3))
        )
        (tmp_path / "a.jpg").write_bytes(b"pixels")
        return {"path": str(path)}


class TestSeveral(ImageSourceContract):
    name = "pairsmith/several"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        stored = {"use": "stored", "path": TestStoredSamples().make_options(tmp_path)["path"]}
        return {"sources": [{**stored, "name": "first", "take": 2}, stored]}

    def make_run(self, tmp_path: Path) -> Run:
        return with_components(tmp_path)


class TestStoredClaims(DecomposerContract):
    name = "pairsmith/stored"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        path = tmp_path / "claims.jsonl"
        claims = [{"aspect": "object", "text": "a cat"}, {"aspect": "attribute", "text": "it is black"}]
        path.write_text("".join(json.dumps({"response_id": f"s/{n}", "claims": claims[:n]}) + "\n" for n in range(3)))
        return {"path": str(path)}


class TestStoredVerdictsOnClaims(JudgeContract):
    name = "pairsmith/stored"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        path = tmp_path / "verdicts.jsonl"
        rows = [{"claim_id": f"s{n}/{k}#0", "outcome": "supported"} for n in range(3) for k in range(2)]
        path.write_text("\n".join(map(json.dumps, rows)))
        return {"path": str(path)}


class TestStoredVerdictsOnResponses(JudgeContract):
    name = "pairsmith/stored"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        path = tmp_path / "verdicts.json"
        path.write_text(json.dumps([{"response_id": f"s{n}/{k}", "score": k} for n in range(3) for k in range(2)]))
        return {"path": str(path), "about": "responses"}


class TestNone(ImageCheckContract):
    name = "pairsmith/none"


class TestOtherImage(CorruptionContract):
    name = "pairsmith/other-image"


class TestOtherRow(CorruptionContract):
    name = "pairsmith/other-row"


class TestEmpty(CorruptionContract):
    name = "pairsmith/empty"
