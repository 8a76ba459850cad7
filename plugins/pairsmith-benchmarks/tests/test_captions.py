"""Captions: every formula worked by hand, and against the libraries that implement it."""

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith_benchmarks.bleu import Overlap, bleu, counted, total
from pairsmith_benchmarks.bleu import overlap as overlap_of
from pairsmith_benchmarks.captions import Captions, repetition, score
from pairsmith_benchmarks.cider import corpus as corpus_of
from pairsmith_benchmarks.meteor import meteor
from pairsmith_benchmarks.options import CaptionsOptions
from pairsmith_benchmarks.sequences import common, edit_distance, rouge_l, rouge_l_coco
from pairsmith_benchmarks.tokenizers import tokenizer

Tokens = list[str]


def overlap(text: Tokens, references: list[Tokens]) -> Overlap:
    return overlap_of(counted(text), [counted(one) for one in references])


def ciders(images: list[list[Tokens]]) -> Callable[[Tokens, list[Tokens]], tuple[float, float]]:
    weights = corpus_of([[counted(one) for one in texts] for texts in images])
    return lambda text, references: weights.scores(counted(text), [counted(one) for one in references])


# By hand -------------------------------------------------------------------------------------------------------------


def test_bleu_of_the_paper() -> None:
    # Papineni et al., section 2.1, examples 1 and 2: modified unigram precisions 2/7, 17/18 and 8/14, bigrams 10/17, 1/13
    first = [["the", "cat", "is", "on", "the", "mat"], ["there", "is", "a", "cat", "on", "the", "mat"]]
    assert overlap(["the"] * 7, first).common[0] == 2
    references = [
        [
            "it",
            "is",
            "a",
            "guide",
            "to",
            "action",
            "that",
            "ensures",
            "that",
            "the",
            "military",
            "will",
            "forever",
            "heed",
            "party",
            "commands",
        ],
        [
            "it",
            "is",
            "the",
            "guiding",
            "principle",
            "which",
            "guarantees",
            "the",
            "military",
            "forces",
            "always",
            "being",
            "under",
            "the",
            "command",
            "of",
            "the",
            "party",
        ],
        [
            "it",
            "is",
            "the",
            "practical",
            "guide",
            "for",
            "the",
            "army",
            "always",
            "to",
            "heed",
            "the",
            "directions",
            "of",
            "the",
            "party",
        ],
    ]
    good = [
        "it",
        "is",
        "a",
        "guide",
        "to",
        "action",
        "which",
        "ensures",
        "that",
        "the",
        "military",
        "always",
        "obeys",
        "the",
        "commands",
        "of",
        "the",
        "party",
    ]
    bad = [
        "it",
        "is",
        "to",
        "insure",
        "the",
        "troops",
        "forever",
        "hearing",
        "the",
        "activity",
        "guidebook",
        "that",
        "party",
        "direct",
    ]
    assert (overlap(good, references).common[:2], overlap(good, references).ngrams[:2]) == ((17, 10), (18, 17))
    assert (overlap(bad, references).common[:2], overlap(bad, references).ngrams[:2]) == ((8, 1), (14, 13))


def test_bleu_by_hand() -> None:
    # "the the cat": unigrams 2/3, bigrams 1/2; 3 tokens for 4: penalty exp(1 - 4/3)
    scores = bleu(overlap(["the", "the", "cat"], [["the", "cat", "sat", "down"]]))
    penalty = math.exp(-1 / 3)
    assert scores["bleu_1_individual"] == scores["bleu_1_cumulative"] == pytest.approx(penalty * 2 / 3)
    assert scores["bleu_2_individual"] == pytest.approx(penalty / 2)
    assert scores["bleu_2_cumulative"] == pytest.approx(penalty * math.sqrt(2 / 3 * 1 / 2))
    assert scores["bleu_3_cumulative"] == scores["bleu_4_individual"] == 0


def test_the_shorter_of_two_equally_close_references_counts() -> None:
    assert overlap(list("abc"), [list("abcd"), list("ab")]).reference == 2


def test_cider_by_hand() -> None:
    # Two images; "a" is in both, so it weighs 0; "b", "a b" weigh log 2.
    scores = ciders([[["a", "b"]], [["a", "c"]]])
    assert scores(["a", "b"], [["a", "b"]]) == pytest.approx((5, 5))  # 10 x (1 + 1 + 0 + 0) / 4
    # "a b b": unigrams (b: 2) against (b: 1) have cosine 1, clipped 1/2; bigrams (ab, bb) against (ab) 1/sqrt 2;
    # one bigram more: exp(-1 / 72)
    plain, clipped = scores(["a", "b", "b"], [["a", "b"]])
    assert plain == pytest.approx(10 * (1 + 1 / math.sqrt(2)) / 4)
    assert clipped == pytest.approx(10 * (1 / 2 + 1 / math.sqrt(2)) / 4 * math.exp(-1 / 72))


def test_rouge_by_hand() -> None:
    # Lin, section 3.1: "police kill the gunman" and "the gunman kill police" against "police killed the gunman"
    reference = [["police", "killed", "the", "gunman"]]
    assert rouge_l(["police", "kill", "the", "gunman"], reference) == pytest.approx(3 / 4)
    assert rouge_l(["the", "gunman", "kill", "police"], reference) == pytest.approx(2 / 4)
    # precision 1/2, recall 1/4: (1 + 1.44) x 1/8 / (1/4 + 1.44 / 2)
    assert rouge_l_coco(["a", "x"], [["a", "b", "c", "d"]]) == pytest.approx(2.44 / 8 / (0.25 + 0.72))
    assert rouge_l([], [["a"]]) == rouge_l_coco([], [["a"]]) == 0


def test_edit_distance_by_hand() -> None:
    assert edit_distance(list("kitten"), list("sitting")) == 3
    assert edit_distance([], ["a"]) == 1
    assert edit_distance(["a"], []) == 1


def test_meteor_by_hand() -> None:
    # Four of four words in one chunk: F 1, penalty 0.5 x (1/4)^3. "dogs" matches "dog" by its stem.
    score_ = meteor("stem")
    assert score_([["a", "dog", "ran", "home"]], [[["a", "dogs", "ran", "home"]]]) == pytest.approx([1 - 0.5 / 64])
    # "home a": both words of two in two chunks; precision 1, recall 1/2: F = PR / (0.9 P + 0.1 R); penalty 0.5 x 1
    f = 0.5 / (0.9 + 0.05)
    assert score_([["home", "a"]], [[["a", "dog", "ran", "home"]]]) == pytest.approx([f * 0.5])
    assert score_([[]], [[["a"]]]) == [0.0]


def test_repetition_by_hand() -> None:
    # a b a b a b: 4-grams abab, baba, abab: one of three was there before
    assert repetition(counted(list("ababab"))) == pytest.approx(1 / 3)
    assert repetition(counted(list("abc"))) == 0


def test_scores_of_answers_by_hand(asked: Callable[..., Any]) -> None:
    items = asked({"references": ["a b"]}, {"references": ["a c", "c a"]})
    scores = score(items, [("1", "A b!"), ("2", "c a")], meteor=meteor("stem"))
    assert scores.metrics["bleu_2_cumulative_corpus"] == pytest.approx(100)
    assert scores.metrics["bleu_4_cumulative_mean"] == 0
    assert scores.metrics["rouge_l"] == 100
    assert scores.metrics["edit_distance"] == 0
    assert scores.metrics["length"] == 2
    assert scores.metrics["meteor_stem"] == pytest.approx(100 * (1 - 0.5 / 8))
    # "c a" of the second image: c and a in unigrams weigh log 2 and 0, bigrams log 2; the mean over both references
    assert scores.metrics["cider_d"] == pytest.approx(100 * (5 + (10 * (1 + 0) / 4 + 10 * 2 / 4) / 2) / 2)
    assert {"edit_distance", "repetition"} <= set(scores.lower_is_better)


def test_cider_needs_more_than_one_image(asked: Callable[..., Any]) -> None:
    assert "cider" not in score(asked({"references": ["a b"]}), [("1", "a b")]).metrics


def test_rare_words_are_counted_in_all_references_whatever_is_answered(asked: Callable[..., Any]) -> None:
    items = asked(*({"references": [text]} for text in ("a b", "a c", "a d")))
    alone = score(items, [("1", "a b")]).items[0]["cider"]
    assert alone == score(items, [("1", "a b"), ("2", "a"), ("3", "d")]).items[0]["cider"]


# Against the libraries -----------------------------------------------------------------------------------------------

TEXT = st.lists(st.sampled_from("abcde"), min_size=1, max_size=14)
PAIRS = st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=2, max_size=6)


@settings(deadline=None, max_examples=60)
@given(PAIRS)
def test_bleu_equals_pycocoevalcap(pairs: list[tuple[list[str], list[list[str]]]]) -> None:
    scorer = pytest.importorskip("pycocoevalcap.bleu.bleu_scorer").BleuScorer(n=4)
    for text, references in pairs:
        scorer += (" ".join(text), [" ".join(one) for one in references])
    whole, each = scorer.compute_score(option="closest", verbose=0)
    overlaps = [overlap(text, references) for text, references in pairs]
    for counts, theirs in [(total(overlaps), whole), *zip(overlaps, zip(*each, strict=True), strict=True)]:
        ours = bleu(counts)
        for order in (1, 2, 3, 4):
            if all(counts.common[:order]):
                assert ours[f"bleu_{order}_cumulative"] == pytest.approx(theirs[order - 1], rel=1e-6)
            else:
                # Against a division by zero the library adds 1e-15 to what is common and 1e-9 to the n-grams, which
                # makes something of nothing: at most (1e-6)^(1/4), where a text is too short for any n-gram.
                assert ours[f"bleu_{order}_cumulative"] == 0
                assert theirs[order - 1] < (0.032 if not all(counts.ngrams[:order]) else 2e-4)


@settings(deadline=None, max_examples=60)
@given(TEXT, st.lists(TEXT, min_size=1, max_size=3))
def test_bleu_equals_nltk(text: list[str], references: list[list[str]]) -> None:
    sentence_bleu = pytest.importorskip("nltk.translate.bleu_score").sentence_bleu
    ours = bleu(overlap(text, references))
    for order in (1, 2, 3, 4):
        if len(text) < order:
            continue  # NLTK takes the precision of no n-grams for 1/(no. of tokens)
        only = [0.0] * (order - 1) + [1.0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            individual = sentence_bleu(references, text, weights=only)
            cumulative = sentence_bleu(references, text, weights=[1 / order] * order)
        assert ours[f"bleu_{order}_individual"] == pytest.approx(individual, abs=1e-12)
        assert ours[f"bleu_{order}_cumulative"] == pytest.approx(cumulative, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(PAIRS)
def test_cider_d_equals_pycocoevalcap(pairs: list[tuple[list[str], list[list[str]]]]) -> None:
    Cider = pytest.importorskip("pycocoevalcap.cider.cider").Cider
    wanted = {n: [" ".join(one) for one in references] for n, (_, references) in enumerate(pairs)}
    _, theirs = Cider().compute_score(wanted, {n: [" ".join(text)] for n, (text, _) in enumerate(pairs)})
    scores = ciders([references for _, references in pairs])
    assert [scores(*pair)[1] for pair in pairs] == pytest.approx(list(theirs), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(TEXT, st.lists(TEXT, min_size=1, max_size=3))
def test_rouge_equals_the_libraries(text: list[str], references: list[list[str]]) -> None:
    coco = pytest.importorskip("pycocoevalcap.rouge.rouge").Rouge()
    lines = [" ".join(one) for one in references]
    assert rouge_l_coco(text, references) == pytest.approx(coco.calc_score([" ".join(text)], lines))
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
    theirs = max(scorer.score(line, " ".join(text))["rougeL"].fmeasure for line in lines)
    assert rouge_l(text, references) == pytest.approx(theirs)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from("abc"), max_size=90), st.lists(st.sampled_from("abc"), max_size=90))
def test_edit_distance_equals_nltk(one: list[str], other: list[str]) -> None:
    distance = pytest.importorskip("nltk.metrics.distance").edit_distance
    assert edit_distance(one, other) == distance(one, other)
    assert common(one, other) == (len(one) + len(other) - distance(one, other, substitution_cost=2)) / 2


# Tokens and METEOR of COCO -------------------------------------------------------------------------------------------

CAPTION = "A man's dog (brown), isn't on   a 2-seat\nsofa."


def test_ways_to_cut() -> None:
    assert tokenizer("words")([CAPTION]) == [["a", "man's", "dog", "brown", "isn't", "on", "a", "2-seat", "sofa"]]
    assert tokenizer("whitespace")([CAPTION])[0][:4] == ["A", "man's", "dog", "(brown),"]
    assert tokenizer("treebank")([CAPTION])[0][:7] == ["A", "man", "'s", "dog", "(", "brown", ")"]


def test_cocos_tokens() -> None:
    pytest.importorskip("pycocoevalcap")
    try:
        cut = tokenizer("ptb")
    except StageError as error:
        pytest.skip(str(error))
    tokens = cut([CAPTION, "", "Two dogs.", " "])
    # The brackets stay because the program looks for them in upper case, and so they do in published scores.
    assert tokens == [
        ["a", "man", "'s", "dog", "-lrb-", "brown", "-rrb-", "is", "n't", "on", "a", "2-seat", "sofa"],
        [],
        ["two", "dogs"],
        [],
    ]


@pytest.mark.slow
def test_cocos_meteor() -> None:
    pytest.importorskip("pycocoevalcap")
    try:
        program = meteor("java")
    except StageError as error:
        pytest.skip(str(error))
    same, other = program([["two", "dogs"], ["a", "cat"]], [[["two", "dogs"]], [["two", "dogs"]]])
    assert same == 1
    assert other == 0
    assert program([], []) == []


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import nltk

    monkeypatch.setattr("shutil.which", lambda _: None)
    pytest.importorskip("pycocoevalcap")
    with pytest.raises(StageError, match="tokens = 'ptb' runs a Java program and there is no 'java' on the path"):
        tokenizer("ptb")
    with pytest.raises(StageError, match="meteor = 'java' runs a Java program"):
        meteor("java")
    monkeypatch.setattr(nltk.data, "path", [])
    with pytest.raises(StageError, match=r"python -m nltk.downloader wordnet; or set meteor = 'stem'"):
        meteor("wordnet")


# Files ---------------------------------------------------------------------------------------------------------------


def test_rows_and_cocos_file(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    options = folders.captions(tmp_path)
    images, path = Path(options["images"]), Path(options["references"])
    benchmark = Captions(CaptionsOptions(references=path, images=images, tokens="whitespace"), run)
    first, second = benchmark.samples()
    assert (first.id, first.prompt[0].text) == ("1.jpg", "Describe this image in one sentence.")
    assert (second.id, second.prompt[0].text, second.context) == ("two", "Alt text?", "At the park")
    assert "tokens: whitespace" in benchmark.source
    path = folders.whole(tmp_path / "captions.json", folders.captions_file((1, ["a cat"]), (2, ["a", "b"])))
    made = Captions(CaptionsOptions(references=path, images=images), run).items()
    assert [item.truth["references"] for item in made] == [["a cat"], ["a", "b"]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"image": "1.jpg"}, "row 1 .* must have an array of texts 'references', none of them empty: None"),
        ({"image": "1.jpg", "references": ["a", " "]}, "none of them empty"),
        ({"image": "1.jpg", "references": []}, r"none of them empty: \[\]"),
        ({"references": ["a"]}, "must have a text 'image'"),
        ({"image": "/etc/passwd", "references": ["a"]}, "names an image outside its folder"),
        ({"image": "1.jpg", "references": ["a"], "context": 3}, "may have an 'id', a 'prompt' and a 'context'"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, run: Run, folders: SimpleNamespace, row: Any, message: str) -> None:
    path = folders.lines(tmp_path / "rows.jsonl", [row])
    with pytest.raises(StageError, match=message):
        Captions(CaptionsOptions(references=path, images=tmp_path), run).items()


def test_a_captions_file_without_captions_of_an_image(tmp_path: Path, run: Run, folders: SimpleNamespace) -> None:
    made = folders.captions_file((1, ["a cat"]), (2, []))
    path = tmp_path / "captions.json"
    path.write_text(json.dumps(made))
    with pytest.raises(StageError, match=r"has no caption of 1 of 2 images, such as '2.jpg'"):
        Captions(CaptionsOptions(references=path, images=tmp_path), run).items()
    path.unlink()
    with pytest.raises(StageError, match="is not a file"):
        Captions(CaptionsOptions(references=path, images=tmp_path), run).items()
