"""Every judge of this plugin keeps the contract of its kind."""

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pairsmith.testing import JudgeContract
from pairsmith.values import Case, Image


class Looking(JudgeContract):
    """A judge that needs real pictures, and claims in the form that it reads."""

    @pytest.fixture(autouse=True)
    def _files(self, detectors: dict[str, str], pictures: list[Path]) -> None:
        self._detectors, self._pictures = detectors, pictures

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return {"model": self._detectors[self.name.partition("/")[2]], "floor": 0.0}

    def make_cases(self, tmp_path: Path, aspects: tuple[str, ...] | None) -> list[Case]:
        cases = []
        for case, path in zip(super().make_cases(tmp_path, aspects), self._pictures, strict=True):
            claims = tuple(evolve(claim, data={"object": "cat"}) for claim in case.claims)
            cases.append(evolve(case, sample=evolve(case.sample, images=(Image(path=path),)), claims=claims))
        return cases


class TestOwlVit(Looking):
    name = "pairsmith-grounding/owl-vit"


class TestGroundingDino(Looking):
    name = "pairsmith-grounding/grounding-dino"


class TestAnnotations(JudgeContract):
    name = "pairsmith-grounding/annotations"

    def make_cases(self, tmp_path: Path, aspects: tuple[str, ...] | None) -> list[Case]:
        graph = {"width": 10, "height": 10, "objects": {"1": {"name": "cat", "x": 1, "y": 1, "w": 2, "h": 2}}}
        cases = []
        for case in super().make_cases(tmp_path, aspects):
            claims = tuple(evolve(claim, data={"object": "cat"}) for claim in case.claims)
            cases.append(evolve(case, sample=evolve(case.sample, truth={"scene_graph": graph}), claims=claims))
        return cases
