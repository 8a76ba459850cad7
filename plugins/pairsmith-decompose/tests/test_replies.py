"""The grammar of replies, and quotations, by table."""

import pytest

from pairsmith_decompose.replies import parse, quoted

SOUND = [
    ("attribute", "(brown, dog); (wooden, table)", [("brown", "dog"), ("wooden", "table")]),
    ("attribute", "Attributes: (brown, dog).", [("brown", "dog")]),
    ("attribute", "Here are the attributes:\n(brown, dog)\n(wooden, table)", [("brown", "dog"), ("wooden", "table")]),
    ("attribute", "[ATTR]: (brown,dog), (wooden ,  table)", [("brown", "dog"), ("wooden", "table")]),
    ("attribute", '("brown", "dog")', [("brown", "dog")]),
    ("attribute", "(brown, dog)\n\nDescription: Another one.\nAttributes: (red, car)", [("brown", "dog")]),
    ("count", "(three, dogs); (12, birds)", [("three", "dogs"), ("12", "birds")]),
    ("relation", "(dog, to the left of, cat)", [("dog", "to the left of", "cat")]),
    ("relation", "(clock, showing 10:30 on, wall)", [("clock", "showing 10:30 on", "wall")]),
    ("entity", "Things: (dog); (cat)", [("dog",), ("cat",)]),
    ("entity", "[ENT]: (dog, cat, table)", [("dog", "cat", "table")]),
    ("text", "(STOP); (Milk, 1 litre)", [("STOP",), ("Milk, 1 litre",)]),
    ("entity", "NONE", []),
    ("entity", "none.", []),
    ("entity", "Things: NONE", []),
    ("count", "(NONE)", []),
    ("count", "NONE\n\nDescription: and so on", []),
]
BROKEN = [
    ("attribute", "(brown); (wooden, table)", [("wooden", "table")], ["'(brown)' has 1 value, not 2"]),
    ("attribute", "(brown, big, dog)", [], ["'(brown, big, dog)' has 3 values, not 2"]),
    ("relation", "(dog, cat)", [], ["'(dog, cat)' has 2 values, not 3"]),
    ("attribute", "brown dog, wooden table", [], ["there is no tuple and no NONE in 'brown dog, wooden table'"]),
    ("attribute", "", [], ["there is no tuple and no NONE in ''"]),
    ("attribute", "(brown, dog", [], ["there is '(brown, dog' after the tuples"]),
    ("attribute", "(red, car); (brown, do", [("red", "car")], ["there is '(brown, do' after the tuples"]),
    (
        "attribute",
        "(red, car) and also (blue, van)",
        [("red", "car"), ("blue", "van")],
        ["there is 'and also' outside the tuples"],
    ),
    ("attribute", "(red, )", [], ["'(red, )' has an empty value"]),
    ("entity", "()", [], ["'()' has an empty value"]),
    ("entity", "NONE, I think", [], ["there is no tuple and no NONE in 'NONE, I think'"]),
]


@pytest.mark.parametrize(("split", "reply", "tuples"), SOUND)
def test_sound_replies(split: str, reply: str, tuples: list[tuple[str, ...]]) -> None:
    parsed = parse(reply, split)
    assert (list(parsed.tuples), parsed.faults) == (tuples, ())


@pytest.mark.parametrize(("split", "reply", "tuples", "faults"), BROKEN)
def test_broken_replies_keep_what_is_sound_and_name_what_is_not(split, reply, tuples, faults) -> None:
    parsed = parse(reply, split)
    assert (list(parsed.tuples), list(parsed.faults)) == (tuples, faults)


def test_brackets_inside_brackets_are_a_fault() -> None:
    parsed = parse("(red, car (old))", "attribute")
    assert not parsed.tuples
    assert len(parsed.faults) >= 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('a sign says "STOP,"', ["STOP"]),
        ('"A" and "B" and "A"', ["A", "B"]),
        ("a sign says \u201cMain Street.\u201d", ["Main Street"]),
        ("it's the dog's 'bone'", []),
        ('an unclosed " mark', []),
        ('12" and nothing else', []),
        ('" "', []),
    ],
)
def test_quotations(text: str, found: list[str]) -> None:
    assert quoted(text) == found
