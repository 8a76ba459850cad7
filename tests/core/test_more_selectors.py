"""Selectors of mllm-dpo's methods and studies, on tables worked by hand."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from pairsmith.builtin.steering import INSTRUCTION, steered, suffix, unsteered
from pairsmith.errors import ComponentNotFoundError, OptionsError, StageError
from pairsmith.interfaces import Run
from pairsmith.options import read
from pairsmith.registry import Registry
from pairsmith.values import Demonstration, Dropped, Judged, Pair, Response, Sample, Turn, Verdict, user
from pairsmith.within import builder

REGISTRY = Registry.discover()
RUN = Run(directory=Path(), images=Mock(), component=builder(REGISTRY, lambda: RUN))
NAMES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")


def selector(name: str, **table: Any) -> Any:
    component = REGISTRY.find("pair_selectors", name).component
    return component.build(read(table, component.options_class, "pairs"), RUN)


def graded(*grades: Iterable[float] | None, judge: str = "rubric", sample: str = "s") -> Judged:
    """A sample with an answer per row of grades; ``None`` stands for a skipped verdict."""
    answers = [Response(id=f"{sample}/{n}", sample_id=sample, text=f"answer {n}") for n in range(len(grades))]
    return Judged(
        sample=Sample(id=sample, prompt=user("What is this?")),
        responses=tuple(answers),
        verdicts=tuple(
            Verdict(judge=judge, response_id=answer.id, outcome="skipped", reason="no reply")
            if row is None
            else Verdict(
                judge=judge,
                response_id=answer.id,
                score=0,
                evidence={"attributes": dict(zip(NAMES, row, strict=False))},
            )
            for answer, row in zip(answers, grades, strict=True)
        ),
    )


def scored(*scores: float, texts: Iterable[str] = (), sample: str = "s") -> Judged:
    names = [f"{sample}/{n}" for n in range(len(scores))]
    said = list(texts) or [f"answer {name}" for name in names]
    return Judged(
        sample=Sample(id=sample, prompt=user("?")),
        responses=tuple(Response(id=n, sample_id=sample, text=text) for n, text in zip(names, said, strict=True)),
        verdicts=tuple(Verdict(judge="rm", response_id=n, score=one) for n, one in zip(names, scores, strict=True)),
    )


def pairs(made: Iterable[Any]) -> list[str]:
    return [f"{one.chosen.id[2:]}>{one.rejected.id[2:]}" for one in made if isinstance(one, Pair)]


# max-vs-random-below -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "expected"), [
    (((4, 4, 4), (4, 4, 2), (4, 4, 3)), {"0>1"}),  # a gap of exactly 2 counts, 1 does not
    (((4, 4, 3), (4, 4, 4), (0, 0, 0), (4, 4, 2)), {"1>2", "1>3"}),
    (((4, 4, 4), (4, 4, 3)), set()),
    (((4, 4, 0), (4, 4, 0)), set()),
    (((2, 2, 2), (4, 4, 4), (4, 4, 4)), {"1>0"}),  # the first of the best
    ((None, (1, 1, 1), (4, 4, 4)), {"2>1"}),
    ((None, (4, 4, 4)), set()),
    ((), set()),
])  # fmt: skip
def test_the_best_against_one_far_enough_below(rows: Any, expected: set[str]) -> None:
    judged = graded(*(row if row is None else (*row, 0, 0) for row in rows))
    choose = selector("max-vs-random-below")
    drawn = [choose.select(judged, seed=seed) for seed in range(40)]
    assert {name for made in drawn for name in pairs(made)} == expected
    assert [choose.select(judged, seed=seed) for seed in range(40)] == drawn


def test_another_seed_draws_otherwise() -> None:
    judged = graded((4, 4, 4, 0, 0), *((n, 0, 0, 0, 0) for n in range(4)))
    own, other = (
        [pairs(selector("max-vs-random-below", seed=number).select(judged, seed=s)) for s in range(20)]
        for number in (0, 1)
    )
    assert own != other


def test_complexity_and_verbosity_do_not_count_unless_asked() -> None:
    judged = graded((2, 2, 2, 4, 4), (2, 2, 2, 0, 0))
    assert selector("max-vs-random-below").select(judged, seed=0) == ()
    (pair,) = selector("max-vs-random-below", attributes=list(NAMES)).select(judged, seed=0)
    assert pair.scores == (14, 6)


def test_any_selector_can_compare_attributes_with_weights() -> None:
    judged = graded((4, 0, 0, 0, 0), (0, 3, 3, 0, 0))
    choose = selector("best-worst", score="attributes", weights={"Helpfulness": 2.0, "coherence": 0.5})
    (pair,) = choose.select(judged, seed=0)
    assert (pair.chosen.id, pair.scores) == ("s/0", (8.0, 4.5))


def test_attributes_of_several_judges_are_averaged() -> None:
    one, other = graded((4, 4, 4), (0, 0, 0), judge="a"), graded((0, 0, 0), (2, 0, 0), judge="b")
    both = evolve(one, verdicts=one.verdicts + other.verdicts)
    (pair,) = selector("max-vs-random-below").select(both, seed=0)
    assert pair.scores == (6, 1)
    assert selector("max-vs-random-below", judge_weights={"a": 0.0}).select(both, seed=0)[0].chosen.id == "s/1"
    half = evolve(both, verdicts=both.verdicts[:3])  # b left one answer out, and only the other can be compared
    assert selector("max-vs-random-below").select(half, seed=0) == ()


@pytest.mark.parametrize(("change", "said"), [
    (lambda v: evolve(v, evidence={}), r"the judges \(rubric\) gave no attributes"),
    (lambda v: evolve(v, evidence={"attributes": {"helpfulness": 4}}), "graded no 'correctness'; it graded helpfulness"),
    (lambda v: evolve(v, evidence={"attributes": {"helpfulness": "4"}}), "must be numbers by name"),
    (lambda v: evolve(v, evidence={"attributes": [1, 2]}), "must be numbers by name"),
])  # fmt: skip
def test_attributes_that_are_not_there_are_not_silently_nothing(change: Any, said: str) -> None:
    judged = graded((4, 4, 4), (0, 0, 0))
    judged = evolve(judged, verdicts=tuple(map(change, judged.verdicts)))
    with pytest.raises(StageError, match=said):
        selector("max-vs-random-below").select(judged, seed=0)


# best-only, rejection-sampling ---------------------------------------------------------------------------------------


def test_only_perfect_answers_are_imitated() -> None:
    judged = graded((4, 4, 3, 4, 4), (4, 4, 4, 0, 1), (4, 4, 4, 2, 2))
    assert [one.chosen.id for one in selector("best-only").select(judged, seed=0)] == ["s/1"]
    assert [one.chosen.id for one in selector("best-only", per_sample=5).select(judged, seed=0)] == ["s/1", "s/2"]
    assert [one.score for one in selector("best-only", min_score=11.0, per_sample=5).select(judged, seed=0)] == [
        11,
        12,
        12,
    ]
    assert selector("best-only").select(graded((4, 4, 3)), seed=0) == ()


def test_the_best_of_n() -> None:
    judged = scored(1, 3, 3, 2)
    (one,) = selector("rejection-sampling", score="score").select(judged, seed=0)
    assert (one.chosen.id, one.score, one.id) == ("s/1", 3, "s:s/1")
    choose = selector("rejection-sampling", score="score", ties="random")
    assert {choose.select(judged, seed=seed)[0].chosen.id for seed in range(30)} == {"s/1", "s/2"}
    assert selector("rejection-sampling", score="score", min_score=3.0).select(judged, seed=0)
    assert selector("rejection-sampling", score="score", min_score=3.1).select(judged, seed=0) == ()


# steerlm -------------------------------------------------------------------------------------------------------------


def test_every_graded_answer_is_imitated_with_its_own_grades() -> None:
    judged = graded((4, 4, 3, 2, 2), None, (0, 1, 2, 3, 4))
    made = selector("steerlm").select(judged, seed=0)
    assert [one.chosen.id for one in made] == ["s/0", "s/2"]
    texts = [one.chosen.prompt[-1].text for one in made]
    assert texts[0].startswith("What is this?\nPlease answer")
    assert texts[0].endswith("\nHelpfulness:4,Correctness:4,Coherence:3,Complexity:2,Verbosity:2")
    assert texts[1].endswith("\nHelpfulness:0,Correctness:1,Coherence:2,Complexity:3,Verbosity:4")
    assert judged.sample.prompt[0].text == "What is this?", "nothing of the sample changes"
    assert [unsteered(text) for text in texts] == ["What is this?"] * 2


def test_a_suffix_is_never_put_twice() -> None:
    turns = user("What is this?")
    once = steered(turns, {"helpfulness": 2})
    assert steered(once, {"helpfulness": 4}) == steered(turns, {"helpfulness": 4})
    assert unsteered("a\nPlease answer now") == "a\nPlease answer now"


def test_the_suffix_belongs_to_the_last_question() -> None:
    turns = (*user("One?"), Turn(role="assistant", text="1."), Turn(role="user", text="Two?"))
    made = steered(turns, {"x": 1}, "As\n{attributes}")
    assert [turn.text for turn in made] == ["One?", "1.", "Two?\nAs\nX:1"]
    with pytest.raises(StageError, match="without a question"):
        steered((Turn(role="system", text="Be kind."),), {"x": 1})


@given(st.text(), st.dictionaries(st.text("abc", min_size=1), st.integers(0, 4), min_size=1))
def test_what_is_put_on_can_be_taken_off(text: str, grades: Mapping[str, float]) -> None:
    if "\n" + INSTRUCTION.partition("{")[0] not in text:
        assert unsteered(text + suffix(grades)) == text


def test_several_rubrics_are_told_apart() -> None:
    one, other = graded((4, 4, 4, 4, 4), judge="a"), graded((0, 0, 0, 0, 0), judge="b")
    both = evolve(one, verdicts=one.verdicts + other.verdicts)
    with pytest.raises(StageError, match=r"several judges gave attributes \(a, b\)"):
        selector("steerlm").select(both, seed=0)
    (made,) = selector("steerlm", judge="b").select(both, seed=0)
    assert "Helpfulness:0" in made.chosen.prompt[-1].text


@pytest.mark.parametrize("instruction", ["no place", "{attributes}", " \n{attributes}"])
def test_an_instruction_that_cannot_be_found_again_is_refused(instruction: str) -> None:
    with pytest.raises(OptionsError, match="must say something before"):
        selector("steerlm", instruction=instruction)


def test_at_inference_the_wish_is_always_the_same(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"id": "a", "response": "A cat."}\n{"id": "b", "response": "A dog."}\n')
    component = REGISTRY.find("generators", "steered").component
    table = {"generator": {"use": "stored", "path": str(path)}, "grades": {"helpfulness": 4, "verbosity": 2}}
    generator = component.build(read(table, component.options_class, "evaluation"), RUN)
    samples = [Sample(id=name, prompt=user("What?"), context="At sea") for name in "ab"]
    with generator:
        answers = generator.respond(samples, seed=0, greedy=True)
    assert [one.text for (one,) in answers] == ["A cat.", "A dog."]
    assert all(one.prompt[0].text.endswith("\nHelpfulness:4,Verbosity:2") for (one,) in answers)
    with pytest.raises(ComponentNotFoundError, match="did you mean 'stored'"):
        component.build(read({"generator": {"use": "storred"}}, component.options_class, "evaluation"), RUN)


# subset, flip --------------------------------------------------------------------------------------------------------

MANY = [(scored(n % 5, (n + 2) % 5, sample=f"s{n}"), n) for n in range(200)]
INNER = {"use": "best-worst", "score": "score"}


def taken(name: str, **table: Any) -> tuple[list[Any], Mapping[str, Any]]:
    made = selector(name, selector=INNER, **table)
    made.survey(MANY)
    return [one for judged, seed in MANY for one in made.select(judged, seed=seed)], made.facts()


def test_a_share_is_exact_and_contained_in_a_larger_one() -> None:
    kept = []
    for share, number in ((0.25, 50), (0.5, 100), (0.75, 150), (1.0, 200)):
        made, facts = taken("subset", share=share)
        kept.append({one.id for one in made if isinstance(one, Pair)})
        assert len(kept[-1]) == number
        assert facts == {"subset": f"{number} of 200"}
        assert {one.reason for one in made if isinstance(one, Dropped)} <= {"not in the subset"}
        assert len(made) == 200
    assert kept[0] < kept[1] < kept[2] < kept[3]
    assert {one.id for one in taken("subset", count=7)[0] if isinstance(one, Pair)} < kept[0]
    assert {one.id for one in taken("subset", share=0.25, seed=1)[0] if isinstance(one, Pair)} != kept[0]


def test_more_than_there_is_and_two_ways_at_once_are_refused() -> None:
    with pytest.raises(StageError, match="count = 201: the selector makes only 200"):
        taken("subset", count=201)
    with pytest.raises(OptionsError, match="give 'share' or 'count', not both"):
        taken("subset", count=3, share=0.5)


def test_some_pairs_are_the_wrong_way_round() -> None:
    plain, _ = taken("subset")
    made, facts = taken("flip", share=0.25)
    assert facts == {"flipped": "50 of 200"}
    assert len(made) == 200
    assert len({one.id for one in made}) == 200
    flipped = 0
    for before, after in zip(plain, made, strict=True):
        if after.id.endswith(":flipped"):
            flipped += 1
            assert (after.chosen, after.rejected) == (before.rejected, before.chosen)
            assert after.scores == before.scores[::-1]
        else:
            assert after == before
    assert flipped == 50
    assert taken("flip", share=0.0)[0] == plain
    assert all(one.id.endswith(":flipped") for one in taken("flip", share=1.0)[0])


def test_a_demonstration_cannot_be_flipped() -> None:
    made = selector("flip", share=1.0, selector={"use": "rejection-sampling", "score": "score"})
    with pytest.raises(StageError, match="'s:s/1' is a demonstration"):
        made.select(scored(1, 2), seed=0)


def test_demonstrations_have_subsets_too() -> None:
    made = selector("subset", selector={"use": "rejection-sampling", "score": "score"}, count=3)
    made.survey(MANY)
    chosen = [one for judged, seed in MANY for one in made.select(judged, seed=seed)]
    assert sum(isinstance(one, Demonstration) for one in chosen) == 3


def test_one_study_may_contain_another() -> None:
    made = selector("flip", share=0.5, selector={"use": "subset", "count": 10, "selector": INNER})
    made.survey(MANY)
    chosen = [one for judged, seed in MANY for one in made.select(judged, seed=seed)]
    there = [one for one in chosen if isinstance(one, Pair)]
    assert (len(there), sum(one.id.endswith(":flipped") for one in there)) == (10, 5)


# length-balance ------------------------------------------------------------------------------------------------------


def balanced(rows: Iterable[tuple[float, int, int]], **table: Any) -> tuple[list[Any], Mapping[str, Any]]:
    """Rows of margin, words of the chosen and words of the rejected answer."""
    everything = [
        (scored(margin, 0, texts=("a " * chosen, "b " * rejected), sample=f"s{n}"), n)
        for n, (margin, chosen, rejected) in enumerate(rows)
    ]
    made = selector("length-balance", selector=INNER, **table)
    made.survey(everything)
    return [one for judged, seed in everything for one in made.select(judged, seed=seed)], made.facts()


def test_the_least_margins_of_the_longer_side_go_first() -> None:
    rows = [(1, 9, 3), (2, 8, 3), (3, 7, 3), (1, 3, 7), (9, 5, 5)]  # differences +6 +5 +4 -4 0: a bias of 11 in 5 pairs
    made, facts = balanced(rows)
    assert [one.id if isinstance(one, Dropped) else "kept" for one in made] == [
        "s0:s0/0:s0/1", "s1:s1/0:s1/1", "kept", "kept", "kept",
    ]  # fmt: skip
    assert made[0].reason == "length-balance"
    assert made[0].detail == "9 against 3 words, margin 1"
    assert facts == {
        "length before": "6.40 against 4.20 words (+2.20) in 5 pairs",
        "length after": "5.00 against 5.00 words (+0.00) in 3 pairs",
        "least margin where chosen is longer": 3,
    }


def test_where_the_chosen_are_shorter_the_others_must_be_won_by_more() -> None:
    made, facts = balanced([(1, 2, 9), (5, 2, 9), (1, 9, 2)])
    assert [isinstance(one, Dropped) for one in made] == [True, False, False]
    assert facts["least margin where chosen is shorter"] == 5
    assert facts["length after"] == "5.50 against 5.50 words (+0.00) in 2 pairs"


def test_what_is_balanced_stays_and_lengths_may_be_characters() -> None:
    made, facts = balanced([(1, 2, 3), (1, 3, 2)])
    assert not [one for one in made if isinstance(one, Dropped)]
    assert set(facts) == {"length before", "length after"}
    assert "characters" in balanced([(1, 2, 3), (1, 3, 2)], unit="characters")[1]["length before"]


def test_what_cannot_be_balanced_says_so() -> None:
    with pytest.raises(StageError, match="the chosen answer is the longer one in all 2 pairs"):
        balanced([(1, 3, 2), (2, 4, 1)])


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)), max_size=12))
def test_no_cut_of_the_longer_side_balances_better(rows: list[tuple[int, int, int]]) -> None:
    bias = sum(chosen - rejected for _, chosen, rejected in rows)
    sign = (bias > 0) - (bias < 0)
    if rows and all((chosen - rejected) * sign > 0 for _, chosen, rejected in rows):
        with pytest.raises(StageError):
            balanced(rows)
        return
    made, _ = balanced(rows)
    left = [row for row, one in zip(rows, made, strict=True) if isinstance(one, Pair)]
    after = sum(chosen - rejected for _, chosen, rejected in left)
    assert abs(after) <= abs(bias)
    gone = [row for row, one in zip(rows, made, strict=True) if isinstance(one, Dropped)]
    assert all((chosen - rejected) * sign > 0 for _, chosen, rejected in gone)
    for margin, _, _ in gone:
        assert all(margin <= other for other, chosen, rejected in left if (chosen - rejected) * sign > 0)


# the tables of inner selectors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["subset", "flip", "length-balance"])
def test_the_inner_selector_is_checked_when_it_is_built(name: str) -> None:
    more = {"share": 0.5} if name == "flip" else {}
    with pytest.raises(ComponentNotFoundError, match="did you mean 'best-worst'"):
        selector(name, selector={"use": "best-wurst"}, **more)
    with pytest.raises(OptionsError, match=r"selector\.min_margin"):
        selector(name, selector={"use": "best-worst", "min_margin": -1.0}, **more)
