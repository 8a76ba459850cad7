"""The page of a whole run: what it says, and that it needs nothing but itself."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Corrupted, Demonstration, Image, Item, Judged, Response, Sample, Turn
from pairsmith_report.options import HtmlOptions
from pairsmith_report.page import HtmlReporter

VOID = {"meta", "img", "br", "link", "input", "hr", "path", "use"}


class Outline(HTMLParser):
    """Checks that every element is closed where it was opened, and notes ids, addresses and headings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.headings: list[int] = []
        self.images_without_text = 0
        self.tags: set[str] = set()
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"an attribute twice on <{tag}>: {attrs}"
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in found:
            self.ids.append(str(found["id"]))
        self.addresses += [str(found[name]) for name in ("src", "href", "data", "srcset", "action") if name in found]
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.images_without_text += tag == "img" and not found.get("alt")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes something else"


def page_of(run: Any, pairs: int = 20) -> str:
    reporter = HtmlReporter(HtmlOptions(pairs=pairs), Run(directory=run.directory, images=None))  # type: ignore[arg-type]
    (path,) = reporter.report(run)
    assert path == run.directory / "report.html"
    return path.read_text(encoding="utf-8")


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<(style|title)>.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL).split())


def test_it_begins_with_the_outcome_in_one_sentence(make_run: Callable[..., Any]) -> None:
    text = text_of(page_of(make_run()))
    assert "chair_i 15.1 → 4.0 (−74 %), recall 95.2 → 94.6; control 15.4" in text
    assert text.index("toyworld-decompgen") < text.index("chair_i 15.1 →") < text.index("Before and after")


def test_its_parts_come_in_the_order_of_the_argument(make_run: Callable[..., Any]) -> None:
    page = page_of(make_run())
    sections = ["scores", "data", "distributions", "training", "pairs", "provenance"]
    places = [page.index(f'<section id="{name}"') for name in sections]
    assert places == sorted(places)


def test_it_is_well_formed_and_can_be_read_aloud(make_run: Callable[..., Any]) -> None:
    outline = Outline(page_of(make_run()))
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.headings[0] == 1
    assert outline.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(outline.headings))
    assert outline.images_without_text == 0
    assert not outline.tags & {"script", "link", "iframe", "object", "embed", "form", "base"}


def test_it_refers_to_nothing_outside_itself(make_run: Callable[..., Any]) -> None:
    page = page_of(make_run())
    outline = Outline(page)
    assert all(address.startswith(("#", "data:image/")) for address in outline.addresses)
    assert all(address[1:] in {*outline.ids} for address in outline.addresses if address.startswith("#"))
    assert not re.search(r"url\((?!#)|@import|https?:", page.replace(json.dumps("https"), ""))


def test_the_plots_are_text_and_take_the_colours_of_the_page(make_run: Callable[..., Any]) -> None:
    page = page_of(make_run())
    plots = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(plots) == 7
    for plot in plots:
        assert re.match(r'<svg [^>]*role="img"><title>[^<]+</title>', plot)
        assert "<text" in plot
        assert not re.search(r"#[0-9a-f]{6}\b|font-family", plot)
        assert "var(--" in plot


def test_the_same_run_gives_the_same_bytes(make_run: Callable[..., Any]) -> None:
    run = make_run()
    assert page_of(run) == page_of(run)


def test_pairs_are_spread_over_the_run(make_run: Callable[..., Any]) -> None:
    page = page_of(make_run(400), pairs=5)
    shown = re.findall(r"\d\. <code>scene-(\d+):pair</code>", page)
    assert len(shown) == 5
    assert shown[0] == "00000"
    gaps = [int(after) - int(before) for before, after in pairwise(shown)]
    assert min(gaps) > 60


def test_no_pairs_are_shown_where_none_are_wanted(make_run: Callable[..., Any]) -> None:
    assert "asked to show none of the 40" in page_of(make_run(), pairs=0)


def test_a_verdict_is_an_icon_a_word_and_its_evidence(make_run: Callable[..., Any]) -> None:
    page = page_of(make_run(), pairs=1)
    claim = next(found for found in re.findall(r'<li class="contradicted">.*?</li>', page, flags=re.DOTALL))
    assert "✗" in claim
    assert "contradicted" in text_of(claim)
    assert "asked: what colour is the" in claim
    assert "&#34;answer&#34;" in claim


def test_words_that_one_answer_has_alone_are_marked(make_run: Callable[..., Any]) -> None:
    card = page_of(make_run(), pairs=1).split("<article")[1]
    marked = re.findall(r"<mark>(.*?)</mark>", card)
    assert any(word in marked for word in ("red", "blue", "yellow", "green"))


def test_counts_say_what_was_left_out_and_why(make_run: Callable[..., Any]) -> None:
    text = text_of(page_of(make_run(587)))
    assert "600 samples 2 left out" in text
    assert "587 pairs of 600 selected" in text
    assert "near-identical 9 1.5 % scene-00000:pair" in text
    assert "owl-vit spatial" in text


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</style></title><script>alert(1)</script>",
        "{{ 7 * 7 }}{% raw %}",
        "javascript:alert(1)",
    ],
)
def test_whatever_a_model_says_is_only_text(make_run: Callable[..., Any], hostile: str) -> None:
    run = make_run(3)
    plain = run.make

    def make(number: int) -> Any:
        item, judged = plain(number)
        value = item.value
        sample = evolve(value.sample, prompt=(Turn(role="user", text=hostile),), id=hostile)
        chosen = evolve(value.chosen, text=hostile, model=hostile)
        pair = evolve(value, id=hostile, sample=sample, chosen=chosen)
        claims = tuple(evolve(claim, text=hostile, aspect=hostile) for claim in judged.claims)
        verdicts = tuple(
            evolve(one, judge=hostile, reason=hostile, evidence={hostile: hostile}) for one in judged.verdicts
        )
        return evolve(item, value=pair), evolve(judged, sample=sample, claims=claims, verdicts=verdicts)

    table = {name: {**state, "key": hostile} for name, state in run.stage_table.items()}
    table["pairs"]["counts"] = {"selected": 3, "kept": 2, f"dropped: {hostile}": 1}
    page = page_of(
        evolve(
            run,
            make=make,
            recipe={**run.recipe, "model": {"use": hostile}, "control": {"pairs": {"use": hostile}}},
            document={**run.document, "name": hostile, "summary": hostile, "versions": {hostile: hostile}},
            stage_table={**table, hostile: table["pairs"]},
            drop_rows={"pairs": [{"id": hostile, "reason": hostile, "detail": hostile}]},
            metric_rows={"": [{"step": 1, "loss": 1.0, hostile: 2.0}]},
            scores=[
                {"benchmark": hostile, "model": model, "metrics": {hostile: 1.0}, "source": hostile}
                for model in ("base", "trained", hostile)
            ],
        )
    )
    outline = Outline(page)
    assert "script" not in outline.tags
    assert page.count("<img") == 3
    assert all(address.startswith(("#", "data:image/")) for address in outline.addresses)
    assert "49" not in re.findall(r"<h1>(.*?)</h1>", page)[0]
    assert "default-src 'none'" in page


def test_characters_that_no_page_may_hold_are_shown_as_such(make_run: Callable[..., Any]) -> None:
    run = make_run(1)
    plain = run.make

    def make(number: int) -> Any:
        item, judged = plain(number)
        chosen = evolve(item.value.chosen, text="a\x00b\x1b[31m\ud800 c\u202e")
        return evolve(item, value=evolve(item.value, chosen=chosen)), judged

    page = page_of(evolve(run, make=make))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", page)
    assert "\ufffd" in page


def test_each_side_shows_its_own_prompt_where_they_differ(make_run: Callable[..., Any]) -> None:
    run = make_run(1)
    plain = run.make

    def make(number: int) -> Any:
        item, judged = plain(number)
        chosen = evolve(item.value.chosen, prompt=(Turn(role="user", text="Look closely."),))
        return evolve(item, value=evolve(item.value, chosen=chosen)), judged

    text = text_of(page_of(evolve(run, make=make)).split("<article")[1])
    assert (
        text.index("chosen") < text.index("Look closely.") < text.index("rejected") < text.index("Describe the image.")
    )


def test_a_corrupted_image_and_context_are_shown(make_run: Callable[..., Any]) -> None:
    run = make_run(1)
    plain = run.make

    def make(number: int) -> Any:
        item, judged = plain(number)
        worse = Corrupted(images=(Image(path=run.directory / "images" / "3.png"),), context="At night")
        return evolve(item, corrupted=worse), judged

    card = page_of(evolve(run, make=make)).split("<article")[1]
    assert "<figcaption>Corrupted image</figcaption>" in card
    assert "At night" in card


def test_a_page_that_cannot_be_written_is_one_sentence_and_leaves_nothing(make_run: Callable[..., Any]) -> None:
    run = make_run(1)
    (run.directory / "report.html").mkdir()
    with pytest.raises(StageError, match=r"report\.html' cannot be written \(Is a directory\); make room"):
        page_of(run)
    assert not list(run.directory.glob(".report*"))


def test_an_old_page_is_replaced_whole(make_run: Callable[..., Any]) -> None:
    run = make_run(1)
    (run.directory / "report.html").write_text("old")
    page = page_of(run)
    assert page.rstrip().endswith("</html>")
    assert sorted(path.name for path in run.directory.iterdir()) == ["images", "report.html"]


def test_long_answers_and_many_claims_keep_the_page_bounded(make_run: Callable[..., Any]) -> None:
    run = make_run(20)
    plain = run.make

    def make(number: int) -> Any:
        item, judged = plain(number)
        chosen = evolve(item.value.chosen, text="word " * 20_000)
        claims = tuple(evolve(judged.claims[0], id=f"{number}#{n}") for n in range(3000))
        return evolve(item, value=evolve(item.value, chosen=chosen)), evolve(judged, claims=claims)

    page = page_of(evolve(run, make=make))
    assert "94,000 more characters" in page
    assert "2,940 more claims" in page
    assert len(page) < 2_000_000


def test_demonstrations_have_one_side(make_run: Callable[..., Any]) -> None:
    sample = Sample(id="s", prompt=(Turn(role="user", text="What?"),))
    answer = Response(id="r", sample_id="s", text="A cat.")
    item = Item(value=Demonstration(id="d", sample=sample, chosen=answer, score=0.5))
    run = make_run(3, make=lambda _: (item, Judged(sample=sample, responses=(answer,))))
    card = page_of(run).split("<article")[1]
    assert "chosen answer of pair 1" in card
    assert "rejected" not in card
    assert "no image" in card


def test_the_file_is_where_it_says(make_run: Callable[..., Any], tmp_path: Path) -> None:
    page_of(make_run(1))
    assert (tmp_path / "report.html").stat().st_size < 500_000
