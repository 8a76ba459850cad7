"""The before/after table and its sentence."""

from typing import Any

import pytest

from pairsmith_report.scoreboard import scoreboard


def found(
    model: str, *, benchmark: str = "chair", lower: tuple[str, ...] = ("chair_i",), **metrics: float
) -> dict[str, Any]:
    return {"benchmark": benchmark, "model": model, "metrics": metrics, "lower_is_better": lower, "source": "a paper"}


def test_the_best_is_the_lowest_where_low_is_good_and_the_highest_elsewhere() -> None:
    board = scoreboard([found("base", chair_i=15.1, recall=95.2), found("trained", chair_i=4.0, recall=94.6)])
    low, high = board.tables[0].rows
    assert (low.is_best("trained"), low.is_best("base")) == (True, False)
    assert (high.is_best("trained"), high.is_best("base")) == (False, True)
    assert (low.direction("trained"), high.direction("trained")) == ("better", "worse")


def test_a_length_is_neither_good_nor_bad() -> None:
    evaluations = [
        {**found(model, length=length, chair_i=9.5), "neutral": ["length"]}
        for model, length in (("base", 45.5), ("trained", 38.5))
    ]
    board = scoreboard(evaluations)
    row = board.tables[0].rows[0]
    assert (row.arrow, row.direction("trained"), row.is_best("base")) == ("·", "other", False)
    assert board.headline().startswith("chair_i")


def test_changes_are_absolute_and_relative() -> None:
    row = scoreboard([found("base", chair_i=15.1), found("trained", chair_i=4.0)]).tables[0].rows[0]
    assert (row.change_text("trained"), row.relative_text("trained")) == ("−11.1", "−74 %")


def test_equal_models_share_the_best_of_three_and_none_is_best_of_equals() -> None:
    board = scoreboard([found("base", chair_i=9.0), found("trained", chair_i=4.0), found("control", chair_i=4.0)])
    row = board.tables[0].rows[0]
    assert [row.is_best(model) for model in ("base", "trained", "control")] == [False, True, True]
    row = scoreboard([found("base", chair_i=4.0), found("trained", chair_i=4.0)]).tables[0].rows[0]
    assert not row.is_best("base")
    assert row.direction("trained") == "same"


def test_a_base_of_zero_has_no_relative_change() -> None:
    row = scoreboard([found("base", chair_i=0.0), found("trained", chair_i=4.5)]).tables[0].rows[0]
    assert (row.change_text("trained"), row.relative_text("trained")) == ("+4.50", "–")


def test_what_is_not_a_number_is_left_open() -> None:
    board = scoreboard([found("base", chair_i=float("nan"), recall=90.5), found("trained", chair_i=4.0, recall=91.5)])
    low = board.tables[0].rows[0]
    assert low.text("base") == "–"
    assert low.change("trained") is None
    assert not low.is_best("trained")


@pytest.mark.parametrize(
    ("evaluations", "sentence"),
    [
        ([], ""),
        ([found("base", chair_i=15.1)], "chair_i 15.1 (base)"),
        ([found("base", chair_i=15.1), found("trained", chair_i=4.0)], "chair_i 15.1 → 4.0 (−74 %)"),
        (
            [found(model, benchmark="pope", accuracy=value) for model, value in (("base", 0.8), ("trained", 0.9))],
            "pope accuracy 0.800 → 0.900 (+12 %)",
        ),
        ([found("trained", chair_i=4.5), found("control", chair_i=5.5)], "chair_i 4.50 (trained); control 5.50"),
    ],
)
def test_the_sentence_says_what_there_is(evaluations: list[dict[str, Any]], sentence: str) -> None:
    assert scoreboard(evaluations).headline() == sentence


def test_the_sentence_is_about_what_was_trained() -> None:
    board = scoreboard([found("base", benchmark="old", x=1.5), found("base", y=1.5), found("trained", y=3.0)])
    assert board.headline() == "chair y 1.50 → 3.00 (+100 %)"


def test_models_are_in_the_order_of_the_story() -> None:
    board = scoreboard([found(model, chair_i=1.5) for model in ("control", "other", "trained", "base")])
    assert board.models == ("base", "trained", "control", "other")


def test_rounds_stand_between_the_base_and_the_trained_model() -> None:
    models = ("control", "round-10", "trained", "round-2", "base", "round-1", "round-robin")
    board = scoreboard([found(model, chair_i=1.5) for model in models])
    assert board.models == ("base", "round-1", "round-2", "round-10", "trained", "control", "round-robin")
    assert "; control" in board.headline()
