"""The report of a run: a page that stands alone, and a summary in Markdown."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_reporters() -> Iterable[Component]:
    """Offer ``html`` and ``markdown``."""
    yield Component(
        name="html",
        factory="pairsmith_report.page:HtmlReporter",
        options="pairsmith_report.options:HtmlOptions",
        summary="One page: before and after, where every item went, curves, and pairs with their verdicts.",
    )
    yield Component(
        name="markdown",
        factory="pairsmith_report.markdown:MarkdownReporter",
        summary="The before/after table and the counts of every stage, as Markdown.",
    )
