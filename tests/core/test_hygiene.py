"""What is left out of a run, and what must not be."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsmith.errors import OptionsError
from pairsmith.hygiene import Drop, Hygiene, HygieneOptions, similarity, words
from pairsmith.options import read
from pairsmith.values import Demonstration, Image, Pair, Response, Sample, user

SHARED = Path(os.environ.get("PAIRSMITH_SHARED", Path(__file__).parents[3] / "shared"))
PUBLISHED = SHARED / "data" / "pds-dpo" / "pairs.json"
ALT_TEXT = SHARED / "data" / "mcm-dpo" / "twitter" / "train.json"

CAPTION = (
    "there is a small red circle . there is a large blue square to the left of it . there is a white ring above it . "
    "the word OK is written at the top . there are three objects ."
)
LONG = "The light from the sun falls through the mist and makes the dewdrops of the web shine one by one. " * 6


def pair(chosen: str, rejected: str, *, prompt: str = "Describe the image.", image: str = "i") -> Pair:
    sample = Sample(id="s", images=(Image(path=Path(f"{image}.png"), id=image),), prompt=user(prompt))
    return Pair(
        id="p",
        sample=sample,
        chosen=Response(id="a", sample_id="s", text=chosen),
        rejected=Response(id="b", sample_id="s", text=rejected),
    )


def shown(text: str) -> Demonstration:
    made = pair(text, "")
    return Demonstration(id="d", sample=made.sample, chosen=made.chosen)


def reason(value: Pair | Demonstration, **options: object) -> str | None:
    drop = Hygiene(HygieneOptions(**options)).reason(value)  # type: ignore[arg-type]
    return drop.reason if drop else None


@pytest.mark.parametrize(("chosen", "rejected", "expected"), [
    (LONG, "", "empty"),
    (" \n", LONG, "empty"),
    (LONG, LONG, "identical"),
    ("A cat  on a mat", " A cat on\na mat ", "identical"),
    ("A cat on a mat, asleep", "a cat, on a mat - asleep!", "near-identical"),
    (LONG, "сну", "fragment"),
    (LONG, "Spiderweb", "fragment"),
    (LONG, "...", "fragment"),
    ("...", "!!", "fragment"),
    (LONG, "\u200b", "fragment"),
    (LONG, LONG * 12, "over-long"),
    (LONG, "A spiderweb with dew.", "length-ratio"),
])  # fmt: skip
def test_a_flaw_is_named(chosen: str, rejected: str, expected: str) -> None:
    assert reason(pair(chosen, rejected)) == expected
    switch = expected.replace("-", "_")
    others = {name: False for name in ("near_identical", "length_ratio") if name != switch}
    assert reason(pair(chosen, rejected), **others) == expected
    off = reason(pair(chosen, rejected), **{switch: False})
    assert off != expected, "the filter cannot be switched off"


@pytest.mark.parametrize(("chosen", "rejected"), [
    (CAPTION, CAPTION.replace("red", "green", 1)),
    (CAPTION, CAPTION.replace("left", "right", 1)),
    (CAPTION, CAPTION.replace(" there is a white ring above it .", "", 1)),
    (CAPTION, " ".join(CAPTION.split()[:30])),
    ("Yes", "No"),
    ("yes.", "No, there is no dog in it."),
    ("3", "4"),
    ("blue", "The car in the picture is red."),
    ("一只猫睡在红色的沙发上，旁边有一个白色的球。", "一只狗睡在红色的沙发上，旁边有一个白色的球。"),
    (LONG, LONG.replace("sun", "moon", 1)),
])  # fmt: skip
def test_what_differs_by_as_much_as_a_word_stays(chosen: str, rejected: str) -> None:
    assert reason(pair(chosen, rejected)) is None
    assert reason(pair(rejected, chosen)) is None


@pytest.mark.skipif(not PUBLISHED.is_file(), reason=f"there is no published sample at {PUBLISHED}")
def test_exactly_the_flawed_pairs_of_a_published_sample_go() -> None:
    rows = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    hygiene = Hygiene(HygieneOptions())
    drops = {
        row["id"]: hygiene.reason(
            pair(row["conversations"][1]["value"], row["rejected_conversations"][1]["value"], image=row["id"])
        )
        for row in rows
    }
    assert drops == {
        "art-2": Drop("empty", "the rejected answer has no text"),
        "art-4": Drop("fragment", "the rejected answer is only 'сну'"),
        "art-5": Drop("over-long", "the rejected answer has 4,274 characters, over 4,000"),
        "art-6": None,
        "art-8": None,
    }


@pytest.mark.skipif(not ALT_TEXT.is_file(), reason=f"there is no published sample at {ALT_TEXT}")
def test_published_alt_texts_all_stay() -> None:
    hygiene = Hygiene(HygieneOptions())
    for row in json.loads(ALT_TEXT.read_text(encoding="utf-8")):
        text = json.loads(row["text"])
        assert hygiene.reason(pair(text["chosen"], text["rejected"], prompt=text["question"])) is None


def test_a_duplicate_is_one_in_all_the_run() -> None:
    hygiene = Hygiene(HygieneOptions())
    assert hygiene.reason(pair("A cat.", "A dog.")) is None
    again = hygiene.reason(pair("A cat.", "A dog."))
    assert again is not None
    assert again.reason == "duplicate"
    for other in (
        pair("A dog.", "A cat."),
        pair("A cat.", "A dog.", image="j"),
        pair("A cat.", "A dog.", prompt="What?"),
    ):
        assert hygiene.reason(other) is None
    assert Hygiene(HygieneOptions(duplicate=False)).reason(pair("A cat.", "A dog.")) is None


def test_a_resumed_run_remembers() -> None:
    hygiene = Hygiene(HygieneOptions())
    hygiene.remember(pair("A cat.", "A dog."))
    assert (hygiene.reason(pair("A cat.", "A dog.")) or Drop("", "")).reason == "duplicate"


def test_what_is_dropped_is_not_remembered() -> None:
    hygiene = Hygiene(HygieneOptions())
    assert [(hygiene.reason(pair(LONG, "")) or Drop("", "")).reason for _ in range(2)] == ["empty", "empty"]


def test_images_without_an_id_are_told_apart_by_path() -> None:
    hygiene = Hygiene(HygieneOptions())
    for name in ("one", "two"):
        sample = Sample(id=name, images=(Image(path=Path(name)),), prompt=user("?"))
        made = pair("A cat.", "A dog.")
        assert hygiene.reason(Pair(id=name, sample=sample, chosen=made.chosen, rejected=made.rejected)) is None


@pytest.mark.parametrize(("text", "expected"), [
    ("", "empty"),
    ("?!", "fragment"),
    (LONG * 12, "over-long"),
    ("yes", None),
    (LONG, None),
])  # fmt: skip
def test_demonstrations_are_looked_at_too(text: str, expected: str | None) -> None:
    hygiene = Hygiene(HygieneOptions())
    assert (hygiene.reason(shown(text)) or Drop("", "")).reason == (expected or "")
    if expected is None:
        assert (hygiene.reason(shown(text)) or Drop("", "")).reason == "duplicate"


@pytest.mark.parametrize(("options", "value", "expected"), [
    ({"min_words": 4}, pair(LONG, "a nice web"), "fragment"),
    ({"min_words": 0, "length_ratio": False}, pair(LONG, "Spiderweb"), None),
    ({"max_characters": 10}, pair("A cat on a mat", "A dog"), "over-long"),
    ({"max_ratio": 2.0}, pair("A cat on a mat " * 4, "A dog on a mat"), "length-ratio"),
    ({"similarity": 0.8}, pair(CAPTION, CAPTION.replace("red", "green")), "near-identical"),
])  # fmt: skip
def test_thresholds_are_options(options: dict[str, object], value: Pair, expected: str | None) -> None:
    assert reason(value, **options) == expected


@pytest.mark.parametrize("table", [
    {"similarity": 0.0}, {"similarity": 1.5}, {"max_ratio": 0.5}, {"max_characters": 0}, {"min_words": -1}, {"empty": 1},
    {"overlong": False},
])  # fmt: skip
def test_options_are_refused(table: dict[str, object]) -> None:
    with pytest.raises(OptionsError, match=r"^hygiene\."):
        read(table, HygieneOptions, "hygiene")


_TEXT = st.lists(st.sampled_from(["a", "red", "cat", "on", "mat", "."]), max_size=12).map(" ".join)


@given(_TEXT, _TEXT)
def test_similarity_is_symmetric_bounded_and_one_for_the_same(one: str, other: str) -> None:
    assert 0 <= similarity(one, other) <= 1
    assert similarity(one, one) == 1
    if words(one) and words(one) == words(other):
        assert similarity(one, other) == 1
    for bound in (0.5, 0.9, 0.995):
        bounded = similarity(one, other, at_least=bound)
        assert bounded == (similarity(one, other) if similarity(one, other) >= bound else 0)
