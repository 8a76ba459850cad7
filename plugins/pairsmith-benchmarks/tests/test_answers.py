"""Answers that cannot be scored are named and counted in every benchmark, and change no score."""

import logging
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith.interfaces import Scores
from pairsmith_benchmarks import amber_discriminative, amber_generative, captions, chair, pope
from pairsmith_benchmarks.amber import Associations
from pairsmith_benchmarks.noun_finders import Words

WORDS = Associations(words={"cat": ["kitten"], "dog": [], "sofa": []}, safe=frozenset())


def amber(items: Any, answers: Any) -> Scores:
    return amber_generative.score(items, answers, WORDS, nouns=Words(WORDS.vocabulary))


BENCHMARKS: dict[str, tuple[Callable[..., Scores], dict[str, Any], str]] = {
    "pope": (pope.score, {"split": "random", "label": "yes"}, "random_accuracy"),
    "chair": (chair.score, {"objects": ["cat"]}, "chair_i"),
    "amber-generative": (amber, {"truth": ["cat"], "hallu": ["dog"]}, "chair"),
    "amber-discriminative": (amber_discriminative.score, {"kind": "state", "label": "no"}, "accuracy"),
    "captions": (captions.score, {"references": ["a cat sat"]}, "rouge_l"),
}


@pytest.fixture(params=BENCHMARKS)
def benchmark(request: pytest.FixtureRequest, asked: Callable[..., Any]) -> SimpleNamespace:
    score, truth, metric = BENCHMARKS[request.param]
    return SimpleNamespace(name=request.param, score=score, metric=metric, items=asked(*[truth] * 6))


GOOD = [("1", "No, a cat and a dog sat."), ("2", "Yes, a kitten.")]


def test_what_cannot_be_scored_changes_no_score(benchmark: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    bad = [("3", ""), ("4", " \n"), ("5", "a cat"), ("5", "a dog"), ("x", "a dog"), ("y", "Yes")]
    with caplog.at_level(logging.WARNING):
        scores = benchmark.score(benchmark.items, [*bad, *GOOD])
    clean = benchmark.score(benchmark.items, GOOD)
    counts = {"scored": 2, "empty": 2, "long": 0, "missing": 1, "double": 1, "unknown": 2}
    assert {name: scores.metrics[name] for name in counts} == counts
    assert benchmark.metric in clean.metrics
    rates = {name: value for name, value in scores.metrics.items() if name not in counts}
    assert rates == {name: value for name, value in clean.metrics.items() if name not in counts}
    problems = ["empty", "empty", "double", "missing"]
    assert [one.get("problem") for one in scores.items] == [None, None, *problems]
    assert f"{benchmark.name}: 2 answers are empty and not scored, such as '3', '4'" in caplog.messages
    assert f"{benchmark.name}: 2 answers are to items that are not there, such as 'x', 'y'" in caplog.messages
    assert f"{benchmark.name}: 1 items have two answers and are not scored, such as '5'" in caplog.messages
    assert {"empty", "missing", "double"} <= set(scores.lower_is_better)


def test_where_nothing_can_be_scored_there_is_no_rate(benchmark: SimpleNamespace) -> None:
    scores = benchmark.score(benchmark.items, [])
    assert scores.metrics == {**({"unclear": 0.0} if "unclear" in scores.metrics else {}), **scores.metrics}
    assert benchmark.metric not in scores.metrics
    assert scores.metrics["missing"] == 6


@pytest.mark.parametrize("text", ["a cat sat " * 10_000, "x" * 100_000, ". " * 50_000, "no" + "\n" * 100_000 + "yes"])
def test_an_answer_of_100_000_characters_is_scored_in_no_time(benchmark: SimpleNamespace, text: str) -> None:
    began = time.perf_counter()
    scores = benchmark.score(benchmark.items, [("1", text)])
    assert time.perf_counter() - began < 2
    assert scores.metrics["long"] == scores.metrics["scored"] == 1
    assert scores.items[0]["long"] is True
    assert "long" not in scores.items[1]


def test_an_answer_that_is_no_text_is_an_error(benchmark: SimpleNamespace) -> None:
    with pytest.raises(
        StageError, match=r"the answer to item '2' is no text: \['Yes'\]; give every answer as a string"
    ):
        benchmark.score(benchmark.items, [("1", "Yes"), ("2", ["Yes"])])


def test_scores_can_be_computed_again_from_what_is_kept(benchmark: SimpleNamespace) -> None:
    import json

    modules = {"amber-generative": amber_generative, "amber-discriminative": amber_discriminative, "pope": pope}
    module = modules.get(benchmark.name) or {"chair": chair, "captions": captions}[benchmark.name]
    scores = benchmark.score(benchmark.items, [*GOOD, ("3", "")])
    again = module.rates(json.loads(json.dumps(list(scores.items))))
    assert {name: value for name, value in again.items() if value is not None}.items() <= scores.metrics.items()
    assert len(again) > 2
