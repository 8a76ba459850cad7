from random import Random

import pytest
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.values import Response, Sample, user
from pairsmith_toyworld.benchmark import ToyworldBenchmark
from pairsmith_toyworld.caption import PROMPTS, caption
from pairsmith_toyworld.options import BenchmarkOptions, SourceOptions
from pairsmith_toyworld.oracle import scene_of
from pairsmith_toyworld.source import ToyworldSource


def benchmark(run, **options):
    return ToyworldBenchmark(BenchmarkOptions(**options), run)


def test_its_pictures_are_always_the_same_and_prompts_take_turns(run):
    samples = list(benchmark(run, scenes=6).samples())
    again = list(benchmark(evolve(run, seed=99), scenes=9).samples())
    assert again[:6] == samples
    assert [one.prompt[0].text for one in samples] == [*PROMPTS, *PROMPTS]
    assert samples != list(benchmark(run, scenes=6, seed=1).samples())


def test_its_pictures_are_held_out(run):
    held_out = {one.images[0].id for one in benchmark(run, scenes=100).samples()}
    source = ToyworldSource(SourceOptions(samples=100, split="evaluation"), run)
    assert not held_out & {one.images[0].id for one in source.samples()}


def test_faithful_captions_get_the_best_scores(run):
    made = benchmark(run, scenes=50)
    samples = list(made.samples())
    scores = made.score(samples, [answer(one, caption(scene_of(one), Random(0))) for one in samples])
    length = scores.metrics["length"]
    assert {name: scores.metrics[name] for name in scores.metrics if name != "length"} == {
        name: 0.0 if name in scores.lower_is_better else 100.0 for name in scores.metrics if name not in scores.neutral
    }
    assert 25 < length < 50
    assert len(scores.items) == 50
    assert all(item["false"] == [] for item in scores.items)


def test_silence_finds_nothing_and_invents_nothing(run):
    made = benchmark(run, scenes=5)
    samples = list(made.samples())
    metrics = made.score(samples, [answer(one, "") for one in samples]).metrics
    assert metrics["chair_i"] == metrics["chair_s"] == metrics["recall"] == 0


def test_another_worlds_pictures_are_refused(run):
    sample = Sample(id="cat", prompt=user("?"))
    with pytest.raises(StageError, match="'cat' has no scene"):
        benchmark(run).score([sample], [answer(sample, "")])


def answer(sample, text):
    return Response(id=f"{sample.id}/0", sample_id=sample.id, text=text)
