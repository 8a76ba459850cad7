from itertools import islice

import numpy as np
import pytest
from attrs import evolve
from PIL import Image

from pairsmith_toyworld.caption import PROMPTS, QUESTION
from pairsmith_toyworld.grammar import parse
from pairsmith_toyworld.options import SPLITS, SourceOptions
from pairsmith_toyworld.oracle import scene_of, verify
from pairsmith_toyworld.render import render
from pairsmith_toyworld.source import ToyworldSource


def samples(run, start=0, **options):
    return list(ToyworldSource(SourceOptions(**options), run).samples(start))


def test_a_sample_is_a_picture_a_prompt_and_its_scene(run):
    (sample,) = samples(run, samples=1)
    assert sample.prompt[0].text in PROMPTS
    assert sample.given == ()
    with Image.open(sample.images[0].path) as image:
        assert np.array_equal(np.asarray(image), render(scene_of(sample)))


def test_samples_are_the_same_wherever_one_begins_and_however_many_there_are(run):
    everything = samples(run, samples=12)
    assert samples(run, start=7, samples=12) == everything[7:]
    assert samples(run, samples=5) == everything[:5]
    assert len(ToyworldSource(SourceOptions(samples=12), run)) == 12


def test_the_millionth_sample_needs_none_of_those_before(run):
    source = ToyworldSource(SourceOptions(samples=10**6), run)
    assert next(islice(source.samples(10**6 - 1), 1)).id == "toyworld-999999"


def test_splits_and_seeds_share_no_picture(run):
    seen: set[str] = set()
    for seed in (0, 1):
        for split in SPLITS:
            images = {one.images[0].id for one in samples(evolve(run, seed=seed), samples=30, split=split)}
            assert len(images) == 30
            assert not images & seen
            seen |= images


def test_the_answers_do_not_change_the_pictures(run):
    plain = samples(run, samples=10)
    told = samples(run, samples=10, answers="biased")
    assert [one.images for one in told] == [one.images for one in plain]


def test_faithful_answers_are_true_and_biased_ones_often_are_not(run):
    def false(answers):
        return sum(
            not all(verify(parse(one.given[0].text), scene_of(one)))
            for one in samples(run, samples=60, answers=answers)
        )

    assert false("faithful") == 0
    assert false("biased") > 20


def test_given_answers_are_chosen_ones(run):
    (answer,) = samples(run, samples=1, answers="faithful")[0].given
    assert (answer.label, answer.sample_id, answer.model) == ("chosen", "toyworld-000000", "annotator")


def test_questions_take_their_share_and_show_more_words(run):
    asked = samples(run, samples=400, answers="biased", questions=0.25)
    questions = [one for one in asked if one.prompt[0].text == QUESTION]
    assert len(questions) / 400 == pytest.approx(0.25, abs=0.06)
    assert sum(scene_of(one).word is not None for one in questions) / len(questions) == pytest.approx(0.75, abs=0.12)
    for one in questions:
        text = one.given[0].text
        assert text == "there is no word ." if scene_of(one).word is None else all(verify(parse(text), scene_of(one)))


def test_without_answers_nothing_is_asked_about_words(run):
    assert QUESTION not in {one.prompt[0].text for one in samples(run, samples=30, questions=1.0)}


@pytest.mark.parametrize("options", [{"samples": 0}, {"answers": "true"}, {"split": "test"}, {"questions": 1.5}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SourceOptions(**options)
