"""How sure the numbers of a run are."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_reporters() -> Iterator[Component]:
    """Offer the reporters."""
    yield Component(
        name="comparison",
        factory="pairsmith_statistics.comparison:ComparisonReporter",
        options="pairsmith_statistics.options:ComparisonOptions",
        summary="Before and after: every metric with paired bootstrap intervals and a permutation test, a table and a plot.",
    )
    yield Component(
        name="judges",
        factory="pairsmith_statistics.judges:JudgesReporter",
        options="pairsmith_statistics.options:JudgesOptions",
        summary="Judges judged: agreement, position and length bias, consistency, calibration, abstention, cost.",
    )
