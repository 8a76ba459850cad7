"""Every component of this plugin keeps the contract of its kind, before a server on the loopback interface."""

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from PIL import Image as Pillow

from pairsmith.testing import DecomposerContract, GeneratorContract, JudgeContract
from pairsmith.values import Case, Image, Sample, user


class Asked:
    """Gives a contract's component the options that reach the server."""

    more: dict[str, Any] = {}

    @pytest.fixture(autouse=True)
    def _reach(self, options: dict[str, Any]) -> None:
        self.reached = options

    def make_options(self, tmp_path: Path) -> dict[str, Any]:
        return {**self.reached, **self.more}


class Judging(Asked, JudgeContract):
    def make_cases(self, tmp_path: Path, aspects: tuple[str, ...] | None) -> list[Case]:
        made = []
        for case in super().make_cases(tmp_path, aspects):
            path = case.sample.images[0].path
            Pillow.new("RGB", (8, 8), (len(made), 0, 0)).save(path)
            made.append(evolve(case, sample=evolve(case.sample, images=(Image(path=path),))))
        return made


class TestGenerator(Asked, GeneratorContract):
    name = "pairsmith-llm/openai"
    more = {"n": 3}


class TestGeneratorInOneRequest(Asked, GeneratorContract):
    name = "pairsmith-llm/openai"
    more = {"n": 3, "one_request": True}


class TestRewrite(Asked, GeneratorContract):
    name = "pairsmith-llm/openai-rewrite"

    def make_samples(self, tmp_path: Path) -> list[Sample]:
        del tmp_path
        truth = {"reference": ["a dog", "a red dog"]}
        return [Sample(id=f"s{number}", prompt=user("?"), truth=truth) for number in range(3)]


class TestRubric(Judging):
    name = "pairsmith-llm/openai-rubric"


class TestText(Judging):
    name = "pairsmith-llm/openai-text"


class TestClaims(Asked, DecomposerContract):
    name = "pairsmith-llm/openai-claims"
