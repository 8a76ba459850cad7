"""Quality of preference pairs: near-duplicates and contamination to leave out, and a report of what pairs teach."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_pair_selectors() -> Iterator[Component]:
    """Offer the filter."""
    yield Component(
        name="deduplicate",
        factory="pairsmith_quality.deduplicate:Deduplicate",
        options="pairsmith_quality.options:DeduplicateOptions",
        inputs="pairsmith_quality.options:table_inputs",
        summary="Another selector's pairs, without near-duplicates and without what benchmarks or other sets hold.",
    )


@hookimpl
def pairsmith_reporters() -> Iterator[Component]:
    """Offer the report."""
    yield Component(
        name="quality",
        factory="pairsmith_quality.report:QualityReporter",
        options="pairsmith_quality.options:QualityOptions",
        summary="Duplicates, contamination, bias of length and form, and how far pairs can be told without the image.",
    )
