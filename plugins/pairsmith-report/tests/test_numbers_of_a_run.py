"""Distributions, picks, curves and counts, on numbers worked by hand."""

from itertools import pairwise
from random import Random
from typing import Any

import pytest

from pairsmith_report.counts import drops, steps
from pairsmith_report.curves import MOST_POINTS, Curve, curves, last_values
from pairsmith_report.facts import stage_facts
from pairsmith_report.figures import benchmark_figures
from pairsmith_report.histogram import MOST_BINS, Histogram, edges
from pairsmith_report.spread import Spread
from pairsmith_report.words import MOST_COMPARED, compare


def filled(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


def test_a_histogram_counts_everything_once_however_coarse_it_gets() -> None:
    random = Random(0)
    values = [random.gauss(0, 1) * 10 ** random.randrange(-6, 6) for _ in range(20_000)]
    histogram = filled(values)
    assert len(histogram.bins) <= MOST_BINS
    assert histogram.bins.total() == histogram.count == len(values)
    assert histogram.mean == pytest.approx(sum(values) / len(values))
    assert (histogram.lowest, histogram.highest) == (min(values), max(values))
    assert sum(histogram.counted(edges([histogram]))) == len(values)


def test_values_without_a_number_or_without_end_do_no_harm() -> None:
    histogram = filled([1.0, float("nan"), float("inf"), 1e308, 1e100, -1e99, 2.0])
    assert histogram.count == 4
    assert sum(histogram.counted(edges([histogram]))) == 4


def test_whole_numbers_lie_amid_their_bars() -> None:
    histogram = filled([1, 2, 2, 4])
    assert edges([histogram]) == [0.5, 1.5, 2.5, 3.5, 4.5]
    assert histogram.counted(edges([histogram])) == [1, 2, 0, 1]


def test_one_value_far_out_does_not_squeeze_the_rest() -> None:
    histogram = filled([*(float(n % 50) for n in range(10_000)), 5000.0])
    shared = edges([histogram])
    assert shared[-1] < 60
    assert sum(histogram.counted(shared)) == 10_001


@pytest.mark.parametrize("value", [0.0, 0.25, -3.5, 7.0])
def test_a_single_value_has_a_bar(value: float) -> None:
    histogram = filled([value] * 3)
    assert histogram.counted(edges([histogram])) == [3]


@pytest.mark.parametrize("size", [0, 1, 19, 20, 21, 80, 81, 160, 5000])
def test_picks_are_spread_evenly_and_few(size: int) -> None:
    spread = Spread[int](20)
    most = 0
    for number in range(size):
        spread.add(number)
        most = max(most, len(spread.kept))
    picked = spread.picked()
    assert most <= 81
    assert len(picked) == len(set(picked)) == min(size, 20)
    assert picked == sorted(picked)
    if size > 21:
        gaps = [after - before for before, after in pairwise(picked)]
        assert max(gaps) <= 2 * min(gaps)
        assert picked[-1] >= size * 0.75


@pytest.mark.parametrize(
    "row",
    [
        {"rewards/chosen": 1.0, "rewards/rejected": -1.0, "rewards/margin": 2.0, "rewards/accuracy": 0.5, "loss": 0.7},
        {
            "rewards/chosen": 1,
            "rewards/rejected": -1,
            "rewards/margins": 2,
            "rewards/accuracies": 0.5,
            "train_loss": 0.7,
        },
        {"chosen_reward": 1.0, "rejected_reward": -1.0, "margin": 2.0, "train/accuracy": 0.5, "train/loss": 0.7},
    ],
)
def test_metrics_are_known_by_whatever_name(row: dict[str, float]) -> None:
    found = curves([{"step": 3, **row}])
    assert {name: curve.values for name, curve in found.items()} == {
        "chosen": (1.0,),
        "rejected": (-1.0,),
        "margin": (2.0,),
        "accuracy": (0.5,),
        "loss": (0.7,),
    }
    assert found["loss"].steps == (3.0,)


def test_what_only_looks_like_a_metric_is_not_taken_for_it() -> None:
    assert curves([{"step": 1, "rewards/image_margin": 2.0, "nll": 1.0, "loss": float("nan")}, {"loss": 3.0}]) == {}


def test_long_curves_become_means_of_neighbours() -> None:
    found = curves([{"step": step, "loss": float(step % 2)} for step in range(10_000)])["loss"]
    assert len(found.steps) <= MOST_POINTS
    assert set(found.values) == {0.5}


def test_metrics_are_listed_as_last_written() -> None:
    rows: list[dict[str, Any]] = [
        {"step": 1, "loss": 1.0, "nll": 4.0},
        {"step": 2, "steps": 9, "loss": 0.5, "note": "x"},
    ]
    assert last_values(rows) == {"loss": 0.5, "nll": 4.0}


def test_answers_too_long_to_compare_are_left_unmarked() -> None:
    long = "word " * (MOST_COMPARED + 1)
    assert [span.only for side in compare(long, "word") for span in side] == [False, False]


def test_marks_put_back_together_are_the_answers() -> None:
    random = Random(1)
    for _ in range(200):
        one, other = (" ".join(random.choices(["a", "b", "c\n", "猫的"], k=random.randrange(9))) for _ in range(2))
        spans = compare(one, other)
        assert ["".join(span.text for span in side) for side in spans] == [one, other]


def test_counts_follow_the_stages(make_run: Any) -> None:
    run = make_run(587)
    assert [(step.label, step.count) for step in steps(run)] == [
        ("samples", 600),
        ("responses", 3000),
        ("claims", 10800),
        ("verdicts", 10566),
        ("pairs", 587),
        ("trained on", 587),
    ]
    assert [step.note for step in steps(run, "control")] == ["all that were selected", "60 steps"]
    assert [(drop.stage, drop.reason, drop.count) for drop in drops(run)] == [
        ("images", "bad image", 2),
        ("pairs", "near-identical", 9),
        ("pairs", "identical", 3),
        ("pairs", "length-ratio", 1),
    ]


def test_samples_that_failed_are_shown_with_their_reasons_and_what_the_rest_cost(make_run: Any) -> None:
    run = make_run(10)
    judged = run.stage_table["verdicts-2-vqa"]
    failed = {
        **judged,
        "items": 40,
        "counts": {**judged["counts"], "failed": 2},
        "facts": {"requests": 41, "cost": 0.5},
    }
    run.stage_table = {"verdicts-1-rubric": failed}
    run.drop_rows = {"verdicts-1-rubric": [{"id": "s7", "reason": "failed", "detail": "the server hung"}]}
    (drop,) = drops(run)
    assert (drop.stage, drop.reason, drop.count, drop.share) == ("verdicts-1-rubric", "failed", 2, 0.05)
    assert drop.examples == (("s7", "the server hung"),)
    assert stage_facts(run.stages()) == [("verdicts-1-rubric", "requests 41, cost 0.5")]


def test_a_method_that_trains_twice_has_pairs_twice(make_run: Any) -> None:
    run = make_run(10)
    table = {"sft-pairs": run.stage_table["pairs"], "pairs": run.stage_table["pairs"]}
    run.stage_table = table
    assert [step.label for step in steps(run)] == ["pairs (sft)", "pairs", "trained on"]


def test_the_course_of_a_benchmark_goes_from_the_base_model_over_the_steps_to_the_result() -> None:
    metrics = {
        "": [{"step": 1, "loss": 0.7}, {"step": 2, "loss": 0.6, "benchmark/pope/f1": 71.0, "benchmark/pope/yes": 50.0},
             {"step": 3, "loss": 0.5}],
        "control": [],
    }  # fmt: skip
    scores = [{"benchmark": "pope", "model": model, "metrics": {"f1": value}}
              for model, value in (("base", 70.0), ("trained", 73.5), ("control", 1.0))]  # fmt: skip
    (figure,) = benchmark_figures(metrics, scores)
    assert (figure.title, figure.caption) == ("pope, f1", "Trained 70.00 → 73.50.")
    assert figure.svg.count("<path") > 0
    assert [curve for *_, curve in _lines(metrics, scores)] == [Curve((0.0, 2.0, 3.0), (70.0, 71.0, 73.5))]
    assert benchmark_figures({"": [{"step": 1, "loss": 1.0}]}, scores) == []
    (alone,) = benchmark_figures({"": metrics[""]}, [])
    assert alone.caption == "Trained 71.00 → 71.00."


def _lines(metrics, scores):
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pairsmith_report.figures._figure", lambda *given: seen.extend(given[-1]))
        benchmark_figures(metrics, scores)
    return seen
