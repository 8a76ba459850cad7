"""The judge keeps the contract of its kind, with every kind of model."""

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pairsmith.testing import JudgeContract
from pairsmith.values import Case, Image


class TestVqa(JudgeContract):
    name = "pairsmith-vqa/vqa"

    @pytest.fixture(autouse=True, params=["vilt", "blip-2-t5"])
    def _files(self, request, models: dict[str, str], pictures: list[Path]) -> None:
        self._models, self._pictures, self._kind = models, pictures, request.param

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return {
            "model": self._models[self._kind],
            "gate": self._models["cola"],
            "gate_threshold": 0.0,
            "answer": "p-yes",
        }

    def make_cases(self, tmp_path: Path, aspects: tuple[str, ...] | None) -> list[Case]:
        cases = []
        for case, path in zip(super().make_cases(tmp_path, aspects), self._pictures, strict=True):
            claims = tuple(evolve(claim, data={"object": "cat", "attribute": "red"}) for claim in case.claims)
            cases.append(evolve(case, sample=evolve(case.sample, images=(Image(path=path),)), claims=claims))
        return cases
