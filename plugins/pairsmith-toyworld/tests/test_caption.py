from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsmith_toyworld.caption import BIASED, Prior, answer, caption
from pairsmith_toyworld.chair import rates, tally
from pairsmith_toyworld.grammar import parse
from pairsmith_toyworld.oracle import verify
from pairsmith_toyworld.scene import draw

SEEDS = st.integers(0, 2**63 - 1)


@given(SEEDS)
def test_a_faithful_caption_says_nothing_false_and_leaves_nothing_out(seed):
    dice = Random(seed)
    scene = draw(dice)
    text = caption(scene, dice)
    claims = parse(text)
    assert all(verify(claims, scene)), text
    assert {(said["colour"], said["shape"]) for said in claims if said["kind"] == "object"} == {
        thing.kind for thing in scene.things
    }
    assert any(said["kind"] == "word" for said in claims) == (scene.word is not None)


@given(SEEDS)
def test_a_biased_caption_stays_within_the_grammar(seed):
    dice = Random(seed)
    assert not [said for said in parse(caption(draw(dice), dice, BIASED)) if said["kind"] == "malformed"]


@given(SEEDS)
def test_the_answer_to_what_is_written_is_true_or_says_that_nothing_is(seed):
    scene = draw(Random(seed))
    if scene.word is None:
        assert answer(scene) == "there is no word ."
    else:
        assert all(verify(parse(answer(scene)), scene))


def test_annotators_err_as_often_as_their_prior_says():
    dice = Random(0)
    total: Counter[str] = Counter()
    for _ in range(3000):
        scene = draw(dice)
        total.update(tally(caption(scene, dice, BIASED), scene))
    found = rates(total)
    assert found["companion_absent"] == pytest.approx(71, abs=4)  # .65 per trigger object, and a scene may have several
    assert found["companion_present"] == found["recall"] == 100
    assert found["size"] == pytest.approx(92, abs=1.5)
    assert found["relation"] == pytest.approx(90, abs=2)
    assert found["chair_i"] == pytest.approx(13, abs=1.5)
    assert found["chair_s"] == pytest.approx(45, abs=4)


@pytest.mark.parametrize(
    ("prior", "wrong"),
    [
        (Prior(companion=1, word=0, relation=0, size=0), {"object", "size", "relation", "count"}),
        (Prior(companion=0, word=0, relation=0, size=1), {"size"}),
        (Prior(companion=0, word=0, relation=1, size=0), {"relation"}),
        (Prior(companion=0, word=1, relation=0, size=0), {"word", "word-place"}),
    ],
)
def test_each_prejudice_makes_its_own_kind_of_mistake(prior, wrong):
    dice, kinds = Random(1), set()
    for _ in range(200):
        scene = draw(dice)
        claims = parse(caption(scene, dice, prior))
        kinds |= {said["kind"] for said, so in zip(claims, verify(claims, scene), strict=True) if not so}
    assert kinds == wrong
