"""Every component of the core keeps the contract of its kind."""

import json
from pathlib import Path
from typing import Any

from pairsmith.testing import (
    CorruptionContract,
    DecomposerContract,
    GeneratorContract,
    ImageCheckContract,
    ImageSourceContract,
    JudgeContract,
    PairSelectorContract,
)


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


class TestStored(GeneratorContract):
    name = "pairsmith/stored"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        path = tmp_path / "answers.jsonl"
        path.write_text("".join(json.dumps({"id": f"s{n}", "responses": ["One.", "Two."]}) + "\n" for n in range(3)))
        return {"path": str(path)}


class TestStoredSamples(ImageSourceContract):
    name = "pairsmith/stored"

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        path = tmp_path / "samples.jsonl"
        path.write_text(
            "".join(json.dumps({"id": f"s{n}", "images": ["a.jpg"], "prompt": "What?"}) + "\n" for n in range(3))
        )
        (tmp_path / "a.jpg").write_bytes(b"pixels")
        return {"path": str(path)}


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
