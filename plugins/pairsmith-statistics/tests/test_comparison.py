import json

import pytest

from pairsmith_statistics.comparison import ComparisonReporter
from pairsmith_statistics.options import ComparisonOptions
from pairsmith_statistics.plots import differences_plot, panels

BEFORE = [(1, 2), (2, 4), (1, 1), (0, 3), (2, 5), (1, 2), (3, 4), (1, 3), (2, 2), (0, 4), (1, 5), (2, 3)]
AFTER = [(0, 2), (1, 4), (0, 2), (0, 3), (0, 5), (0, 2), (1, 4), (0, 3), (0, 3), (0, 4), (0, 5), (1, 3)]


def put(view, benchmark, model, values, table=True, **problems):
    rows = [
        {"id": f"q{n}", "images": [f"i{n}"], "response": "words", "sums": {"false": false, "all": every}}
        for n, (false, every) in enumerate(values)
    ]
    for name, problem in problems.items():
        rows[int(name[1:])] = {"id": name, "images": [f"i{name[1:]}"], "response": None, "problem": problem, "sums": {}}
    kept = [row["sums"] for row in rows if row["sums"]]
    false, every = sum(one["false"] for one in kept), sum(one["all"] for one in kept)
    view.rows[benchmark, model] = rows
    note = {
        "benchmark": benchmark,
        "model": model,
        "metrics": {"chair": 100 * false / every, "length": every, "scored": float(len(kept))},
        "lower_is_better": ["chair"],
        "neutral": ["length", "scored"],
        "source": "a paper",
        "items": len(rows),
        "table": {"use": "chair"} if table else None,
    }
    view.notes.append(note)


def report(view, run, **options):
    paths = ComparisonReporter(ComparisonOptions(resamples=2000, **options), run).report(view)
    return json.loads((view.directory / "evaluation.json").read_text()), paths


def test_what_it_says_of_two_models(view, run):
    put(view, "toy", "base", BEFORE)
    put(view, "toy", "trained", AFTER)
    found, paths = report(view, run)
    (benchmark,) = found["benchmarks"]
    chair, length, scored = benchmark["metrics"]
    assert chair["values"]["base"]["value"] == pytest.approx(100 * 16 / 38)
    assert chair["values"]["trained"]["value"] == pytest.approx(100 * 3 / 40)
    assert chair["goal"] == "lower"
    apart = chair["differences"]["trained"]
    assert apart["difference"] == pytest.approx(100 * (3 / 40 - 16 / 38))
    assert apart["low"] < apart["difference"] < apart["high"] < 0
    assert apart["p"] < 0.01
    assert apart["p_holm"] == apart["p"]  # the one metric that may be better or worse
    assert "p_holm" not in length["differences"]["trained"]
    assert "low" not in scored["values"]["base"]  # a count of items is nobody's estimate
    assert benchmark["clusters"] == 12
    page = paths[0].read_text()
    assert "trained against base is better in chair (1 tested, Holm's correction)" in page
    assert "| chair ↓" in page
    assert [path.name for path in paths] == ["evaluation.md", "evaluation.json", "evaluation.svg"]
    assert "toy: trained − base" in paths[2].read_text()
    assert "chair ↓" in paths[2].read_text()


def test_the_same_run_gives_the_same_files(view, run):
    put(view, "toy", "base", BEFORE)
    put(view, "toy", "trained", AFTER)
    first = [path.read_bytes() for path in report(view, run)[1]]
    assert [path.read_bytes() for path in report(view, run)[1]] == first


def test_models_that_say_the_same_are_not_told_apart(view, run):
    put(view, "toy", "base", BEFORE)
    put(view, "toy", "trained", BEFORE)
    found, paths = report(view, run)
    apart = found["benchmarks"][0]["metrics"][0]["differences"]["trained"]
    assert (apart["difference"], apart["p"], apart["low"]) == (0, 1, None)
    assert "not told apart in any metric" in paths[0].read_text()


def test_what_was_not_scored_is_named_and_counted(view, run):
    put(view, "toy", "base", BEFORE, q3="missing")
    put(view, "toy", "trained", AFTER, q1="empty", q2="double")
    view.rows["toy", "trained"][5]["response"] = "  "
    found, paths = report(view, run)
    notes = found["benchmarks"][0]["notes"]
    assert "base: 1 items without an answer, such as 'q3'." in notes
    assert "trained: 1 items with two answers or more, such as 'q2'." in notes
    assert any(note.startswith("trained: 2 empty answers, such as 'q1', 'q5'") for note in notes)
    assert "- base: 1 items without an answer" in paths[0].read_text()
    # Each model's number is the benchmark's own, of all it scored.
    value = found["benchmarks"][0]["metrics"][0]["values"]["base"]["value"]
    assert value == pytest.approx(view.notes[0]["metrics"]["chair"])


def test_items_that_only_one_model_answered_are_named(view, run):
    put(view, "toy", "base", BEFORE)
    put(view, "toy", "trained", AFTER[:10])
    found, _ = report(view, run)
    notes = found["benchmarks"][0]["notes"]
    assert "trained: 2 items are not those of base, such as 'q10', 'q11'; differences are not paired there." in notes


def test_without_a_formula_there_are_numbers_and_no_intervals(view, run):
    put(view, "toy", "base", BEFORE, table=False)
    put(view, "toy", "trained", AFTER, table=False)
    found, paths = report(view, run)
    assert "low" not in found["benchmarks"][0]["metrics"][0]["values"]["base"]
    page = paths[0].read_text()
    assert "there are no intervals" in page
    assert "no difference was tested" in page


def test_one_image_is_too_few(view, run):
    put(view, "toy", "base", BEFORE[:1])
    found, _ = report(view, run)
    assert "There are fewer than two images: there are no intervals." in found["benchmarks"][0]["notes"]


def test_a_run_without_scores(view, run):
    found, paths = report(view, run)
    assert found["benchmarks"] == []
    assert "No benchmark has been scored." in paths[0].read_text()


def test_several_models_are_compared_with_the_base(view, run):
    put(view, "toy", "trained", AFTER)
    put(view, "toy", "base", BEFORE)
    put(view, "toy", "control", BEFORE[::-1])
    put(view, "other", "mine", AFTER)
    put(view, "other", "theirs", BEFORE)
    found, _ = report(view, run)
    toy, other = found["benchmarks"]
    assert toy["baseline"] == "base"
    assert set(toy["metrics"][0]["differences"]) == {"trained", "control"}
    assert other["baseline"] == "mine"
    plot = (view.directory / "evaluation.svg").read_text()
    assert plot.count("toy: difference from base") == plot.count("other: theirs − mine") == 1
    assert plot.count(">trained<") == plot.count(">control<") == 1  # a key where there are several, and no panel each
    assert set(other["metrics"][0]["differences"]) == {"theirs"}


def drawn(*metrics, name="toy"):
    sure = {"difference": -3.0, "low": -4.0, "high": -2.0}
    rows = [{"metric": one, "goal": "lower", "differences": {"trained": sure}} for one in metrics]
    return {"benchmark": name, "baseline": "base", "metrics": rows}


def test_what_all_names_of_a_panel_end_with_is_said_once():
    found = {"confidence": 0.9, "benchmarks": [drawn("score[gpt]", "hal[gpt]"), drawn("chair", "f1[gpt]")]}
    first, second = panels(found)
    assert (first.ending, [row[0] for row in first.rows]) == ("[gpt]", ["score", "hal"])
    assert (second.ending, [row[0] for row in second.rows]) == ("", ["chair", "f1[gpt]"])
    plot = differences_plot(found)
    assert "toy [gpt]: trained − base" in plot
    assert plot.count("−3 [−4, −2]") == 4
    assert "90 % interval" in plot


def test_panels_stand_below_each_other_at_the_same_places():
    import re

    found = {"benchmarks": [drawn("chair"), drawn("a_long_name_of_a_metric", "other", name="wide")]}
    plot = differences_plot(found)
    axes = re.findall(r'<g id="axes_\d+">\s*<g id="patch_\d+">\s*<path d="M ([\d.]+) ([\d.]+) *\nL ([\d.]+)', plot)
    assert len(axes) == 2
    assert (axes[0][0], axes[0][2]) == (axes[1][0], axes[1][2])
    assert float(axes[0][1]) < float(axes[1][1])


def test_an_interval_that_is_not_defined_is_no_line():
    nan = float("nan")
    row = {"metric": "chair", "goal": "lower", "differences": {"trained": {"difference": 0.0, "low": nan, "high": nan}}}
    found = {"benchmarks": [{"benchmark": "toy", "baseline": "base", "metrics": [row]}]}
    assert ">0<" in differences_plot(found).replace("−", "-")
