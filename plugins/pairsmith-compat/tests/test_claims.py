"""DecompGen's reading of replies, mistakes included, and pairs that are there once for each draw."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.testing import make_run
from pairsmith.values import Dropped, Judged, Pair, Response, Sample, user
from pairsmith_compat.claims import build, place, things, tuples
from pairsmith_compat.decomposer import PublishedClaims
from pairsmith_compat.draws import FreshDraws
from pairsmith_compat.options import ClaimsOptions, FreshDrawsOptions


@pytest.mark.parametrize(("split", "reply", "found"), [
    ("attribute", "Here: they are: (red, car); (old, oak, table); (wooden)", [("red", "car")]),
    ("attribute", "(red, car; (tall, man)", []),  # a bracket that is not closed makes three values
    ("attribute", "(red,car)", []),  # a comma without a space divides nothing
    ("relation", "(dog, under, table)", [("dog", "under", "table")]),
    ("count", "NONE", []),
])  # fmt: skip
def test_what_does_not_fit_vanishes(split: str, reply: str, found: list[tuple[str, ...]]) -> None:
    assert tuples(reply, split) == found


def test_none_is_a_thing_and_only_the_first_bracket_may_count() -> None:
    assert things("Things: NONE", first_bracket=False) == ["NONE"]
    assert things("(dog, man); (cat)", first_bracket=False) == ["dog", "man", "cat"]
    assert things("(dog, man); (cat)", first_bracket=True) == ["dog", "man"]
    assert [one.data for one in build("r", "", {"entity": "NONE"}, first_bracket=False)] == [{"object": "NONE"}]


@pytest.mark.parametrize(("relation", "where"), [
    ("shining brightly on", "right"), ("stopped at", "top"), ("on the left of", "left"), ("underneath", "bottom"),
    ("next to", "near"), ("in front of", None),
])  # fmt: skip
def test_places_are_found_within_words(relation: str, where: str | None) -> None:
    assert place(relation) == where


def test_claims_depend_on_their_things_and_the_image_is_none() -> None:
    said = {
        "entity": "(dog); (scene)",
        "attribute": "(large, dog); (brown, dog); (several, dog); (dog, dog); (bright, scene)",
        "count": "(two, cat); (21, cat); (3, bird); (some, bird)",
        "relation": "(dog, above, image); (image, near, dog); (dog, biting, man)",
    }
    claims = build("r", 'A sign says "STOP."', said, first_bracket=False)
    told = {(one.aspect, one.text): one for one in claims}
    assert list(told) == [
        ("object", "there is dog"), ("object", "there is cat"), ("object", "there is bird"), ("object", "there is man"),
        ("scale", "the dog is large"), ("attribute", "the dog is brown"), ("count", "there are two cat"),
        ("count", "there are three bird"), ("spatial", "the dog is above the image"), ("relation", "the dog is biting the man"),
        ("text", "the text 'STOP.' can be read"),
    ]  # fmt: skip
    assert told["relation", "the dog is biting the man"].depends_on == ("r#0", "r#3")
    assert told["spatial", "the dog is above the image"].data == {
        "subject": "dog", "relation": "above", "object": "image", "whole": "image", "direction": "top",
    }  # fmt: skip
    assert told["scale", "the dog is large"].data["scale"] == "large"
    assert told["count", "there are three bird"].data == {"object": "bird", "count": 3}
    assert [one.id for one in claims] == [f"r#{k}" for k in range(len(claims))]


def test_a_decomposer_without_replies_is_refused(tmp_path: Path) -> None:
    run = evolve(make_run(tmp_path), component=lambda *_: lambda _: SimpleNamespace())
    claims = PublishedClaims(ClaimsOptions(decomposer={"use": "other"}), run)
    with pytest.raises(StageError, match="'other' gives no replies to read"):
        claims.decompose(Sample(id="s", prompt=user("?")), [Response(id="r", sample_id="s", text="A dog.")])


def test_a_pair_is_there_once_for_each_draw(tmp_path: Path) -> None:
    """Worse images are drawn by the pair's id: core/pairsmith/stages.py, corrupt."""
    sample = Sample(id="s", prompt=user("?"))
    answers = [Response(id=f"s/{k}", sample_id="s", text=str(k)) for k in range(2)]
    seen: list[Any] = []
    selector = SimpleNamespace(
        survey=seen.append,
        select=lambda judged, seed: [
            Pair(id="p", sample=sample, chosen=answers[0], rejected=answers[1]), Dropped(id="q", reason="equal"),
        ],
    )  # fmt: skip
    run = evolve(make_run(tmp_path), component=lambda *_: lambda _: selector)
    draws = FreshDraws(FreshDrawsOptions(selector={"use": "x"}, times=3), run)
    draws.survey([])
    made = draws.select(Judged(sample=sample, responses=()), seed=0)
    assert [one.id for one in made] == ["p", "p:draw-2", "p:draw-3", "q"]
    assert seen == [[]]
