"""AMBER: both tasks worked by hand, the rule of similarity, its files, and its own annotations."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith_benchmarks.amber import Associations, associations, folder_of
from pairsmith_benchmarks.amber_discriminative import AmberDiscriminative
from pairsmith_benchmarks.amber_discriminative import rates as rates_of_questions
from pairsmith_benchmarks.amber_discriminative import score as score_questions
from pairsmith_benchmarks.amber_generative import AmberGenerative, judge, score
from pairsmith_benchmarks.noun_finders import Words, noun_finder, tagged_nouns
from pairsmith_benchmarks.options import AmberDiscriminativeOptions, AmberGenerativeOptions, amber_inputs
from pairsmith_benchmarks.similarity import above, same_word, similarity, text_vectors

SHARED = Path(os.environ.get("PAIRSMITH_SHARED", Path(__file__).parents[4] / "shared"))
PUBLISHED = SHARED / "data" / "amber"
published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"there are no annotations of AMBER at {PUBLISHED}")

WORDS = Associations(
    words={
        "forest": ["tree"],
        "person": ["man"],
        "lake": ["water"],
        "dog": [],
        "sun": [],
        "ship": ["boat"],
        "tree": ["forest"],
        "light": [],
    },
    safe=frozenset({"light"}),
)


def test_the_formulas_by_hand(asked: Callable[..., Any]) -> None:
    items = asked({"truth": ["forest", "person"], "hallu": ["dog", "sun"]}, {"truth": ["lake"], "hallu": ["ship"]})
    answers = [
        # tree covers the forest, man the person; the dog is a slip and made up, the lake made up, the light safe
        ("1", "Trees, a man and his dog near a lake under a light sign."),
        ("2", "Water."),
    ]
    scores = score(items, answers, WORDS, nouns=Words(WORDS.vocabulary), mode="words,synonyms")
    assert scores.metrics["chair[words,synonyms]"] == pytest.approx(100 * 2 / 6)
    assert scores.metrics["cover[words,synonyms]"] == pytest.approx(100 * 3 / 3)
    assert scores.metrics["hal[words,synonyms]"] == pytest.approx(50)
    assert scores.metrics["cog[words,synonyms]"] == pytest.approx(100 * 1 / 3)
    assert scores.items[0]["made_up"] == ["dog", "lake"]
    lower = {f"{name}[words,synonyms]" for name in ("chair", "hal", "cog")}
    assert set(scores.lower_is_better) == {*lower, "empty"}


def test_a_word_of_two_objects_is_the_firsts_and_associations_come_first() -> None:
    # "tree" is the forest's before it is its own, and "forest" the tree's: one named twice covers one of two
    twice = judge(["tree", "tree"], {"truth": ["forest", "tree"], "hallu": ["dog"]}, WORDS, same_word)
    assert (twice["covered"], twice["truth"], twice["made_up"]) == (1, 2, [])
    both = judge(["tree", "forest"], {"truth": ["forest", "tree"], "hallu": ["dog"]}, WORDS, same_word)
    assert both["covered"] == 2


def test_an_expected_object_that_is_there_is_no_slip() -> None:
    found = judge(["dog"], {"truth": ["dog"], "hallu": ["dog"]}, WORDS, same_word)
    assert (found["slips"], found["feared"], found["made_up"]) == (0, 1, [])


VECTORS = {"sun": (1.0, 0.0), "light": (1.0, 0.1), "dog": (0.0, 1.0), "boat": (0.0, 0.9), "ship": (0.5, 0.5)}


def test_similar_words() -> None:
    similar = above(VECTORS.get, 0.8)
    truth = {"truth": ["lake"], "hallu": ["dog", "sun"]}
    # the boat is like the dog: a slip, and still made up
    assert judge(["boat"], truth, WORDS, similar) | {"truth": 1} == {
        "nouns": 1, "made_up": ["boat"], "covered": 0, "truth": 1, "slips": 1, "feared": 2,
    }  # fmt: skip
    # like what is there: covered and not made up, and the slip counts all the same
    there = judge(["boat"], {"truth": ["dog", "lake"], "hallu": ["dog"]}, WORDS, similar)
    assert (there["made_up"], there["covered"], there["slips"]) == ([], 1, 1)
    # a safe word is passed over although it is like an expected object
    assert judge(["light"], truth, WORDS, similar)["slips"] == 0


def test_the_threshold_is_not_reached_by_equal() -> None:
    vectors = {"one": (1.0, 0.0), "other": (0.8, 0.6)}
    assert above(vectors.get, 0.79)("one", "other")
    assert not above(vectors.get, 0.81)("one", "other")


def test_vectors_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("3 2\ncat 1 0\nkitten 1 0.5\nexotic x y\ncar 0 1\n")
    rule = similarity("vectors", str(path), frozenset({"cat", "kitten", "car"}), 0.8)
    assert rule("cat", "kitten")
    assert not rule("cat", "car")
    assert not rule("cat", "exotic")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dog 1 2\n", "has none of the words asked for"),
        ("cat 1 2\ncar 1\n", r"has vectors of \[1, 2\] numbers"),
        ("dog 1 2\ncat 1 b\n", "line 2: 'cat' must be followed by numbers: '1 b'"),
    ],
)
def test_bad_files_of_vectors(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "glove.txt"
    path.write_text(text)
    with pytest.raises(StageError, match=message):
        text_vectors(path, frozenset({"cat", "car"}))


def test_missing_vectors_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="needs a file of word vectors as 'vectors'"):
        similarity("vectors", str(tmp_path / "none"), frozenset(), 0.8)


def test_spacy_compares_the_mean_of_a_words_tokens(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    numpy = pytest.importorskip("numpy")
    pipeline = spacy.blank("en")
    for word, vector in {"e": (1, 0), "book": (1, 0), "novel": (1, 0.2), "car": (0, 1)}.items():
        pipeline.vocab.set_vector(word, numpy.asarray(vector, dtype="float32"))
    pipeline.to_disk(tmp_path / "model")
    rule = similarity("spacy", str(tmp_path / "model"), frozenset(), 0.8)
    assert rule("book", "novel")
    assert rule("book novel", "novel")
    assert not rule("book", "car")
    assert not rule("unheard", "car")
    assert bool(rule("book", "novel")) == (pipeline("book").similarity(pipeline("novel")) > 0.8)
    with pytest.raises(StageError, match="needs the model 'no_such_model': python -m spacy download en_core_web_lg"):
        similarity("spacy", "no_such_model", frozenset(), 0.8)
    spacy.blank("en").to_disk(tmp_path / "empty")
    with pytest.raises(StageError, match="has no word vectors"):
        similarity("spacy", str(tmp_path / "empty"), frozenset(), 0.8)


def test_nouns_by_a_tagger() -> None:
    tags = {"Dogs": "NNS", "run": "VBP", "Paris": "NNP", "water": "NN"}
    finder = tagged_nouns(lambda text: [(word, tags[word]) for word in text.split()], lambda word: word.rstrip("s"))
    assert finder("Dogs run Paris water") == ["Dog", "Pari", "water"]


def test_nltk_says_which_data_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    import nltk

    monkeypatch.setattr(nltk.data, "path", [])
    with pytest.raises(StageError, match=r"python -m nltk.downloader punkt_tab averaged_perceptron_tagger_eng wordnet"):
        noun_finder("nltk", frozenset())


def test_nltk_finds_nouns_where_its_data_is() -> None:
    try:
        finder = noun_finder("nltk", frozenset())
    except StageError as error:
        pytest.skip(str(error))
    assert finder("Two dogs run near the trees.") == ["dog", "tree"]


def test_the_mode_is_in_the_name() -> None:
    def mode(**options: Any) -> str:
        return AmberGenerativeOptions(path=Path(), **options).mode

    assert mode() == "words,synonyms"
    assert mode(nouns="nltk", similarity="spacy") == "nltk,spacy:en_core_web_lg"
    assert (
        mode(similarity="vectors", vectors="/data/glove.6B.300d.txt", threshold=0.7)
        == "words,vectors:glove.6B.300d.txt>0.7"
    )


# Questions -----------------------------------------------------------------------------------------------------------


def said(kind: str, label: str, reads: list[str]) -> list[dict[str, str]]:
    return [{"kind": kind, "label": label, "read": read} for read in reads]


def test_no_is_the_positive_class_by_hand() -> None:
    # 4 to be answered with no, of which 3 were; 5 answers are no; 10 questions, of which 3 + 3 are right
    records = said("existence", "no", ["no"] * 3 + ["yes"]) + said(
        "existence", "yes", ["yes"] * 3 + ["no"] * 2 + ["unclear"]
    )
    found = rates_of_questions(records)
    assert found["accuracy"] == pytest.approx(60)
    assert found["precision"] == pytest.approx(60)
    assert found["recall"] == pytest.approx(75)
    assert found["f1"] == 66.7  # 2 * 0.6 * 0.75 / (1.35 + 0.0001) = 0.66662
    assert found["existence_f1"] == 66.6  # 2 * 0.6 * 0.75 / (1.35 + 0.001) = 0.66617
    assert found["unclear"] == 1
    assert "state_accuracy" not in found


def test_kinds_of_questions() -> None:
    records = said("state", "no", ["no", "yes"]) + said("number", "yes", ["yes"]) + said("relation", "no", ["no"])
    found = rates_of_questions(records)
    assert found["attribute_accuracy"] == pytest.approx(200 / 3)
    assert found["state_recall"] == 50
    assert found["relation_precision"] == 100
    assert found["number_precision"] is None
    assert found["accuracy"] == 75


def test_exact_answers_only(asked: Callable[..., Any]) -> None:
    items = asked(*[{"kind": "state", "label": "no"}] * 3)
    answers = [("1", "No"), ("2", "no."), ("3", "There is none")]
    assert score_questions(items, answers).metrics["accuracy"] == pytest.approx(100 / 3)
    by_word = score_questions(items, answers, reading="first-word").metrics
    assert by_word["accuracy[first-word]"] == pytest.approx(200 / 3)
    assert by_word["unclear[first-word]"] == 1


# Files ---------------------------------------------------------------------------------------------------------------


def generative(root: Path, run: Run) -> AmberGenerative:
    return AmberGenerative(AmberGenerativeOptions(path=root), run)


def test_files_lie_as_in_the_repository_or_side_by_side(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    folders.amber(tmp_path / "repository")
    first = generative(tmp_path / "repository", run).items()
    assert [item.id for item in first] == ["1", "2"]
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (tmp_path / "repository" / "data").rglob("*.*"):
        path.rename(flat / path.name)
    assert generative(flat, run).items() == first
    questions = AmberDiscriminative(AmberDiscriminativeOptions(path=flat), run).items()
    assert [item.truth["kind"] for item in questions] == ["existence", "state", "relation"]


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("annotations.json", lambda path: path.unlink(), "has no 'annotations.json' or .*; download the folder data at"),
        ("annotations.json", lambda path: path.write_text(json.dumps(json.loads(path.read_text())[:1])), "has annotations of 1 of 2 questions; none of 2"),
        ("annotations.json", lambda path: path.write_text(json.dumps([{"id": 1, "type": "generative"}])), "row 1 is no annotation of AMBER"),
        ("annotations.json", lambda path: path.write_text(json.dumps(json.loads(path.read_text()) * 2)), "row 6 annotates question 1 again"),
        ("annotations.json", lambda path: path.write_text(path.read_text()[:-5]), "annotations.json' is not JSON"),
        ("annotations.json", lambda path: path.write_text("{}"), "must hold an array"),
        ("query/query_generative.json", lambda path: path.write_text('[{"id": 1}]'), "row 1 must have a text 'image': None"),
        ("relation.json", lambda path: path.write_text('{"forest": "tree"}'), "'forest' must have an array of words"),
        ("relation.json", lambda path: path.write_text('{"forest": []}'), "has no associations for 'person' of question 1"),
    ],
)  # fmt: skip
def test_missing_and_partial_files_are_named(
    tmp_path: Path, run: Run, folders: SimpleNamespace, file: str, change: Callable[[Path], None], message: str
) -> None:
    folders.amber(tmp_path)
    change(tmp_path / "data" / file)
    with pytest.raises(StageError, match=message):
        generative(tmp_path, run).items()


# The annotations as published ----------------------------------------------------------------------------------------


@published
def test_a_description_of_the_first_image_by_hand(run: Run) -> None:
    benchmark = generative(PUBLISHED, run)
    items = benchmark.items()
    assert len(items) == 1004
    # There are sky, forest, grass, person, lake, mountain, road; expected are cloud, sun, bird, dog, flower.
    # man is a person, path a road, trees a forest; clouds and birds are not there.
    text = "A man walks on a path through the trees by a lake. Clouds and birds are in the sky."
    scores = benchmark.rate(items[:1], [("1", text)])
    assert scores.metrics["chair[words,synonyms]"] == pytest.approx(100 * 2 / 7)
    assert scores.metrics["cover[words,synonyms]"] == pytest.approx(100 * 5 / 7)
    assert scores.metrics["cog[words,synonyms]"] == pytest.approx(100 * 2 / 5)
    assert scores.metrics["hal[words,synonyms]"] == 100


@published
def test_naming_what_is_there_makes_nothing_up_and_naming_what_is_expected_slips(run: Run) -> None:
    benchmark = generative(PUBLISHED, run)
    items = benchmark.items()
    true = benchmark.rate(items, [(item.id, ", ".join(item.truth["truth"])) for item in items]).metrics
    assert (true["chair[words,synonyms]"], true["hal[words,synonyms]"], true["cog[words,synonyms]"]) == (0, 0, 0)
    assert 90 < true["cover[words,synonyms]"] < 100  # some words are another object's first
    false = benchmark.rate(items, [(item.id, ", ".join(item.truth["hallu"])) for item in items]).metrics
    assert false["cover[words,synonyms]"] < 20
    assert false["cog[words,synonyms]"] > 80
    assert false["hal[words,synonyms]"] > 99


@published
def test_questions_of_each_kind(run: Run, tmp_path: Path) -> None:
    rows = json.loads((PUBLISHED / "annotations.json").read_text())
    kinds = [row for row in rows if row["id"] > 1004]
    (tmp_path / "query_discriminative.json").write_text(
        json.dumps([{"id": row["id"], "image": "AMBER_1.jpg", "query": "Is it?"} for row in kinds])
    )
    (tmp_path / "annotations.json").write_text(json.dumps(rows))
    benchmark = AmberDiscriminative(AmberDiscriminativeOptions(path=tmp_path, reading="exact"), run)
    items = benchmark.items()
    assert len(items) == 14216
    metrics = benchmark.rate(items, [(item.id, "No") for item in items]).metrics
    # 9,427 of 14,216 are to be answered with no; all 4,924 of existence
    assert metrics["accuracy"] == metrics["precision"] == pytest.approx(100 * 9427 / 14216)
    assert metrics["recall"] == 100
    assert metrics["existence_accuracy"] == 100
    assert metrics["existence_f1"] == 100.0 or metrics["existence_f1"] == 99.9  # 2 / 2.001
    assert associations(folder_of(PUBLISHED, "amber-discriminative")).safe >= {"orange", "snack"}


def test_a_changed_file_of_vectors_is_noticed(tmp_path: Path) -> None:
    plain = AmberGenerativeOptions(path=tmp_path)
    assert amber_inputs(plain) == [tmp_path]
    table = AmberGenerativeOptions(path=tmp_path, similarity="vectors", vectors="glove.txt")
    assert amber_inputs(table) == [tmp_path, Path("glove.txt")]
