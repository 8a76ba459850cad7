import json
import random

import pytest

from pairsmith.errors import StageError, UsageError
from pairsmith.values import Verdict
from pairsmith_statistics.agreement import kappa, rate_interval, tau_b
from pairsmith_statistics.judges import JudgesReporter
from pairsmith_statistics.options import JudgesOptions


def said(judge, unit, outcome=None, score=None, **more):
    response, _, claim = unit.partition("#")
    claim_id = unit if claim else None
    return Verdict(judge=judge, response_id=response, claim_id=claim_id, outcome=outcome, score=score, **more)


def report(view, run, **options):
    paths = JudgesReporter(JudgesOptions(resamples=500, **options), run).report(view)
    found = json.loads((view.directory / "judges.json").read_text())
    return found, {one["judge"]: one for one in found["judges"]}, paths[0].read_text()


SIDES = ("supported", "contradicted")


def noisy(view, judged, noise, samples=60, claims=5):
    """A judge that is right, and one that says the opposite with a probability."""
    dice, rows = random.Random(3), []
    for n in range(samples):
        one = judged(f"s{n}", "a cat", claims=claims)
        true = [dice.random() < 0.7 for _ in one.claims]
        heard = [so != (dice.random() < noise) for so in true]
        rows.append(
            (
                one,
                {
                    "right": [said("r", c.id, SIDES[not so]) for c, so in zip(one.claims, true, strict=True)],
                    "noisy": [said("n", c.id, SIDES[not so]) for c, so in zip(one.claims, heard, strict=True)],
                },
            )
        )
    view.verdicts[""] = rows


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
def test_the_rate_of_errors_is_found(view, run, judged, noise):
    noisy(view, judged, noise)
    _, judges, page = report(view, run, truth="right")
    error = judges["noisy"]["truth"]["error"]
    assert error["n"] == 300
    assert error["low"] - 1e-9 <= 100 * noise <= error["high"]
    assert judges["noisy"]["truth"]["aspects"]["object"]["n"] == 300
    assert "right" not in judges
    assert "## Against right" in page


def test_agreement_by_hand(view, run, judged):
    one = judged("s", "a cat", claims=4)
    ids = [claim.id for claim in one.claims]
    view.verdicts[""] = [
        (
            one,
            {
                "a": [said("a", unit, SIDES[n > 2]) for n, unit in enumerate(ids)],  # + + + -
                "b": [said("b", unit, SIDES[n > 1], reason="*saw* it") for n, unit in enumerate(ids)],  # + + - -
            },
        )
    ]
    found, _, page = report(view, run)
    (between,) = found["between"]
    assert (between["agree"], between["disagreements"]) == (75, 1)
    assert between["kappa"] == pytest.approx((0.75 - 0.5) / (1 - 0.5))
    (example,) = between["examples"]
    assert example["claim"] == ids[2]
    assert example["said"] == {"a": "supported", "b": "contradicted"}
    assert "![s](" in page
    assert "a \\*thing\\* 2" in page
    assert "\\*saw\\* it" in page
    assert "No labels were given" in page


def test_kappa_and_tau_by_hand():
    assert kappa("yyyy", "yyyy") != kappa("yyyy", "yyyy")  # nothing to agree on beyond chance
    assert kappa("ynyn", "nyny") == -1
    # 4 pairs of 6 in order, 1 against, 1 tied in the second: (4 - 1) / sqrt(6 * 5)
    assert tau_b([1, 2, 3, 4], [1, 3, 2, 3]) == pytest.approx(3 / 30**0.5)
    assert tau_b([1, 1], [1, 2]) != tau_b([1, 1], [1, 2])


def test_rates_that_are_all_or_none_still_have_an_interval():
    found = rate_interval([(str(n), True) for n in range(20)], 0.95, 500, 0)
    assert found["rate"] == 100
    assert found["low"] == pytest.approx(100 * 20 / (20 + 1.959964**2))  # Wilson's, for all of n
    assert rate_interval([], 0.95, 500, 0)["n"] == 0


def test_a_judge_that_always_ties(view, run, judged):
    view.verdicts[""] = [
        (one, {"tie": [said("tie", answer.id, score=5.0) for answer in one.responses]})
        for one in (judged(f"s{n}", "short", "a much longer answer") for n in range(4))
    ]
    _, judges, page = report(view, run)
    assert judges["tie"]["ties"] == {"pairs": 4, "ties": 4}
    assert judges["tie"]["warnings"] == ["It ties on all 4 pairs of answers: no pair can be chosen by it."]
    assert judges["tie"]["length"]["longer_wins"]["n"] == 0
    assert "**tie: It ties on all 4 pairs" in page


def scored(view, judged, score, of="", samples=12):
    """Scores of four answers a sample, two of them labelled; ``score(text, label, place)``."""
    answers = [("one two three", "chosen"), ("one two four", "rejected"), ("one " * 9, ""), ("one " * 20, "")]
    rows = []
    for n in range(samples):
        one = judged(f"s{n}", *answers[n % 4 :], *answers[: n % 4])
        shown = one.responses if of == "" else one.responses[::-1]
        verdicts = [said("j", a.id, score=score(a.text, a.label, place)) for place, a in enumerate(shown)]
        rows.append((one, {"j": verdicts}))
    view.verdicts[of] = rows


def test_a_judge_of_lengths(view, run, judged):
    scored(view, judged, lambda text, label, place: len(text.split()) + (label == "chosen") / 10)
    judge = report(view, run)[1]["j"]
    assert judge["length"]["longer_wins"]["rate"] == 100
    assert judge["length"]["tau_b"] > 0.9
    assert judge["labelled"]["pairs"] == 12
    assert judge["labelled"]["equally_long"]["rate"] == 100  # of answers of three words each
    scored(view, judged, lambda text, label, place: float(label == "rejected"))
    judge = report(view, run)[1]["j"]
    assert judge["labelled"]["accuracy"]["rate"] == 0
    assert judge["length"]["longer_wins"]["rate"] < 50


def test_a_judge_of_places(view, run, judged):
    for of in ("", "swapped"):
        scored(view, judged, lambda text, label, place: -float(place), of)
    position = report(view, run)[1]["j"]["position"]
    assert position["pairs"] == 12 * 6
    assert position["turned"]["rate"] == 100
    assert position["first_wins"]["rate"] == 100


def test_a_judge_that_minds_no_place(view, run, judged):
    for of in ("", "swapped"):
        scored(view, judged, lambda text, label, place: float(len(text)) + (label == "chosen"), of)
    position = report(view, run)[1]["j"]["position"]
    assert position["turned"]["rate"] == 0
    assert position["first_wins"]["rate"] == 50
    assert position["first_wins"]["n"] == 2 * position["pairs"]


def test_where_a_judge_says_it_saw_an_answer_that_is_its_place(view, run, judged):
    one = judged("s", "first", "second")
    letters = {one.responses[0].id: "B", one.responses[1].id: "A"}
    for of in ("", "swapped"):
        evidence = letters if of == "" else {name: "AB"[letter == "A"] for name, letter in letters.items()}
        verdicts = [
            said("j", a.id, score=float(evidence[a.id] == "A"), evidence={"label": evidence[a.id]})
            for a in one.responses
        ]
        view.verdicts[of] = [(one, {"j": verdicts})]
    position = report(view, run)[1]["j"]["position"]
    assert (position["first_wins"]["rate"], position["turned"]["rate"]) == (100, 100)


def test_repeats(view, run, judged):
    one = judged("s", "a cat", claims=4)
    for of, last in (("", 4), ("repeat-1", 3), ("repeat-2", 4)):
        view.verdicts[of] = [(one, {"j": [said("j", c.id, SIDES[n >= last]) for n, c in enumerate(one.claims)]})]
    again = report(view, run)[1]["j"]["consistency"]
    assert again["repeats"] == 2
    assert again["same"]["rate"] == pytest.approx(100 * 10 / 12)  # two of the three pairs differ in one of four
    assert "## Asked again" in report(view, run)[2]


def test_calibration(view, run, judged, tmp_path):
    one = judged("s", "a cat", claims=4)
    verdicts = [said("j", claim.id, SIDES[0], score=0.9) for claim in one.claims]
    view.verdicts[""] = [(one, {"j": verdicts})]
    labels = tmp_path / "labels.jsonl"
    labels.write_text("".join(json.dumps({"claim": c.id, "label": n < 3}) + "\n" for n, c in enumerate(one.claims)))
    _, judges, page = report(view, run, labels=labels)
    assert judges["j"]["truth"]["calibration"]["ece"] == 15
    assert judges["j"]["truth"]["error"]["rate"] == 25
    assert judges["j"]["warnings"] == ["Whatever it judged it calls supported: its agreement with anyone says nothing."]
    assert "## Calibration of j" in page


def test_ratings_of_people(view, run, judged, tmp_path):
    scored(view, judged, lambda text, label, place: float(len(text)), samples=2)
    labels = tmp_path / "labels.jsonl"
    ids = [(answer.id, len(answer.text)) for one, _ in view.verdicts[""] for answer in one.responses]
    labels.write_text("".join(json.dumps({"response": name, "rating": -size}) + "\n" for name, size in ids))
    _, judges, _ = report(view, run, labels=labels)
    assert judges["j"]["truth"]["ratings"] == 8
    assert judges["j"]["truth"]["tau_b"] == pytest.approx(-1)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"claim": "s/0#0"}], "must have a 'claim' or 'response', and a 'label' true or false or a 'rating'"),
        ([{"claim": "s/0#0", "label": "maybe"}], "must have a 'claim' or 'response'"),
        ([{"claim": "s/0#0", "label": True}] * 2, "is a second label of claim 's/0#0'; leave one out"),
        ([{"claim": "x", "label": True}], "none of its 1 labels is about something that was judged, such as ['x']"),
    ],
)
def test_labels_that_do_not_fit(view, run, judged, tmp_path, rows, problem):
    one = judged("s", "a cat", claims=1)
    view.verdicts[""] = [(one, {"j": [said("j", one.claims[0].id, SIDES[0])]})]
    labels = tmp_path / "labels.jsonl"
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(StageError) as caught:
        report(view, run, labels=labels)
    assert problem in str(caught.value)


def test_what_cannot_be_reported(view, run, judged, tmp_path):
    with pytest.raises(UsageError, match="has no verdicts yet"):
        report(view, run)
    one = judged("s", "a cat", claims=1)
    view.verdicts[""] = [(one, {"j": [said("j", one.claims[0].id, SIDES[0])]})]
    with pytest.raises(UsageError, match="truth = 'me' is no judge here; there are 'j'"):
        report(view, run, truth="me")
    with pytest.raises(UsageError, match="is not a file"):
        report(view, run, labels=tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="both given"):
        report(view, run, labels=tmp_path / "none.jsonl", truth="j")


def test_abstention_and_cost(view, run, judged):
    one = judged("s", "a cat", claims=4)
    verdicts = [said("j", c.id, "skipped", reason="failed: no answer") for c in one.claims[:1]]
    verdicts += [said("j", c.id, SIDES[n % 2]) for n, c in enumerate(one.claims[1:])]
    view.verdicts[""] = [(one, {"j": verdicts})]
    view.states["j"] = {"done": True, "seconds": 2.0, "facts": {"tokens_in": 40}}
    _, judges, page = report(view, run)
    assert judges["j"]["abstention"] == 25
    assert judges["j"]["reasons"] == {"failed": 1}
    assert judges["j"]["cost"] == {"seconds": 2, "verdicts_per_second": 2, "tokens_in": 40}
    assert "tokens in" in page
    view.states["j-round-2"] = {"done": True, "seconds": 2.0, "facts": {"tokens_in": 2, "model": "m"}}
    _, judges, _ = report(view, run)
    assert judges["j"]["cost"] == {"seconds": 4, "verdicts_per_second": 1, "tokens_in": 42, "model": "m"}
