"""The judge keeps the contract of its kind."""

from pathlib import Path

import pytest
from attrs import evolve

from pairsmith.testing import JudgeContract
from pairsmith.values import Case, Image


class TestOcr(JudgeContract):
    name = "pairsmith-ocr/ocr"

    @pytest.fixture(autouse=True)
    def _files(self, signs: list[Path]) -> None:
        self._signs = signs

    def make_cases(self, tmp_path: Path, aspects: tuple[str, ...] | None) -> list[Case]:
        cases = []
        for case, path in zip(super().make_cases(tmp_path, aspects), self._signs, strict=True):
            claims = tuple(evolve(claim, data={"text": "Harbour"}) for claim in case.claims)
            cases.append(evolve(case, sample=evolve(case.sample, images=(Image(path=path),)), claims=claims))
        return cases
