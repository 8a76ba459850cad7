"""Claims put as questions to a model that sees the image."""

from collections.abc import Iterable

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_judges() -> Iterable[Component]:
    """Offer the judge."""
    yield Component(
        name="vqa",
        factory="pairsmith_vqa.judge:Vqa",
        options="pairsmith_vqa.options:VqaOptions",
        needs="pairsmith_vqa.options:needs",
        inputs="pairsmith_vqa.options:inputs",
        revision=2,  # a verdict says where the gate kept a question out
        summary="Asks BLIP-2, BLIP, ViLT or any VLM whether a claim is so; a grammar gate keeps odd questions out.",
    )
