"""The report: numbers by hand, a biased set that is seen through, an honest one that is not, and what is missing."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pairsmith.interfaces import Run
from pairsmith.values import Demonstration, Sample, user
from pairsmith_quality import blind
from pairsmith_quality.intervals import bootstrap
from pairsmith_quality.measures import measures, repetition
from pairsmith_quality.options import QualityOptions
from pairsmith_quality.report import QualityReporter, left_out

THINGS = ["dog", "cat", "boat", "lamp", "tree", "car", "chair", "bird", "cup", "book"]
PLACES = ["left", "right", "middle", "front", "back"]


def told(run: Run, memory: Any, **options: Any) -> tuple[dict[str, Any], str]:
    files = QualityReporter(QualityOptions(resamples=200, **options), run).report(memory)
    assert [file.name for file in files] == ["quality.json", "quality.md"]
    assert all(file.parent == memory.directory for file in files)
    return json.loads(files[0].read_text()), files[1].read_text()


def scenes(make: SimpleNamespace, count: int, say: Callable[[Random, str], tuple[str, str]]) -> list[Any]:
    """Return pairs about things that only an image could tell."""
    made = []
    for number in range(count):
        random = Random(number)
        thing, other = random.sample(THINGS, 2)
        one, two = say(random, thing)[0], say(random, other)[1]
        made.append(make.pair(f"p{number}", one, two))
    return made


def honest(random: Random, thing: str) -> tuple[str, str]:
    text = f"There is a {thing} in the {random.choice(PLACES)}."
    return text, text


def wordy(random: Random, thing: str) -> tuple[str, str]:
    text = honest(random, thing)[0]
    return f"{text} It is certainly nice to look at.", text


def tell_tale(random: Random, thing: str) -> tuple[str, str]:
    """Equal lengths, and one word that gives the rejected answer away in nine of ten."""
    place = random.choice(PLACES)
    mark = "surely" if random.random() < 0.9 else "clearly"
    return f"There clearly is a {thing} in the {place}.", f"There {mark} is a {thing} in the {place}."


def test_an_honest_set_tells_nothing_without_the_image(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    found, _ = told(run, make.memory(tmp_path, scenes(make, 400, honest)))
    assert found["blind"]["length_only"]["mean"] == 50  # all are equally long
    assert found["blind"]["text_only"]["low"] < 50 < found["blind"]["text_only"]["high"]
    assert found["bias"]["longer"]["chosen"]["mean"] == 50
    assert found["bias"]["words"]["difference"] == {"mean": 0, "low": 0, "high": 0}


def test_length_gives_a_wordy_set_away(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    found, page = told(run, make.memory(tmp_path, scenes(make, 100, wordy)))
    assert found["blind"]["length_only"]["mean"] == 100
    assert found["bias"]["longer"]["chosen"] == {"mean": 100, "low": 100, "high": 100}
    assert found["bias"]["words"]["difference"]["mean"] == 7
    assert "| length only | 100.0 [100.0, 100.0] |" in page
    assert "The chosen answer is the longer one in 100.0 [100.0, 100.0] %" in page


def test_a_word_gives_a_set_away_that_length_does_not(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    found, _ = told(run, make.memory(tmp_path, scenes(make, 400, tell_tale)))
    assert found["blind"]["length_only"]["mean"] == 50
    # nine of ten have the word; of the others nothing can be told, and half are right
    assert found["blind"]["text_only"]["mean"] == pytest.approx(95, abs=4)


def test_a_judge_is_never_asked_about_an_image_it_was_fitted_to() -> None:
    groups = np.repeat(np.arange(20), 5)
    for fitted, asked in blind._folds(groups, 5):
        assert not set(groups[fitted]) & set(groups[asked])
    # each image has a word of its own in all its chosen answers: of no use for other images
    chosen = [f"w{group} here" for group in groups]
    votes = blind.text_only(chosen, ["x here"] * 100, groups, 5, 0)
    mixed = [(c, r) if k % 2 else (r, c) for k, (c, r) in enumerate(zip(chosen, ["x here"] * 100, strict=True))]
    assert votes.mean() == 1  # the rejected word is everywhere
    own = blind.text_only([a for a, _ in mixed], [b for _, b in mixed], groups, 5, 0)
    assert abs(own.mean() - 0.5) <= 0.1


def test_sides_do_not_matter_to_the_judge() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(f"v{k}" for k in row) for row in rng.integers(0, 30, (200, 6))]
    chosen, rejected, groups = texts[:100], texts[100:], np.arange(100)
    one = blind.text_only(chosen, rejected, groups, 5, 1)
    other = blind.text_only(rejected, chosen, groups, 5, 1)
    assert abs(one.mean() - other.mean()) < 0.02  # it is as easy to fit to a set as to its mirror image


def test_length_only_knows_short_from_long() -> None:
    groups = np.arange(10)
    assert blind.length_only(np.full(10, -3.0), groups, 5).mean() == 1  # shorter is chosen, and that is learnt
    assert blind.length_only(np.zeros(10), groups, 5).mean() == 0.5
    assert blind.length_only(np.array([1.0] * 8 + [-1.0] * 2), groups, 5).mean() == 0.8


# Measures and intervals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "listed", "markdown"),
    [
        ("- a cat\n- a dog", 100, 0),
        ("1. a cat\n2) a dog", 100, 0),
        ("- only one line", 0, 0),
        ("a cat - and a dog\nand - so on", 0, 0),
        ("# Cats\ntext", 0, 100),
        ("a **bold** word", 0, 100),
        ("2 ** 3 ** 4 is large", 0, 0),
        ("see [here](https://example.org)", 0, 100),
        ("| a | b |\n|---|---|", 0, 100),
        ("plain", 0, 0),
    ],
)
def test_forms_are_told(text: str, listed: float, markdown: float) -> None:
    found = measures(text)
    assert (found["list"], found["markdown"]) == (listed, markdown)


def test_repetition_by_hand() -> None:
    # a-b-c-d, b-c-d-a, c-d-a-b, d-a-b-c, and a-b-c-d again
    assert repetition(["a", "b", "c", "d", "a", "b", "c", "d"]) == pytest.approx(20)
    assert repetition(["a", "b", "c"]) == 0


def test_intervals_cover_the_mean_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        values = rng.normal(1.0, 2.0, 60)
        found = bootstrap({"x": values}, np.arange(60), resamples=200, confidence=0.9, seed=trial)["x"]
        assert found.low <= found.mean <= found.high
        covered += found.low <= 1.0 <= found.high
    assert 0.82 <= covered / 200 <= 0.96


def test_pairs_of_one_image_are_not_independent() -> None:
    rng = np.random.default_rng(1)
    means = rng.normal(0, 1, 30)
    values, groups = np.repeat(means, 20), np.repeat(np.arange(30), 20)
    by_image = bootstrap({"x": values}, groups, resamples=300, confidence=0.95, seed=0)["x"]
    by_pair = bootstrap({"x": values}, np.arange(600), resamples=300, confidence=0.95, seed=0)["x"]
    assert by_image.high - by_image.low > 3 * (by_pair.high - by_pair.low)


def test_what_is_not_there_is_left_out_of_a_mean() -> None:
    values = np.array([1.0, np.nan, 3.0])
    found = bootstrap({"x": values, "none": np.full(3, np.nan)}, [0, 1, 2], resamples=100, confidence=0.9, seed=0)
    assert found["x"].mean == 2
    assert "none" not in found


# The whole -----------------------------------------------------------------------------------------------------------


def test_duplicates_contamination_and_what_the_run_counted(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    image, copy, other = make.drawn(tmp_path, 1), make.drawn(tmp_path / "l", 1, (200, 150)), make.drawn(tmp_path, 2)
    chosen, rejected = "A small dog lies on a green sofa.", "A black cat stands on a table."
    pairs = [
        make.pair(*one, image=of)
        for one, of in (
            (("a", chosen, rejected), image),
            (("b", chosen, rejected), copy),
            (("c", chosen, rejected), other),
        )
    ]
    held = make.listed(given=[Sample(id="1", images=(other,), prompt=user("Describe it."))])
    memory = make.memory(tmp_path, pairs, {"dropped: near-duplicate": 3, "dropped: contaminated": 2, "kept": 3})
    found, page = told(make.with_components(run, held=held), memory, benchmarks=({"use": "held"},))
    assert found["images"] == {"distinct": 2, "near_copies": 1}
    assert found["duplicates"]["image_and_text"]["count"] == 1
    assert found["duplicates"]["image_and_text"]["examples"][0][0] == "b"
    assert found["duplicates"]["text"]["count"] == 2
    assert found["contamination"]["image"] == {"count": 1, "percent": 33.33, "examples": [["c", "'1' of held"]]}
    assert found["contamination"]["prompt"]["count"] == 0
    assert found["left_out"] == {"near-duplicate": 3, "contaminated": 2}
    assert "- compared with held: 1 images, 0 prompts, 1 prompts too short to be compared" in page
    assert "- near-duplicate: 3" in page
    assert "1 (33.33 %) with an image that is there" in page
    assert "2 images are too few to be split into 5 parts" in page


@pytest.mark.parametrize(("last", "belongs"), [
    ("pairs", "pairs"),
    ("round-2-pairs", "pairs"),  # which are not corrupted yet: the items are those of the first round
    ("corruptions", "pairs"),
    ("round-2-corruptions", "round-2-pairs"),
])  # fmt: skip
def test_what_was_left_out_is_of_the_pairs_that_are_looked_at(last: str, belongs: str) -> None:
    """Of several rounds a run's items are those of the last one that has begun."""
    order = ["pairs", "corruptions", "control-pairs", "control-corruptions", "round-2-pairs", "round-2-corruptions"]
    there = order[: order.index(last) + 1]
    stages = {name: {"parts": int(name in there), "counts": {"kept": 9, f"dropped: {name}": 1}} for name in order}
    assert left_out(SimpleNamespace(stages=lambda: stages)) == {belongs: 1}  # type: ignore[arg-type]
    plain = {name: state for name, state in stages.items() if "corruptions" not in name}
    last_pairs = [name for name, state in plain.items() if state["parts"] and "control" not in name][-1]
    assert left_out(SimpleNamespace(stages=lambda: plain)) == {last_pairs: 1}  # type: ignore[arg-type]
    assert left_out(SimpleNamespace(stages=dict)) == {}  # type: ignore[arg-type]


def test_demonstrations_have_no_other_side(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    shown = [Demonstration(id=one.id, sample=one.sample, chosen=one.chosen) for one in scenes(make, 10, honest)]
    found, page = told(run, make.memory(tmp_path, shown))
    assert found["blind"] == {"why_not": "demonstrations have no rejected answer to choose against"}
    assert set(found["bias"]["words"]) == {"chosen"}
    assert "| words | 7.0 [7.0, 7.0] | \N{EN DASH} | \N{EN DASH} |" in page


def test_a_run_without_pairs_has_a_report(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    found, page = told(run, make.memory(tmp_path, []))
    assert found["items"] == 0
    assert "There is nothing to measure." in page


def test_texts_of_others_are_no_markup(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    image = make.drawn(tmp_path, 1)
    pairs = [make.pair(name, "a b c d", "e f g h", image=image) for name in ("<b>|x|", "[y](z)\n# no")]
    _, page = told(run, make.memory(tmp_path, pairs))
    assert "\\[y\\](z) \\# no: nearly the same as '&lt;b&gt;\\|x\\|'" in page
    assert "\n# no" not in page


def test_the_judge_is_shown_as_many_pairs_as_wanted(run: Run, tmp_path: Path, make: SimpleNamespace) -> None:
    pairs = scenes(make, 300, tell_tale)
    found, _ = told(run, make.memory(tmp_path, pairs), judged_pairs=120)
    assert found["blind"]["pairs"] == 120
    assert found["pairs"] == 300
    again, _ = told(run, make.memory(tmp_path, pairs), judged_pairs=120)
    assert again == found
