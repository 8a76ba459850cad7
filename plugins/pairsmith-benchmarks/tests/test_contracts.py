"""Every benchmark keeps the contract of its kind."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from pairsmith.interfaces import Run
from pairsmith.testing import BenchmarkContract
from pairsmith.values import Response


class Laid(BenchmarkContract):
    layout: ClassVar[str]

    @pytest.fixture(autouse=True)
    def lay(self, folders: SimpleNamespace) -> None:
        self.folders = folders

    def make_options(self, tmp_path: Path) -> Mapping[str, Any]:
        return {**getattr(self.folders, self.layout)(tmp_path / "data"), **self.options}

    def test_scores_of_a_run_are_those_of_a_file(self, component: Any) -> None:
        samples = list(component.samples())
        texts = ["Yes, a cat on a sofa." if n % 2 else "No, two dogs and a man." for n in range(len(samples))]
        made = [
            Response(id=f"{one.id}/0", sample_id=one.id, text=text) for one, text in zip(samples, texts, strict=True)
        ]
        ran = component.score(samples, made)
        assert ran.metrics == component.score_answers((one.sample_id, one.text) for one in reversed(made)).metrics
        assert ran.metrics["scored"] == len(samples)
        totals: dict[str, float] = {}
        for one in ran.sums:
            for name, value in one.items():
                totals[name] = totals.get(name, 0) + value
        counts = {"scored", "empty", "long"}
        assert component.metrics(totals) == pytest.approx({k: v for k, v in ran.metrics.items() if k not in counts})

    def test_an_image_that_is_missing_is_named_before_anything_is_asked(self, component: Any, run: Run) -> None:
        samples = list(component.samples())
        first = samples[0].images[0].path
        first.unlink()
        assert list(component.asked()) == samples  # scoring answers made elsewhere needs no image
        with pytest.raises(
            Exception, match=rf"1 of \d images are not in '.*', such as '.*{first.name}'; .*images"
        ) as error:
            list(component.samples())
        assert type(error.value).__name__ == "StageError"


class TestPope(Laid):
    name = "pairsmith-benchmarks/pope"
    layout = "pope"


class TestChair(Laid):
    name = "pairsmith-benchmarks/chair"
    layout = "chair"
    options = {"sample": 2}


class TestAmberGenerative(Laid):
    name = "pairsmith-benchmarks/amber-generative"
    layout = "amber"


class TestAmberDiscriminative(Laid):
    name = "pairsmith-benchmarks/amber-discriminative"
    layout = "amber"


class TestCaptions(Laid):
    name = "pairsmith-benchmarks/captions"
    layout = "captions"


class TestMmhalBench(Laid):
    name = "pairsmith-benchmarks/mmhal-bench"
    layout = "mmhal"
    options = {"judge_name": "gpt-4"}


class TestObjectHalbench(Laid):
    name = "pairsmith-benchmarks/object-halbench"
    layout = "halbench"
    options = {"judge_name": "gpt-4"}


class TestMmVet(Laid):
    name = "pairsmith-benchmarks/mm-vet"
    layout = "mmvet"
    options = {"judge_name": "gpt-4"}


class TestLlavaBench(Laid):
    name = "pairsmith-benchmarks/llava-bench"
    layout = "llava_bench"
    options = {"judge_name": "gpt-4"}


class TestHallusionBench(Laid):
    name = "pairsmith-benchmarks/hallusion-bench"
    layout = "hallusion"


class WithoutImages(BenchmarkContract):
    layout: ClassVar[str]
    options = {"judge_name": "gpt-4"}

    @pytest.fixture(autouse=True)
    def lay(self, folders: SimpleNamespace) -> None:
        self.folders = folders

    def make_options(self, tmp_path: Path) -> Mapping[str, Any]:
        return {**getattr(self.folders, self.layout)(tmp_path / "data"), **self.options}


class TestMtBench(WithoutImages):
    name = "pairsmith-benchmarks/mt-bench"
    layout = "mt_bench"


class TestAlpacaEval(WithoutImages):
    name = "pairsmith-benchmarks/alpaca-eval"
    layout = "alpaca_eval"
