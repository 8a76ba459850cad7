import json
from collections import Counter
from random import Random

import pytest
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.values import Case, Claim, Response, Sample, user
from pairsmith_toyworld.caption import BIASED, caption
from pairsmith_toyworld.grammar import GrammarDecomposer, parse
from pairsmith_toyworld.options import OracleOptions
from pairsmith_toyworld.oracle import OracleJudge, verify
from pairsmith_toyworld.scene import draw


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("there is a large red circle .", [True, True]),
        ("there is a small red circle .", [True, False]),
        ("there is a small blue square .", [False, False]),
        ("there is a large red circle . there is a large red circle .", [True, True, False, True]),
        ("there is a large red circle . a small yellow star is right of it .", [True, True, True, True, True]),
        ("there is a large red circle . a small yellow star is below it .", [True, True, True, True, True]),
        ("there is a large red circle . a small yellow star is left of it .", [True, True, True, True, False]),
        ("there is a small blue square . a large red circle is left of it .", [False, False, True, True, False]),
        ("there is a large red circle . a large red circle is left of it .", [True, True, False, True, False]),
        ("the word GO is written at the bottom .", [True, True]),
        ("the word GO is written at the top .", [True, False]),
        ("the word OK is written at the bottom .", [False, True]),
        ("in total there are two objects .", [True]),
        ("in total there are three objects .", [False]),
        ("red red .", [False]),
    ],
)
def test_claims_are_held_against_the_scene(with_word, text, verdicts):
    assert verify(parse(text), with_word) == verdicts


def test_no_word_is_there_to_be_read(lone_ring):
    assert verify(parse("the word GO is written at the top ."), lone_ring) == [False, False]


def case(scene, *texts, name="s"):
    sample = Sample(id=name, prompt=user("describe the image ."), truth={"scene": json.loads(json.dumps(scene.row()))})
    answers = tuple(Response(id=f"{name}/{n}", sample_id=name, text=text) for n, text in enumerate(texts))
    return Case(
        sample=sample, responses=answers, claims=tuple(GrammarDecomposer(None, None).decompose(sample, answers))
    )


def test_there_is_a_verdict_per_claim_in_the_order_of_the_claims(run, with_word):
    shown = case(
        with_word, "there is a large red circle .", "there is a large red circle . in total there is one object ."
    )
    shown = evolve(shown, claims=shown.claims[::-1])
    (verdicts,) = OracleJudge(OracleOptions(), run).judge([shown])
    assert [verdict.claim_id for verdict in verdicts] == [claim.id for claim in shown.claims]
    assert [verdict.outcome for verdict in verdicts] == ["contradicted"] + ["supported"] * 4


def test_a_repetition_is_false_in_its_own_answer_only(run, with_word):
    shown = case(with_word, "there is a large red circle .", "there is a large red circle .")
    (verdicts,) = OracleJudge(OracleOptions(), run).judge([shown])
    assert {verdict.outcome for verdict in verdicts} == {"supported"}


def test_the_evidence_says_what_is_really_there(run, with_word):
    shown = case(
        with_word, "there is a small red circle . the word OK is written at the top . in total there is one object ."
    )
    (verdicts,) = OracleJudge(OracleOptions(), run).judge([shown])
    assert [dict(verdict.evidence) for verdict in verdicts] == [
        {},
        {"size": "large", "x": 0.17, "y": 0.17},
        {"written": "GO at the bottom"},
        {"written": "GO at the bottom"},
        {"objects": 2},
    ]


def test_aspects_are_those_of_the_options(run):
    assert OracleJudge(OracleOptions(aspects=("object",)), run).aspects == ("object",)
    with pytest.raises(ValueError, match="colour"):
        OracleOptions(aspects=("colour",))


@pytest.mark.parametrize(
    "truth", [{}, {"scene": None}, {"scene": {"things": []}}, {"scene": {"things": [{"size": 1}]}}]
)
def test_a_sample_of_another_world_is_refused_by_name(run, truth):
    sample = Sample(id="cat", prompt=user("?"), truth=truth)
    with pytest.raises(StageError, match="sample 'cat' has no scene"):
        OracleJudge(OracleOptions(), run).judge([Case(sample=sample, responses=())])


def test_claims_of_another_decomposer_are_refused_by_name(run, with_word):
    shown = case(with_word, "there is a large red circle .")
    foreign = Claim(id="s/0#9", response_id="s/0", aspect="object", text="a cat")
    with pytest.raises(StageError, match=r"claim 's/0#9' \('a cat'\) is not of the toy world's grammar"):
        OracleJudge(OracleOptions(), run).judge([evolve(shown, claims=(foreign,))])


def many(number):
    dice = Random(0)
    for n in range(number):
        scene = draw(dice)
        yield case(scene, caption(scene, dice, BIASED), name=f"s{n}")


def outcomes(options, run, cases):
    judged = OracleJudge(options, run).judge(cases)
    return {verdict.claim_id: verdict.outcome for verdicts in judged for verdict in verdicts}


def test_noise_turns_its_share_of_the_verdicts_and_always_the_same_ones(run):
    cases = list(many(400))
    sure = outcomes(OracleOptions(), run, cases)
    erring = outcomes(OracleOptions(noise=0.2), run, cases)
    turned = {name for name in sure if sure[name] != erring[name]}
    assert len(sure) > 3000
    assert len(turned) / len(sure) == pytest.approx(0.2, abs=0.03)
    for outcome in ("supported", "contradicted"):  # it spares neither
        of_these = [name for name in sure if sure[name] == outcome]
        assert sum(name in turned for name in of_these) / len(of_these) == pytest.approx(0.2, abs=0.04)
    one_by_one = {k: v for shown in cases[::-1] for k, v in outcomes(OracleOptions(noise=0.2), run, [shown]).items()}
    assert one_by_one == erring
    others = outcomes(OracleOptions(noise=0.2, seed=1), run, cases)
    both = sum(others[name] != sure[name] for name in turned) / len(turned)
    assert both == pytest.approx(0.2, abs=0.07)  # another seed, other mistakes


def test_noise_of_one_says_the_opposite(run):
    cases = list(many(5))
    assert (
        Counter(outcomes(OracleOptions(noise=1.0), run, cases).values())["contradicted"]
        == (Counter(outcomes(OracleOptions(), run, cases).values())["supported"])
    )
