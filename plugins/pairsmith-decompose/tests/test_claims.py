"""From tuples to claims, worked by hand."""

import pytest

from pairsmith_decompose.claims import Rules, build, counts
from pairsmith_decompose.options import IMAGE_WORDS, VAGUE
from pairsmith_decompose.routing import direction, scale

RULES = Rules(image_words=frozenset(IMAGE_WORDS), vague=frozenset(VAGUE))


def made(tuples, texts=(), rules=RULES):
    return [(claim.aspect, dict(claim.data), claim.depends_on) for claim in build("r", tuples, texts, rules)]


def test_everything_named_is_there_and_the_rest_depends_on_it() -> None:
    claims = build(
        "r",
        {
            "entity": [("Dogs", "a table")],
            "attribute": [("brown", "dog"), ("Huge", "table")],
            "count": [("two", "dogs"), ("several", "birds")],
            "relation": [("dog", "to the left of", "table"), ("cat", "chasing", "dog")],
        },
        ["STOP"],
        RULES,
    )
    assert [(claim.id, claim.aspect, claim.text, claim.depends_on) for claim in claims] == [
        ("r#0", "object", "there is a dog", ()),
        ("r#1", "object", "there is a table", ()),
        ("r#2", "object", "there is a cat", ()),
        ("r#3", "attribute", "the dog is brown", ("r#0",)),
        ("r#4", "scale", "the table is huge", ("r#1",)),
        ("r#5", "count", "there are two dogs", ("r#0",)),
        ("r#6", "spatial", "the dog is to the left of the table", ("r#0", "r#1")),
        ("r#7", "relation", "the cat is chasing the dog", ("r#2", "r#0")),
        ("r#8", "text", "the text 'STOP' can be read", ()),
    ]
    assert [dict(claim.data) for claim in claims[3:]] == [
        {"object": "dog", "attribute": "brown"},
        {"object": "table", "attribute": "huge", "scale": "large"},
        {"object": "dog", "count": 2},
        {"subject": "dog", "relation": "to the left of", "object": "table", "direction": "left"},
        {"subject": "cat", "relation": "chasing", "object": "dog"},
        {"text": "STOP"},
    ]


def test_the_image_itself_is_no_thing() -> None:
    assert made({"entity": [("image", "dog")], "attribute": [("blurry", "background")]}) == [
        ("object", {"object": "dog"}, ())
    ]
    assert made({"relation": [("image", "showing", "dog")]}) == []
    whole = {
        "subject": "dog",
        "relation": "on the left side of",
        "object": "image",
        "whole": "image",
        "direction": "left",
    }
    assert made({"relation": [("dog", "on the left side of", "image")]}) == [
        ("object", {"object": "dog"}, ()),
        ("spatial", whole, ("r#0",)),
    ]


def test_vague_things_are_not_looked_for() -> None:
    assert made({"entity": [("area", "group", "dog")]}) == [("object", {"object": "dog"}, ())]
    assert made({"entity": [("area",)]}, rules=Rules()) == [("object", {"object": "area"}, ())]


def test_numbers_and_places_are_no_attributes() -> None:
    assert made({"attribute": [("two", "dog"), ("several", "dog"), ("left", "dog"), ("dog", "dog")]}) == [
        ("object", {"object": "dog"}, ())
    ]


def test_each_claim_is_made_once() -> None:
    assert (
        len(
            made(
                {"entity": [("dog", "dogs", "the dog")], "attribute": [("brown", "dog"), ("Brown", "dogs")]}, ["A", "A"]
            )
        )
        == 3
    )


def test_without_singular_things_stay_as_they_are_called() -> None:
    assert made({"entity": [("dogs", "a dog")]}, rules=Rules(singular=False)) == [
        ("object", {"object": "dogs"}, ()),
        ("object", {"object": "dog"}, ()),
    ]


def test_counts_are_two_to_twenty() -> None:
    given = [("two", "a"), ("20", "b"), ("one", "c"), ("a few", "d"), ("21", "e"), ("dozens", "f"), ("-3", "g")]
    kept, faults = counts(given)
    assert kept == [(2, "a"), (20, "b")]
    assert [fault.split(",")[0] for fault in faults] == ["'(21", "'(dozens", "'(-3"]


@pytest.mark.parametrize(
    ("relation", "where"),
    [
        ("left of", "left"),
        ("to the left of", "left"),
        ("on the right-hand side of", "right"),
        ("on the right side of", "right"),
        ("right", "right"),
        ("above", "top"),
        ("on top of", "top"),
        ("below", "bottom"),
        ("hanging underneath", "bottom"),
        ("near", "near"),
        ("next to", "near"),
        ("right next to", "near"),
        ("standing beside", "near"),
        ("on", None),
        ("in front of", None),
        ("holding", None),
        ("brightly shining on", None),
        ("stopped at", None),
        ("understanding", None),
        ("top left of", None),
        ("has left", None),
        ("is right", "right"),
        ("right behind", None),
        ("", None),
    ],
)
def test_places(relation: str, where: str | None) -> None:
    assert direction(relation) == where


@pytest.mark.parametrize(
    ("attribute", "size"),
    [
        ("large", "large"),
        ("Huge", "large"),
        ("tiny", "small"),
        ("long", "long"),
        ("high", "tall"),
        ("short-haired", None),
        ("red", None),
    ],
)
def test_sizes(attribute: str, size: str | None) -> None:
    assert scale(attribute) == size
