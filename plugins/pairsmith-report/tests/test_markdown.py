"""The summary in Markdown."""

from collections.abc import Callable
from typing import Any

from attrs import evolve

from pairsmith.component import NoOptions
from pairsmith.interfaces import Run
from pairsmith_report.markdown import MarkdownReporter


def summary_of(run: Any) -> str:
    (path,) = MarkdownReporter(NoOptions(), Run(directory=run.directory, images=None)).report(run)  # type: ignore[arg-type]
    return path.read_text(encoding="utf-8")


def test_it_has_the_table_and_the_counts(make_run: Callable[..., Any]) -> None:
    lines = summary_of(make_run(587)).splitlines()
    assert lines[0] == "# toyworld-decompgen"
    assert "| chair | chair\\_i ↓ | 15.1 | **4.0** | 15.4 | −11.1 (−74 %) |" in lines
    assert "| pairs | 587 | of 600 selected |" in lines
    assert "| control: trained on | 587 | 60 steps |" in lines
    assert "| pairs | near-identical | 9 |" in lines


def test_every_row_of_a_table_has_as_many_cells_as_its_head(make_run: Callable[..., Any]) -> None:
    blocks = [block for block in summary_of(make_run()).split("\n\n") if block.startswith("|")]
    assert len(blocks) == 3
    for block in blocks:
        assert len({line.rstrip().count("|") for line in block.strip().splitlines()}) == 1


def test_text_of_a_run_is_no_markup(make_run: Callable[..., Any]) -> None:
    run = make_run(1)
    text = summary_of(evolve(run, document={"name": "<b>|`x`", "created": ""}, scores=()))
    assert text.splitlines()[0] == "# &lt;b&gt;\\|\\`x\\`"
