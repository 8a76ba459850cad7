from collections import Counter

import pytest

from pairsmith_toyworld.chair import LOWER_IS_BETTER, NEUTRAL, rates, record, tally

MADE_UP = (  # a blue square that red makes one expect; the count follows it
    "there is a large red circle . a small blue square is right of it . below it is a small yellow star . "
    "the word GO is written at the bottom . in total there are three objects ."
)
MISREAD = (  # the ring is small, nothing is written, the cross is left out
    "the image shows a large green ring . below it is a large yellow star . the word OK is written at the top . "
    "in total there are two objects ."
)
REPEATED = "there is a small white ring . there is a small white ring . of it . in total there is one object ."


def test_three_captions_worked_by_hand(with_word, with_companion, lone_ring):
    total: Counter[str] = Counter()
    for text, scene in ((MADE_UP, with_word), (MISREAD, with_companion), (REPEATED, lone_ring)):
        total.update(tally(text, scene))
    assert rates(total) == pytest.approx(
        {
            "chair_i": 100 * 2 / 7,  # the square and the repeated ring, of 3 + 2 + 2 mentions
            "chair_s": 100 * 2 / 3,
            "recall": 100 * 5 / 6,  # all but the cyan cross
            "claim_accuracy": 100 * (6 + 4 + 4) / (11 + 8 + 6),
            "size": 100 * 5 / 6,  # of objects that are there: two, the ring wrong and the star, the ring twice
            "relation": 100.0,  # between objects that are there: the star below the ring
            "count": 100 * 1 / 3,
            "word_recall": 100.0,
            "word_false": 50.0,  # OK, in one of two scenes without a word
            "companion_present": 100.0,  # green's star
            "companion_absent": 100.0,  # red's square
            "malformed": 100 * 1 / 3,
            "length": (40 + 32 + 24) / 3,
        }
    )


def test_a_companion_that_is_passed_over_is_missed(with_companion):
    counts = tally("there is a small green ring .", with_companion)
    assert (counts["companions there"], counts["companions found"]) == (1, 0)
    assert (counts["companions absent"], counts["companions made up"]) == (0, 0)


def test_a_relation_told_the_wrong_way_round_is_counted(with_word):
    text = "there is a large red circle . a small yellow star is left of it ."
    counts = tally(text, with_word)
    assert (counts["relations"], counts["relations true"]) == (1, 0)


def test_an_empty_answer_has_no_rate_to_divide_by(with_word):
    found = rates(tally("", with_word))
    assert found["chair_i"] == found["recall"] == found["claim_accuracy"] == found["length"] == 0


def test_no_caption_at_all_gives_zeros():
    assert set(rates(Counter()).values()) == {0.0}


def test_every_metric_that_is_better_low_or_neither_exists(with_word):
    assert {*LOWER_IS_BETTER, *NEUTRAL} < set(rates(tally(MADE_UP, with_word)))


def test_the_record_of_a_caption_names_what_is_false(with_word):
    assert record(MADE_UP, with_word) == {
        "objects": 3,
        "objects_false": 1,
        "objects_there": 2,
        "objects_found": 2,
        "false": [
            "there is a blue square",
            "the blue square is small",
            "the blue square is right of the red circle",
            "the yellow star is below the blue square",
            "the number of objects is 3",
        ],
    }
