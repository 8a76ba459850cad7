"""Scores of responses, on verdicts worked by hand."""

import pytest

from pairsmith.errors import OptionsError, StageError
from pairsmith.options import read
from pairsmith.scores import ScoreOptions, scores
from pairsmith.values import Claim, Judged, Response, Sample, Verdict, user

OUTCOMES = {"+": "supported", "-": "contradicted", "?": "skipped"}


def judged(*responses: str) -> Judged:
    """Make a judged sample: ``"object+ count-"`` is a response with a true object and a false count."""
    made, claims, verdicts = [], [], []
    for number, text in enumerate(responses):
        made.append(Response(id=f"r{number}", sample_id="s", text=text))
        for place, mark in enumerate(text.split()):
            claim = Claim(id=f"r{number}#{place}", response_id=f"r{number}", aspect=mark[:-1], text=mark)
            outcome = OUTCOMES[mark[-1]]
            reason = "unsure" if outcome == "skipped" else ""
            claims.append(claim)
            verdicts.append(
                Verdict(judge="vqa", response_id=claim.response_id, claim_id=claim.id, outcome=outcome, reason=reason)
            )
    return Judged(
        sample=Sample(id="s", prompt=user("?")),
        responses=tuple(made),
        claims=tuple(claims),
        verdicts=tuple(verdicts),
    )


def rewarded(*rows: tuple[str, str, float | None]) -> Judged:
    """Make a judged sample of (judge, response, score); no score stands for a skipped verdict."""
    verdicts = [
        Verdict(judge=judge, response_id=name, score=score)
        if score is not None
        else Verdict(judge=judge, response_id=name, outcome="skipped", reason="unsure")
        for judge, name, score in rows
    ]
    names = dict.fromkeys(name for _, name, _ in rows)
    return Judged(
        sample=Sample(id="s", prompt=user("?")),
        responses=tuple(Response(id=name, sample_id="s", text=name) for name in names),
        verdicts=tuple(verdicts),
    )


TABLE = judged("object+ object+ count-", "object- count- count-", "object+", "object? count?", "")


@pytest.mark.parametrize(("how", "expected"), [
    ("difference", (1, -3, 1, None, None)),
    ("sum", (-1, -3, 0, None, None)),
    ("average", (-1 / 3, -1, 0, None, None)),
])  # fmt: skip
def test_scores_by_hand(how: str, expected: tuple[float | None, ...]) -> None:
    found = scores(TABLE, ScoreOptions(score=how))
    assert found == pytest.approx(expected)
    assert str(found[2]) in {"1.0", "0.0"}, "a score of nothing false is 0.0, not -0.0"


def test_doubling_a_weight_is_listing_an_aspect_twice() -> None:
    twice = judged("object+ object+ object- object- count-")
    for how in ("difference", "sum", "average"):
        weighted = scores(judged("object+ object- count-"), ScoreOptions(score=how, weights={"object": 2.0}))
        assert weighted == scores(twice, ScoreOptions(score=how))


def test_a_weight_of_zero_leaves_an_aspect_out() -> None:
    options = ScoreOptions(score="average", weights={"count": 0.0})
    assert scores(TABLE, options) == (0, -1, 0, None, None)
    assert scores(judged("count-"), options) == (None,)


def test_skipped_claims_count_neither_above_nor_below() -> None:
    for how in ("difference", "sum", "average"):
        options = ScoreOptions(score=how)
        assert scores(judged("object+ count-"), options) == scores(judged("object+ count- scale? text?"), options)


def test_every_verdict_of_a_claim_counts() -> None:
    claim = Claim(id="c", response_id="r", aspect="object", text="a dog")
    base = judged("")
    both = Judged(
        sample=base.sample,
        responses=(Response(id="r", sample_id="s", text="A dog."),),
        claims=(claim,),
        verdicts=tuple(
            Verdict(judge=judge, response_id="r", claim_id="c", outcome=outcome)
            for judge, outcome in (("one", "supported"), ("two", "contradicted"))
        ),
    )
    assert scores(both, ScoreOptions(score="average")) == (-0.5,)
    assert scores(both, ScoreOptions(score="average", judge_weights={"two": 3.0})) == (-0.75,)
    assert scores(both, ScoreOptions(score="difference", judge_weights={"two": 0.0})) == (1,)


def test_an_outcome_on_a_whole_response_has_an_aspect_of_its_own() -> None:
    whole = rewarded(("judge", "a", None))
    verdict = Verdict(judge="judge", response_id="a", outcome="contradicted")
    whole = Judged(sample=whole.sample, responses=whole.responses, verdicts=(verdict,))
    assert scores(whole, ScoreOptions()) == (-1,)
    assert scores(whole, ScoreOptions(weights={"response": 2.0})) == (-2,)


def test_rewards_are_meant_over_judges() -> None:
    table = rewarded(("a", "x", 1.0), ("b", "x", 4.0), ("a", "y", 2.0), ("b", "y", 0.0))
    assert scores(table, ScoreOptions(score="score")) == (2.5, 1.0)
    assert scores(table, ScoreOptions(score="score", judge_weights={"a": 3.0})) == (1.75, 1.5)
    assert scores(table, ScoreOptions(score="score", judge_weights={"b": 0.0})) == (1.0, 2.0)


def test_a_judge_of_claims_counts_once_however_many_it_scored() -> None:
    claims = tuple(
        Claim(id=f"c{n}", response_id="x", aspect=aspect, text="") for n, aspect in enumerate(("object", "count"))
    )
    table = Judged(
        sample=Sample(id="s", prompt=user("?")),
        responses=(Response(id="x", sample_id="s", text="x"),),
        claims=claims,
        verdicts=(
            Verdict(judge="vqa", response_id="x", claim_id="c0", score=1.0),
            Verdict(judge="vqa", response_id="x", claim_id="c1", score=0.0),
            Verdict(judge="clip", response_id="x", score=0.8),
        ),
    )
    assert scores(table, ScoreOptions(score="score")) == pytest.approx((0.65,))
    assert scores(table, ScoreOptions(score="score", weights={"object": 3.0})) == pytest.approx((0.775,))


def test_a_response_that_one_judge_left_unscored_has_no_reward() -> None:
    table = rewarded(("a", "x", 1.0), ("b", "x", 4.0), ("a", "y", 2.0), ("b", "y", None))
    assert scores(table, ScoreOptions(score="score")) == (2.5, None)


def test_verdicts_of_the_other_sort_are_an_error_and_not_a_silence() -> None:
    with pytest.raises(StageError, match=r"score = 'difference': the judges \(a\) gave scores only; set score to"):
        scores(rewarded(("a", "x", 1.0)), ScoreOptions())
    with pytest.raises(StageError, match=r"score = 'score': the judges \(vqa\) gave outcomes only"):
        scores(TABLE, ScoreOptions(score="score"))
    assert scores(rewarded(("a", "x", None)), ScoreOptions(score="score")) == (None,)
    nothing = Judged(sample=TABLE.sample, responses=TABLE.responses)
    assert scores(nothing, ScoreOptions(score="score")) == scores(nothing, ScoreOptions()) == (None,) * 5


@pytest.mark.parametrize(("table", "said"), [
    ({"score": "mean"}, "score: expected one of 'difference', 'sum', 'average', 'score', 'attributes', got 'mean'"),
    ({"weights": {"object": -1.0}}, "the weight of 'object' must be a finite number of at least 0: -1.0"),
    ({"weights": {"object": "2"}}, "weights.object: expected a number, got '2'"),
    ({"judge_weights": {"a": float("nan")}}, "the weight of 'a' must be a finite number"),
])  # fmt: skip
def test_options_are_refused_with_their_place(table: dict[str, object], said: str) -> None:
    with pytest.raises(OptionsError) as error:
        read(table, ScoreOptions, "pairs")
    assert said in str(error.value)
