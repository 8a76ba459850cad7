"""Runs that lack something: the page says so in a sentence and goes on."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from pairsmith.interfaces import Run
from pairsmith.values import Image, Judged, Pair
from pairsmith_report.options import HtmlOptions
from pairsmith_report.page import HtmlReporter


def page_of(run: Any) -> str:
    (path,) = HtmlReporter(HtmlOptions(), Run(directory=run.directory, images=None)).report(run)  # type: ignore[arg-type]
    return path.read_text(encoding="utf-8")


def test_no_judges(make_run: Callable[..., Any]) -> None:
    run = make_run()
    table = {name: state for name, state in run.stage_table.items() if not name.startswith(("claims", "verdicts"))}
    page = page_of(evolve(run, stage_table=table))
    assert "No judge has looked at the answers of this run." in page
    assert "not judged" not in page


def test_no_benchmarks(make_run: Callable[..., Any]) -> None:
    page = page_of(make_run(scores=()))
    assert "No benchmark has been run." in page
    assert 'class="headline"' not in page


def test_no_control(make_run: Callable[..., Any]) -> None:
    run = make_run()
    recipe = {table: value for table, value in run.recipe.items() if table != "control"}
    scores = [one for one in run.scores if one["model"] != "control"]
    rows = {"": run.metric_rows[""]}
    table = {name: state for name, state in run.stage_table.items() if "control" not in name}
    page = page_of(evolve(run, recipe=recipe, scores=scores, metric_rows=rows, stage_table=table))
    assert "The control is" not in page
    assert 'class="control-steps"' not in page
    assert "(−74 %), recall 95.2 → 94.6</p>" in page


def test_the_control_of_rounds_says_what_it_compares_with(make_run: Callable[..., Any]) -> None:
    run = make_run()
    said = "It was trained in the first round only: compare it with round-1."
    assert said not in page_of(run)
    assert said in page_of(evolve(run, recipe={**run.recipe, "rounds": {"n": 3}}))


def test_no_training(make_run: Callable[..., Any]) -> None:
    run = make_run(metric_rows={})
    page = page_of(evolve(run, scores=[one for one in run.scores if one["model"] == "base"]))
    assert "Nothing has been trained in this run." in page
    assert "chair_i 15.1 (base), recall 95.2 (base)" in page
    assert ">trained on<" not in page


def test_zero_pairs(make_run: Callable[..., Any]) -> None:
    run = make_run(0)
    table = {"images": run.stage_table["images"], "pairs": {**run.stage_table["pairs"], "counts": {"selected": 5}}}
    page = page_of(evolve(run, stage_table=table, metric_rows={}, scores=()))
    assert page.count("This run has no pairs yet.") == 2


def test_pairs_without_scores(make_run: Callable[..., Any]) -> None:
    run = make_run(30)
    plain = run.make

    def make(number: int) -> Any:
        item, judged = plain(number)
        assert isinstance(item.value, Pair)
        return evolve(item, value=evolve(item.value, scores=None)), Judged(
            sample=judged.sample, responses=judged.responses
        )

    page = page_of(evolve(run, make=make))
    assert "These pairs carry no scores." in page
    assert "margin <" not in page


def test_an_image_that_is_not_there(make_run: Callable[..., Any]) -> None:
    run = make_run(2)
    plain = run.make

    def make(number: int) -> Any:
        item, judged = plain(number)
        sample = evolve(item.value.sample, images=(Image(path=run.directory / "gone.png"),))
        return evolve(item, value=evolve(item.value, sample=sample)), judged

    page = page_of(evolve(run, make=make))
    assert "the image file &#39;gone.png&#39; is missing" in page


def test_a_run_that_has_only_just_begun(make_run: Callable[..., Any]) -> None:
    run = make_run(0)
    nothing = {"key": None, "parts": 0, "items": 0, "counts": {}, "seconds": None, "done": False}
    table = dict.fromkeys(run.stage_table, nothing)
    page = page_of(evolve(run, stage_table=table, metric_rows={}, scores=(), drop_rows={}))
    assert "No stage of this run has begun." in page
    assert "not begun" in page


@pytest.mark.parametrize("document", [{}, {"name": "x", "created": "no date", "versions": None, "command": None}])
def test_a_run_that_says_little_of_itself(make_run: Callable[..., Any], document: dict[str, Any]) -> None:
    page = page_of(make_run(1, document=document, recipe={}))
    assert "<h1>" in page
