"""Every component of the core keeps the contract of its kind."""

import json
from pathlib import Path
from typing import Any

from pairsmith.testing import (
    CorruptionContract,
    GeneratorContract,
    ImageCheckContract,
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


class TestNone(ImageCheckContract):
    name = "pairsmith/none"


class TestOtherImage(CorruptionContract):
    name = "pairsmith/other-image"


class TestOtherRow(CorruptionContract):
    name = "pairsmith/other-row"


class TestEmpty(CorruptionContract):
    name = "pairsmith/empty"
