import pytest

from pairsmith.values import Response, Sample, user
from pairsmith_toyworld.grammar import GrammarDecomposer, claims_of, parse, tell
from pairsmith_toyworld.options import ASPECTS


def thing(kind, colour, shape, **more):
    return {"kind": kind, "colour": colour, "shape": shape, **more}


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("", []),
        ("there is a small red ring .", [thing("object", "red", "ring"), thing("size", "red", "ring", size="small")]),
        (
            "the image shows a large blue star .",
            [thing("object", "blue", "star"), thing("size", "blue", "star", size="large")],
        ),
        (
            "there is a small red ring . a large blue star is left of it .",
            [
                thing("object", "red", "ring"),
                thing("size", "red", "ring", size="small"),
                thing("object", "blue", "star"),
                thing("size", "blue", "star", size="large"),
                thing("relation", "blue", "star", relation="left", other=["red", "ring"]),
            ],
        ),
        (
            "there is a small red ring . above it is a large blue star .",
            [
                thing("object", "red", "ring"),
                thing("size", "red", "ring", size="small"),
                thing("object", "blue", "star"),
                thing("size", "blue", "star", size="large"),
                thing("relation", "blue", "star", relation="above", other=["red", "ring"]),
            ],
        ),
        (
            "a large blue star is below it .",  # nothing before it to be below of
            [thing("object", "blue", "star"), thing("size", "blue", "star", size="large")],
        ),
        (
            "the word GO is written at the top .",
            [{"kind": "word", "word": "GO"}, {"kind": "word-place", "word": "GO", "row": "top"}],
        ),
        ("in total there is one object .", [{"kind": "count", "number": 1}]),
        ("in total there are nine objects .", [{"kind": "count", "number": 9}]),
        ("there is a red ring .", [{"kind": "malformed", "sentence": "there is a red ring"}]),
        ("there is a small red ring and", [{"kind": "malformed", "sentence": "there is a small red ring and"}]),
        ("there is no word .", [{"kind": "malformed", "sentence": "there is no word"}]),
        ("it it it", [{"kind": "malformed", "sentence": "it it it"}]),
        (
            "the word AB is written at the top .",
            [{"kind": "malformed", "sentence": "the word AB is written at the top"}],
        ),
    ],
)
def test_captions_come_apart_into_claims(text, claims):
    assert parse(text) == claims


def test_it_is_the_object_named_last_even_across_other_sentences():
    text = (
        "there is a small red ring . the word GO is written at the top . oh dear . a large blue star is right of it ."
    )
    assert parse(text)[-1] == thing("relation", "blue", "star", relation="right", other=["red", "ring"])


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (thing("object", "red", "ring"), "there is a red ring"),
        (thing("size", "red", "ring", size="small"), "the red ring is small"),
        (
            thing("relation", "red", "ring", relation="left", other=["blue", "star"]),
            "the red ring is left of the blue star",
        ),
        (
            thing("relation", "red", "ring", relation="below", other=["blue", "star"]),
            "the red ring is below the blue star",
        ),
        ({"kind": "word", "word": "GO"}, "the word GO is written"),
        ({"kind": "word-place", "word": "GO", "row": "top"}, "the word GO is at the top"),
        ({"kind": "count", "number": 2}, "the number of objects is 2"),
        ({"kind": "malformed", "sentence": "of of"}, "(not a sentence) of of"),
    ],
)
def test_a_claim_stands_by_itself(said, sentence):
    assert tell(said) == sentence


def test_what_is_said_of_objects_depends_on_the_objects():
    text = "there is a small red ring . a large blue star is left of it . the word GO is written at the top ."
    claims = list(claims_of(Response(id="r", sample_id="s", text=text)))
    assert [(claim.id, claim.aspect, claim.depends_on) for claim in claims] == [
        ("r#0", "object", ()),
        ("r#1", "scale", ("r#0",)),
        ("r#2", "object", ()),
        ("r#3", "scale", ("r#2",)),
        ("r#4", "spatial", ("r#2", "r#0")),
        ("r#5", "text", ()),
        ("r#6", "text", ()),
    ]
    assert {claim.aspect for claim in claims} <= set(ASPECTS)


def test_a_second_mention_depends_on_the_first():
    text = "there is a small red ring . there is a large red ring ."
    assert [claim.depends_on for claim in claims_of(Response(id="r", sample_id="s", text=text))] == [
        (),
        ("r#0",),
        (),
        ("r#0",),
    ]


def test_the_decomposer_takes_all_answers_of_a_sample(run):
    sample = Sample(id="s", prompt=user("describe the image ."))
    answers = [Response(id=name, sample_id="s", text="in total there is one object .") for name in "ab"]
    claims = GrammarDecomposer(None, run).decompose(sample, answers)
    assert [(claim.id, claim.response_id, claim.text) for claim in claims] == [
        ("a#0", "a", "the number of objects is 1"),
        ("b#0", "b", "the number of objects is 1"),
    ]
