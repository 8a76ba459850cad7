"""Splits answers into claims with a text model that is shown a few examples."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl
from pairsmith_decompose.options import LlmFewshotOptions


@hookimpl
def pairsmith_decomposers() -> Iterable[Component]:
    """Offer the decomposer."""
    yield Component(
        name="llm-fewshot",
        factory="pairsmith_decompose.decomposer:LlmFewshot",
        options=LlmFewshotOptions,
        needs="pairsmith_decompose.options:needs",
        inputs="pairsmith_decompose.options:inputs",
        summary="A text model and a few examples split answers into objects, attributes, counts, relations and texts.",
    )
