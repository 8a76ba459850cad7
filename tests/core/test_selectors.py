"""The core's selectors, on tables worked by hand."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from pairsmith.errors import OptionsError, StageError
from pairsmith.interfaces import PairSelector, Run
from pairsmith.options import read
from pairsmith.registry import Registry
from pairsmith.values import Demonstration, Judged, Pair, Response, Sample, Verdict, user

RUN = Run(directory=Path(), images=Mock())
REGISTRY = Registry.discover()


def selector(name: str, **table: Any) -> PairSelector:
    component = REGISTRY.find("pair_selectors", name).component
    made: PairSelector = component.build(read(table, component.options_class, "pairs"), RUN)
    return made


def rated(*scores: float | None, texts: tuple[str, ...] = ()) -> Judged:
    """Make a sample with a response per score; ``None`` stands for a skipped verdict."""
    names = [f"s/{number}" for number in range(len(scores))]
    return Judged(
        sample=Sample(id="s", prompt=user("What?")),
        responses=tuple(
            Response(id=name, sample_id="s", text=text) for name, text in zip(names, texts or names, strict=True)
        ),
        verdicts=tuple(
            Verdict(judge="rm", response_id=name, score=score)
            if score is not None
            else Verdict(judge="rm", response_id=name, outcome="skipped", reason="unsure")
            for name, score in zip(names, scores, strict=True)
        ),
    )


def chosen(name: str, judged: Judged, *, seed: int = 0, **table: Any) -> list[str]:
    """Return the pairs as "0>2", the numbers of the responses."""
    made = selector(name, **{"score": "score", **table}).select(judged, seed=seed)
    assert len({pair.id for pair in made}) == len(made), "ids are unique"
    for pair in made:
        assert isinstance(pair, Pair)
        assert pair.id == f"s:{pair.chosen.id}:{pair.rejected.id}"
    return [f"{pair.chosen.id[2:]}>{pair.rejected.id[2:]}" for pair in made if isinstance(pair, Pair)]


# best-worst ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scores", "expected"), [
    ((1, 3, 2), ["1>0"]),
    ((3, 1, 3, 1), ["0>1"]),  # the first of equals on both sides
    ((2, 2, 2), []),
    ((2,), []),
    ((), []),
    ((None, None), []),
    ((None, 1, 2), ["2>1"]),
    ((None, 1), []),
    ((0.1 + 0.2, 0.3), []),  # equal but for rounding
])  # fmt: skip
def test_best_against_worst(scores: tuple[float | None, ...], expected: list[str]) -> None:
    assert chosen("best-worst", rated(*scores)) == expected


def test_the_margin_of_best_and_worst_is_inclusive() -> None:
    assert chosen("best-worst", rated(-0.1, -0.4), min_margin=0.3) == ["0>1"]
    assert chosen("best-worst", rated(-0.1, -0.39), min_margin=0.3) == []


def test_scores_go_with_the_pair() -> None:
    (pair,) = selector("best-worst", score="score").select(rated(1, 3, 2), seed=0)
    assert isinstance(pair, Pair)
    assert pair.scores == (3, 1)


def test_a_random_worse_answer_is_far_enough_below_the_best() -> None:
    table = rated(5, 4, 3, 2, 1)
    drawn = [chosen("best-worst", table, seed=seed, rejected="random", min_margin=2.0) for seed in range(40)]
    assert {pair for (pair,) in drawn} == {"0>2", "0>3", "0>4"}
    assert chosen("best-worst", table, seed=3, rejected="random") == chosen(
        "best-worst", table, seed=3, rejected="random"
    )
    assert chosen("best-worst", rated(2, 1), rejected="random", min_margin=2.0) == []


# margin --------------------------------------------------------------------------------------------------------------


def test_all_pairs_over_the_margin_the_largest_first() -> None:
    assert chosen("margin", rated(-0.4, 0, -0.1, -0.7), min_margin=0.3) == ["1>3", "2>3", "1>0", "2>0", "0>3"]


def test_a_margin_is_inclusive_whatever_floats_do() -> None:
    assert chosen("margin", rated(-0.1, -0.4), min_margin=0.3) == ["0>1"]
    assert chosen("margin", rated(-0.4, -0.1), min_margin=0.3) == ["1>0"]
    assert chosen("margin", rated(-0.1, -0.39), min_margin=0.3) == []


def test_equal_scores_never_make_a_pair() -> None:
    assert chosen("margin", rated(1, 1, 2), min_margin=0.0) == ["2>0", "2>1"]


def test_a_cap_keeps_the_largest_and_then_the_first() -> None:
    table = rated(1, 0, 1, 0)
    assert chosen("margin", table, min_margin=0.5) == ["0>1", "0>3", "2>1", "2>3"]
    assert chosen("margin", table, min_margin=0.5, per_image=3) == ["0>1", "0>3", "2>1"]


def test_eight_captions_make_at_most_28_pairs() -> None:
    assert len(chosen("margin", rated(*range(8)), min_margin=0.3)) == 28


def test_only_answers_to_the_same_prompt_are_paired_if_asked() -> None:
    table = rated(1, 0, 3)
    own = [evolve(one, prompt=user(text)) for one, text in zip(table.responses, ("a", "b", "a"), strict=True)]
    table = evolve(table, responses=tuple(own))
    assert chosen("margin", table, same_prompt=True) == ["2>0"]
    assert len(chosen("margin", table)) == 3


def test_words_can_be_cut() -> None:
    table = rated(1, 0, texts=(" one  two\nthree four", "five"))
    (pair,) = selector("margin", score="score", cut_words=3).select(table, seed=0)
    assert isinstance(pair, Pair)
    assert (pair.chosen.text, pair.rejected.text) == (" one  two\nthree", "five")
    assert pair.chosen.id == "s/0"


@given(st.lists(st.none() | st.integers(-5, 5), max_size=6), st.integers(0, 4))
def test_margin_finds_what_a_double_loop_finds(scores: list[int | None], margin: int) -> None:
    expected = {
        f"{i}>{j}"
        for i, one in enumerate(scores)
        for j, other in enumerate(scores)
        if one is not None and other is not None and one - other >= max(margin, 1)
    }
    assert set(chosen("margin", rated(*scores), min_margin=float(margin))) == expected


# identical texts -----------------------------------------------------------------------------------------------------


def test_identical_texts_are_considered_once() -> None:
    table = rated(3, 2, 1, 1, texts=("a", "a", "b", "b"))
    assert chosen("best-worst", table) == chosen("margin", table, min_margin=0.3) == ["0>2"]
    assert {pair for seed in range(9) for pair in chosen("random", table, seed=seed)} == {"0>2", "2>0"}
    assert chosen("random", rated(1, 2, texts=("a", "a"))) == []


# random --------------------------------------------------------------------------------------------------------------


def test_the_control_draws_any_two_in_any_order() -> None:
    drawn = {pair for seed in range(200) for pair in chosen("random", rated(1, 2, 3), seed=seed)}
    assert drawn == {"0>1", "1>0", "0>2", "2>0", "1>2", "2>1"}
    assert chosen("random", rated(1, 2, 3), seed=5) == chosen("random", rated(1, 2, 3), seed=5)


@given(st.lists(st.none() | st.integers(-2, 2), max_size=5), st.floats(0, 3), st.integers(0, 99))
def test_the_control_takes_the_samples_of_the_recipe(scores: list[int | None], margin: float, seed: int) -> None:
    table = rated(*scores)
    treated = chosen("best-worst", table, min_margin=margin)
    control = chosen("random", table, seed=seed, min_margin=margin)
    assert len(control) == len(treated)


def test_without_margin_the_control_needs_no_judge() -> None:
    table = evolve(rated(1, 2), verdicts=())
    (pair,) = selector("random").select(table, seed=0)
    assert isinstance(pair, Pair)
    assert pair.scores is None


def test_several_random_pairs_are_different_couples() -> None:
    drawn = chosen("random", rated(1, 2, 3), per_image=9)
    assert sorted("".join(sorted(pair)) for pair in drawn) == ["01>", "02>", "12>"]


# published -----------------------------------------------------------------------------------------------------------


def labelled(*labels: str) -> Judged:
    given_answers = tuple(
        Response(id=f"s/{n}", sample_id="s", text=f"text {n}", label=label)  # type: ignore[arg-type]
        for n, label in enumerate(labels)
    )
    return Judged(sample=Sample(id="s", prompt=user("What?"), given=given_answers), responses=given_answers)


@pytest.mark.parametrize(("labels", "expected"), [
    (("chosen", "rejected"), ["0>1"]),
    (("rejected", "chosen", "", "rejected", "chosen"), ["1>0", "1>3", "4>0", "4>3"]),
    (("chosen",), []),
    ((), []),
])  # fmt: skip
def test_labels_make_pairs(labels: tuple[str, ...], expected: list[str]) -> None:
    made = selector("published").select(labelled(*labels), seed=0)
    assert [f"{pair.chosen.id[2:]}>{pair.rejected.id[2:]}" for pair in made if isinstance(pair, Pair)] == expected


def test_identical_published_texts_are_left_to_hygiene() -> None:
    table = labelled("chosen", "rejected")
    table = evolve(table, responses=tuple(evolve(one, text="same") for one in table.responses))
    assert len(selector("published").select(table, seed=0)) == 1


def test_answers_without_a_label_are_not_silently_nothing() -> None:
    with pytest.raises(StageError, match="the answers of sample 's' carry no label"):
        selector("published").select(labelled("", ""), seed=0)
    assert selector("published", unlabelled="skip").select(labelled("", ""), seed=0) == ()


# demonstrations ------------------------------------------------------------------------------------------------------


def shown(judged: Judged, **table: Any) -> list[tuple[str, float | None]]:
    made = selector("demonstrations", **table).select(judged, seed=0)
    assert all(isinstance(one, Demonstration) for one in made)
    return [(one.chosen.text, one.score) for one in made if isinstance(one, Demonstration)]


def test_given_answers_are_imitated_but_never_the_rejected() -> None:
    assert shown(labelled("chosen", "rejected", "", "chosen")) == [("text 0", None), ("text 3", None)]
    assert shown(labelled("", "")) == [("text 0", None), ("text 1", None)]
    assert shown(labelled("rejected")) == []


def test_what_was_preferred_can_be_left_to_another_stage() -> None:
    assert shown(labelled("chosen", "rejected"), preferred="skip") == []
    assert shown(labelled("chosen"), preferred="skip") == [("text 0", None)]
    assert shown(labelled("", ""), preferred="skip") == [("text 0", None), ("text 1", None)]
    assert shown(evolve(rated(1, 2), sample=labelled("chosen", "rejected").sample), preferred="skip") == []


def test_generated_answers_are_not_imitated_unless_best() -> None:
    table = rated(1, 3, 3, 2)
    assert shown(table) == []
    assert shown(table, best=True, score="score") == [("s/1", 3)]
    assert shown(table, best=True, score="score", min_score=3.0) == [("s/1", 3)]
    assert shown(table, best=True, score="score", min_score=3.1) == []
    assert shown(rated(None, None), best=True, score="score") == []


def test_given_answers_come_before_generated_ones() -> None:
    table = evolve(rated(1, 2), sample=labelled("chosen", "rejected").sample)
    assert shown(table) == [("text 0", None)]


@pytest.mark.parametrize(("known", "expected"), [
    ({"reference": "A cat."}, ["A cat."]),
    ({"reference": ["A cat.", "One cat."]}, ["A cat.", "One cat."]),
    ({}, []),
])  # fmt: skip
def test_reference_answers_are_the_last_resort(known: dict[str, Any], expected: list[str]) -> None:
    table = Judged(sample=Sample(id="s", prompt=user("?"), truth=known), responses=())
    assert [text for text, _ in shown(table)] == expected
    made = selector("demonstrations").select(table, seed=0)
    assert len({one.id for one in made}) == len(expected)


# options -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "table", "said"), [
    ("best-worst", {"min_margin": -1.0}, "pairs.min_margin"),
    ("best-worst", {"rejected": "best"}, "expected one of 'worst', 'random', got 'best'"),
    ("margin", {"per_image": 0}, "pairs.per_image"),
    ("margin", {"min_margn": 0.3}, "did you mean 'min_margin'?"),
    ("random", {"per_image": "3"}, "expected an integer, got '3'"),
    ("published", {"min_margin": 0.3}, "unknown option; there are unlabelled"),
    ("demonstrations", {"preferred": "skip", "best": True}, "best = true about scores; leave one out"),
])  # fmt: skip
def test_options_are_refused(name: str, table: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionsError) as error:
        selector(name, **table)
    assert said in str(error.value)
